"""Progress on stderr."""

import pytest

from segviz.cli import progress
from segviz.cli.progress import INTERVAL, ProgressBar


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_there_is_a_line_every_few_seconds(clock, capsys):
    with ProgressBar(20, "image", "table 1") as shown:
        shown.update(1)
        clock[0] += INTERVAL
        shown.update(5, "mIoU 70.00 at 1x")
        shown.update(6)
        clock[0] += INTERVAL
        shown.update(10)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "segviz: table 1: image 5 of 20, about 15 s left; mIoU 70.00 at 1x",
        "segviz: table 1: image 10 of 20, about 10 s left",
    ]


def test_nothing_is_shown_where_it_is_disabled(clock, capsys):
    with ProgressBar(2, "step", disable=True) as shown:
        clock[0] += INTERVAL
        shown.update(1)
    assert capsys.readouterr().err == ""
