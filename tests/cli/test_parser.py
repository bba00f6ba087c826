"""The options of all commands."""

import subprocess
import sys
from dataclasses import fields

import pytest

from segviz.adapt.method import OPTIMISERS, VARIABLES, Method
from segviz.adapt.methods import METHODS
from segviz.adapt.settings import Settings
from segviz.cli.options import parse_method
from segviz.cli.parser import COMMANDS, create_parser
from segviz.data.samples import SAMPLES
from segviz.network import checkpoint
from segviz.training.recipe import Recipe
from tests.cli.process import ROOT


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help(cli, command):
    code, out, err = cli(*command, "--help", trained=False)
    assert code == 0 and err == "" and out.startswith(" ".join(["usage: segviz", *command]))


def test_help_lists_what_there_is_to_choose_and_the_defaults(cli):
    _, out, _ = cli("run", "--help", trained=False)
    words = out.replace("\n", " ")
    bases = {name for name in METHODS if ":" not in name}
    for name in (*SAMPLES, *VARIABLES, *OPTIMISERS, checkpoint.DEFAULT, *bases):
        assert name in words, name
    assert "(default: 3.0)" in words and "(default: entropy)" in words


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


@pytest.mark.parametrize(
    "words",
    [
        ("run", "nowhere.png"),
        ("run", "sample:nothing"),
        ("run", "nowhere.png", "--method", "nothing"),
        ("evaluate",),
        ("tables", "nothing", "--voc-root", "nowhere"),
        ("export", "nowhere"),
    ],
)
def test_simple_errors_are_told_without_loading_torch(words):
    code = """
import sys
from segviz.cli.main import main
print(main(sys.argv[1:]), "torch" in sys.modules)
"""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
    assert done.stderr.startswith("segviz: ") and done.stderr.count("\n") == 1


def test_defaults_of_run_are_the_papers():
    options = create_parser().parse_args(["run", "photo.png"])
    made = Settings.of(parse_method(options), options.scale, options.precision)
    assert made == Settings()
    assert (made.method, made.scale, made.variables) == ("entropy", 3.0, "both")
    assert (made.steps, made.learning_rate) == (32, 1e-3)


def test_options_of_run_make_every_setting():
    text = "--scale 2 --method oracle --variables score --steps 4 --lr 0.01 --centred"
    more = "--tolerance 0.1 --precision bfloat16 --stop drift --optimiser sgd --momentum 0.5"
    text += " --tile 512"
    options = create_parser().parse_args(["run", "photo.png", *text.split(), *more.split()])
    made = Settings.of(parse_method(options), options.scale, options.precision, options.tile)
    expected = Settings(
        scale=2.0,
        method="oracle",
        variables="score",
        steps=4,
        learning_rate=0.01,
        centred=True,
        tolerance=0.1,
        precision="bfloat16",
        tile=512,
        stop="drift",
        optimiser="sgd",
        momentum=0.5,
    )
    assert made == expected
    whole = create_parser().parse_args(
        ["run", "photo.png", "--variables", "norm", "--alpha", "0.5"]
    )
    assert parse_method(whole).alpha == 0.5
    assert all(
        getattr(made, field.name) != getattr(Settings(), field.name)
        for field in fields(Settings)
        if field.name != "alpha"  # of the variables norm and all alone
    )


def test_objective_means_the_method_of_that_name():
    options = create_parser().parse_args(["run", "photo.png", "--objective", "oracle"])
    assert parse_method(options) == Method(method="oracle")


def test_methods_without_updates_ignore_what_updates_need():
    options = create_parser().parse_args(
        ["run", "photo.png", "--method", "flip", "--steps", "4", "--lr", "0.1"]
    )
    assert parse_method(options) == Method(method="flip")


def test_every_setting_of_training_has_an_option_with_its_default():
    options = vars(create_parser().parse_args(["train", "--voc-root", "data"]))
    for field in fields(Recipe):
        chosen = options[field.name]
        assert chosen == getattr(Recipe(), field.name) or (field.name == "mixed" and chosen is None)
