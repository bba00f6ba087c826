"""Operations and bytes of an episode, counted: independent of how busy the machine is."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from segviz.adapt.optimisation import optimise
from segviz.adapt.settings import Settings
from segviz.network.resampling import resampled_argmax
from segviz.runs.batch import Batch
from segviz.runs.run import Run

CONVOLUTIONS = {"aten.convolution.default", "aten.mkldnn_convolution.default"}


class Effort(TorchDispatchMode):
    """Counts operations and the bytes of what they make; views make nothing."""

    def __init__(self):
        super().__init__()
        self.calls = Counter()
        self.bytes = 0
        self.largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        self.calls[str(function)] += 1
        given = {one.untyped_storage()._cdata for one in args if isinstance(one, torch.Tensor)}
        for one in found if isinstance(found, tuple | list) else (found,):
            if isinstance(one, torch.Tensor) and one.untyped_storage()._cdata not in given:
                self.bytes += one.untyped_storage().nbytes()
                self.largest = max(self.largest, one.untyped_storage().nbytes())
        return found

    def convolutions(self):
        return sum(self.calls[name] for name in CONVOLUTIONS)


def steps_of(views, **settings):
    """The effort of each of the steps 1 to 3, in order."""
    states = optimise(views, Settings(scale=2.0, steps=3, **settings))
    next(states)
    found = []
    for _ in range(3):
        with Effort() as effort:
            next(states)
        found.append(effort)
    return found


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_one_backbone_pass_an_episode(trained, photo, truth, backbone_inputs, steps):
    Run(trained, photo, Settings(scale=2, steps=steps), truth).all()
    assert len(backbone_inputs) == 1


def test_two_backbone_passes_where_two_sizes_are_seen(trained, photo, truth, backbone_inputs):
    settings = Settings(scale=2, steps=3, method="entropy-two-scales")
    Run(trained, photo, settings, truth).all()
    (large, _), (small, _) = backbone_inputs
    assert small < 0.7 * large


def test_one_backbone_pass_for_many_runs(trained, photo, truth, backbone_inputs):
    names = ("entropy", "entropy-marginal", "oracle", "adversary")
    plan = [Settings(scale=2, steps=2, method=name) for name in names]
    for _ in Batch(trained, photo, plan, truth):
        pass
    assert len(backbone_inputs) == 1


def test_a_backbone_pass_for_each_size_of_a_batch(trained, photo, truth, backbone_inputs):
    names = ("feedforward", "entropy", "pyramid:rule", "pyramid:fixed")
    plan = [Settings(scale=1, method=name, steps=2) for name in names]
    for _ in Batch(trained, photo, plan, truth):
        pass
    assert len(backbone_inputs) == len(set(backbone_inputs)) == 3


@pytest.mark.parametrize("variables", ["score", "scale", "both"])
def test_steps_convolve_nothing_and_read_the_scale_space_twice(views, variables):
    for effort in steps_of(views, variables=variables):
        assert effort.convolutions() == 0
        reads = sum(count for name, count in effort.calls.items() if "embedding_bag" in name)
        assert reads == (0 if variables == "score" else 2)


def test_convolutions_are_seen(network, encoded):
    with Effort() as effort, torch.no_grad():
        network.encode(encoded.x)
    assert effort.convolutions() > 30


@pytest.mark.parametrize("objective", ["entropy", "entropy-two-scales", "oracle"])
def test_what_a_step_allocates(network, views, encoded, objective):
    """A few numbers for each channel, class and pixel; nothing for each level."""
    R = encoded.encoding.R
    pixels, channels, classes = R.shape[0], R.shape[2], network.architecture.classes
    limit = 4 * pixels * (4 * channels + 12 * classes + 80)
    first, *later = steps_of(views, method=objective)
    assert first.bytes < limit
    for effort in later:
        assert sum(effort.calls.values()) <= sum(first.calls.values()) < 320
        assert effort.bytes < limit


def test_the_paper_s_objective_leaves_out_what_is_not_selected(views):
    sparse, dense = (steps_of(views, method=name)[0].bytes for name in ("entropy", "entropy-all"))
    assert sparse < dense


def test_labels_do_not_take_all_logits_to_the_size_of_the_photo():
    areas = torch.nn.functional.interpolate(torch.randn(1, 21, 5, 6), (60, 72), mode="bilinear")[0]
    rows, columns = torch.linspace(0, 59, 400), torch.linspace(0, 71, 480)
    with Effort() as effort:
        assert resampled_argmax(areas, rows, columns).shape == (400, 480)
    assert effort.largest < 4 * 21 * 400 * 480 / 3


def test_memory_kept_by_the_encoding_is_the_scale_space_and_the_features(network, encoded):
    F, R = encoded.encoding
    levels = network.architecture.levels
    assert R.numel() == levels * F.numel()
    assert R.untyped_storage().nbytes() == 4 * R.numel()
