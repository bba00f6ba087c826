import math

import numpy as np
import pytest
import torch

from segviz import metrics
from segviz.data.classes import IGNORE
from segviz.training.running_metrics import DECAY, RunningMetrics


def test_nothing_yet():
    loss, miou = RunningMetrics(3, torch.device("cpu")).compute()
    assert math.isnan(loss) and math.isnan(miou)


def test_fading_means():
    running = RunningMetrics(3, torch.device("cpu"))
    matrix, losses = np.zeros((3, 3)), []
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        truth = torch.randint(0, 3, (200,), generator=generator)
        labels = torch.randint(0, 3, (200,), generator=generator)
        truth[:20] = IGNORE
        running.update(torch.tensor(float(seed)), truth, labels)
        matrix = DECAY * matrix + metrics.confusion(truth.numpy(), labels.numpy(), 3)
        losses.append(float(seed))
    weights = DECAY ** np.arange(5)[::-1]
    loss, miou = running.compute()
    assert loss == pytest.approx(np.average(losses, weights=weights), rel=1e-5)
    assert miou == pytest.approx(metrics.mean_iou(matrix), rel=1e-5)


def test_counts_beyond_what_float32_adds_one_by_one():
    running = RunningMetrics(2, torch.device("cpu"))
    truth = torch.zeros(2**22, dtype=torch.int64)
    for _ in range(6):
        running.update(torch.tensor(1.0), truth, truth)
    expected = 2**22 * sum(DECAY**k for k in range(6))
    assert running.counts[0].item() == pytest.approx(expected, rel=1e-6)


def test_a_loss_that_is_no_number_stays():
    running = RunningMetrics(2, torch.device("cpu"))
    truth = torch.zeros(4, dtype=torch.int64)
    running.update(torch.tensor(torch.nan), truth, truth)
    running.update(torch.tensor(1.0), truth, truth)
    assert math.isnan(running.compute()[0])
