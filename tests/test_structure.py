"""The structure of the code: unique names, and imports that run in one direction."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("segviz", "pages")


def modules():
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def test_no_two_public_classes_share_a_name():
    places = defaultdict(list)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert not shared


@pytest.mark.parametrize("package", PACKAGES)
def test_module_names_are_unique_in_a_package(package):
    """A module is not named like the package it is in, nor like a package beside it."""
    for path in (ROOT / package).rglob("*.py"):
        folders = path.relative_to(ROOT).parts[:-1]
        assert path.stem not in folders, path
        assert not path.with_suffix("").is_dir(), path


def test_imports_run_in_one_direction():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
