"""What an import brings with it: counted in fresh processes, not timed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "timm", "matplotlib", "plotly", "streamlit", "pandas", "skimage", "scipy")


def output(code):
    """What a program prints in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return done.stdout


def brought(code):
    """The heavy packages that a program imports."""
    code += f"\nimport sys; print('\\n', *(name for name in {HEAVY} if name in sys.modules))"
    return set(output(code).splitlines()[-1].split())


def command(*words):
    return f"""
from segviz.cli.main import main
try:
    main({list(words)})
except SystemExit:
    pass
"""


LIGHT = {
    "package": "import segviz",
    "help": command("--help"),
    "help of run": command("run", "--help"),
    "bad arguments": command("run"),
    "bad setting": command("run", "sample:cat", "--objective", "unknown"),
    "records": "import segviz.adapt, segviz.viewer.payload, segviz.jobs.queue, segviz.jobs.limits",
    "data": "import segviz.data.images, segviz.data.voc, segviz.data.samples, segviz.data.splits",
    "results": "import segviz.adapt.method, segviz.evaluation.results,"
    "segviz.evaluation.paper_tables, segviz.evaluation.against_paper,"
    "segviz.evaluation.correlation, segviz.evaluation.row_store, segviz.evaluation.table_text",
    "card": "from segviz.network import checkpoint; checkpoint.read_card(checkpoint.DEFAULT)",
}
"""Programs that need none of the heavy packages."""


@pytest.fixture(scope="module")
def light():
    """What each program of `LIGHT` imports that those before it have not, in one process."""
    code = f"""
import contextlib, io, json, sys
found = {{}}
for name, program in {LIGHT}.items():
    before = set(sys.modules)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, {{}})
    found[name] = [package for package in {HEAVY} if package in set(sys.modules) - before]
print(json.dumps(found))
"""
    return json.loads(output(code).splitlines()[-1])


@pytest.mark.parametrize("name", LIGHT)
def test_nothing_heavy(light, name):
    assert light[name] == []


def test_an_absent_photo_needs_no_torch():
    assert brought(command("run", "absent.png")) == set()


def test_an_episode_draws_nothing():
    run = command("run", "sample:cat", "--steps", "0", "--scale", "0.25")
    assert brought(run) == {"torch", "timm"}


def test_help_imports_no_command():
    rooms = ("segviz.cli.", "segviz.adapt")
    code = f"import sys; print(*(name for name in sys.modules if name.startswith({rooms})))"
    loaded = output(f"{command('--help')}\n{code}").splitlines()[-1].split()
    assert set(loaded) == {"segviz.cli.main", "segviz.cli.output", "segviz.cli.parser"}


def test_a_page_is_drawn_without_torch():
    code = """
from pages.actions import launch, page_start
from pages.components import run_view, sidebar
"""
    assert not brought(code) & {"torch", "timm", "matplotlib", "pandas", "skimage", "scipy"}
