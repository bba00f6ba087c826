import dataclasses

import numpy as np
import pytest
import torch

from segviz.adapt.settings import Settings
from segviz.charts.trust import reliability_diagram, share_chart
from segviz.evaluation.calibration import CalibrationBins
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    """A record in which class 2 takes the pixels of class 1."""
    made = Run(trained, photo, Settings(scale=1.0, steps=2), truth).all()
    labels = np.full_like(made.labels, 2)
    labels[0, :, :30] = 1
    steps = tuple({**step, "entropy": 1 - 0.1 * step["step"]} for step in made.steps)
    return dataclasses.replace(made, labels=labels, steps=steps)


def test_shares_of_the_classes_over_the_steps(record):
    figure = share_chart(record)
    shares = {trace.name: trace.y for trace in figure.data}
    assert shares.keys() == {record.classes[1], record.classes[2]}
    assert shares[record.classes[1]] == pytest.approx((100 * 30 / 72, 0, 0))
    assert [note.text for note in figure.layout.annotations] == ["collapse"]


def test_reliability_of_each_step():
    p = torch.tensor([[0.97, 0.03], [0.95, 0.05], [0.6, 0.4]]).T
    bins = CalibrationBins.of(p, torch.tensor([0, 1, 0]))
    diagonal, found = reliability_diagram({"step 0": bins}).data
    assert found.name == "step 0" and found.y == (1.0, 0.5)
    assert found.x == pytest.approx((0.6, 0.96), abs=1e-6) and diagonal.x == diagonal.y
