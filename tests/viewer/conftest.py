"""Runs to show."""

import pytest

from segviz.adapt import Settings
from segviz.runs.run import Run
from segviz.viewer import NamedRecord


@pytest.fixture(scope="module")
def runs(trained, photo, truth):
    record = Run(trained, photo, Settings(scale=1.0, steps=3), truth, "shapes").all()
    return [NamedRecord(record, "entropy")]


@pytest.fixture(scope="module")
def without_truth(trained, photo):
    return [NamedRecord(Run(trained, photo, Settings(scale=1.0, steps=1)).all(), "entropy")]
