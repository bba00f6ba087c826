"""The options of all commands."""

import subprocess
import sys
from dataclasses import fields

import pytest

from segviz.adapt.settings import Settings
from segviz.cli.parser import COMMANDS, create_parser
from segviz.training.recipe import Recipe
from tests.cli.process import ROOT


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help(cli, command):
    code, out, err = cli(*command, "--help", trained=False)
    assert code == 0 and err == "" and out.startswith(" ".join(["usage: segviz", *command]))


def test_help_imports_nothing_heavy():
    code = """
import sys
from segviz.cli.main import main
try:
    main(["run", "--help"])
except SystemExit:
    print([name for name in ("torch", "numpy", "PIL") if name in sys.modules])
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_defaults_of_run_are_the_papers():
    options = create_parser().parse_args(["run", "photo.png"])
    assert (options.scale, options.steps, options.lr) == (3.0, 32, 1e-3)
    assert (options.objective, options.variables) == ("entropy", "both")


@pytest.mark.parametrize(
    ("arguments", "values"),
    [(["run", "photo.png"], Settings()), (["train", "--voc-root", "data"], Recipe())],
    ids=["run", "train"],
)
def test_every_setting_has_an_option_with_its_default(arguments, values):
    options = vars(create_parser().parse_args(arguments))
    options.setdefault("learning_rate", options.get("lr"))
    for field in fields(values):
        chosen = options[field.name]
        assert chosen == getattr(values, field.name) or (field.name == "mixed" and chosen is None)
