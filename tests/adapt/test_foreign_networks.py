"""Foreign networks: what a step costs, and what adaptation does to one that makes sense."""

import time

import pytest
import torch
import torchvision

import segviz
from segviz.adapt import Settings
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.data import samples
from segviz.runs.run import Run
from tests.trained_module import NAMES, sample, trained_module

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large"])
def test_a_step_of_score_costs_a_twentieth_of_the_forward_pass(name):
    """In CPU time at 3x, the least of several of each, so that a busy machine does not matter."""
    make = getattr(torchvision.models.segmentation, name)
    module = make(weights=None, weights_backbone=None)
    network = segviz.wrap(module, mean=MEAN, std=STD).network
    photo, _ = samples.load("cat")
    settings = Settings(method="entropy", variables="score", scale=3.0, steps=5)
    forward = []
    for _ in range(2):
        views = PhotoViews(network, photo)
        start = time.process_time()
        views.encoded(3.0)
        forward.append(time.process_time() - start)
    states = optimise(views, settings)
    next(states)
    steps = []
    for _ in range(5):
        start = time.process_time()
        next(states)
        steps.append(time.process_time() - start)
    assert min(steps) <= min(forward) / 20, (
        f"a step takes {min(steps) / min(forward):.3f} of a pass"
    )


@pytest.fixture(scope="module")
def sensible():
    """A plain module whose classifier was trained on the samples, wrapped."""
    return segviz.wrap(trained_module(), NAMES, mean=MEAN, std=STD)


@pytest.mark.parametrize("name", ["cat", "horse", "motorcycle", "astronaut"])
def test_it_knows_the_samples(sensible, name):
    """Chance is below 0.2: of five classes, two are in each photo."""
    photo, truth = sample(name)
    record = Run(sensible, photo, Settings(method="feedforward", scale=1.0), truth).all()
    assert record.numbers("iou")[0] > 0.5


def test_what_adaptation_does_to_it(sensible):
    photo, truth = sample("cat")
    for method, rises in (("oracle", True), ("adversary", False)):
        settings = Settings(method=method, variables="score", scale=1.0, steps=8)
        iou = Run(sensible, photo, settings, truth).all().numbers("iou")
        assert (iou[-1] > iou[0]) == rises
    settings = Settings(method="entropy", variables="score", scale=1.0, steps=8)
    entropy = Run(sensible, photo, settings, truth).all().numbers("entropy")
    assert entropy[-1] < entropy[0]


def test_a_smaller_size_is_better_for_a_large_photo(sensible):
    """The pyramid reads the sizes that it was trained on, where feedforward at 3x does not."""
    photo, truth = sample("horse")
    iou = {
        method: Run(sensible, photo, Settings(method=method, scale=3.0), truth).all().numbers("iou")
        for method in ("feedforward", "pyramid:rule")
    }
    assert iou["pyramid:rule"][-1] > iou["feedforward"][-1]


def test_tiles_change_little(sensible):
    photo, truth = sample("horse")
    iou = [
        Run(sensible, photo, Settings(method="feedforward", scale=1.0, tile=tile), truth)
        .all()
        .numbers("iou")[0]
        for tile in (0, 384)
    ]
    assert iou[0] > 0.4 and abs(iou[0] - iou[1]) < 0.05


def test_the_classifier_is_what_was_trained(sensible):
    assert sensible.network.classifier_names == ("head",)
    assert isinstance(sensible.network.module.head, torch.nn.Conv2d)
