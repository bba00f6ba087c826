"""What an import brings with it: counted in fresh processes, not timed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "timm", "matplotlib", "plotly", "streamlit", "pandas", "skimage", "scipy")


def brought(code):
    """The heavy packages that a program imports."""
    code += f"\nimport sys; print('\\n', *(name for name in {HEAVY} if name in sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=200
    )
    return set(done.stdout.splitlines()[-1].split())


def command(*words):
    return f"""
from segviz.cli.main import main
try:
    main({list(words)})
except SystemExit:
    pass
"""


@pytest.mark.parametrize(
    "code",
    [
        "import segviz",
        command("--help"),
        command("run", "--help"),
        command("run"),
        command("run", "sample:cat", "--objective", "unknown"),
        "import segviz.adapt, segviz.viewer.payload, segviz.jobs.queue, segviz.jobs.limits",
        "import segviz.data.images, segviz.data.voc, segviz.data.samples, segviz.data.splits",
        "import segviz.adapt.method, segviz.evaluation.results, segviz.evaluation.paper_tables,"
        "segviz.evaluation.against_paper, segviz.evaluation.correlation,"
        "segviz.evaluation.row_store, segviz.evaluation.table_text",
        "from segviz.network import checkpoint; checkpoint.read_card(checkpoint.DEFAULT)",
    ],
    ids=[
        "package",
        "help",
        "help of run",
        "bad arguments",
        "bad setting",
        "records",
        "data",
        "results",
        "card",
    ],
)
def test_nothing_heavy(code):
    assert brought(code) == set()


def test_an_episode_draws_nothing():
    assert brought(command("run", "absent.png")) == {"torch", "timm"}


def test_a_page_is_drawn_without_torch():
    code = """
from pages.actions import launch, page_start
from pages.components import run_view, sidebar
"""
    assert not brought(code) & {"torch", "timm", "matplotlib", "pandas", "skimage", "scipy"}
