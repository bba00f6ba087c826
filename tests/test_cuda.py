"""The same on a GPU as on the CPU. Skipped where there is none."""

import gc
import logging

import numpy as np
import pytest
import torch

from segviz.adapt import Settings
from segviz.adapt.captured_episode import captured_episode, is_captured
from segviz.adapt.device_step import DeviceStep
from segviz.adapt.episode import run_episode
from segviz.adapt.objectives import OBJECTIVES, Objective
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.data.voc import VocImages
from segviz.evaluation.measured_method import MeasuredMethod
from segviz.evaluation.measurement import measure_image, plan_measurements
from segviz.network import Architecture, checkpoint
from segviz.network.engines.captured import CapturedEncoder
from segviz.network.receptive_field import blur
from segviz.runs.run import Run
from segviz.runtime.cuda_graph import SWITCH
from segviz.training.captured_update import CapturedUpdate
from segviz.training.recipe import Recipe
from segviz.training.trainer import Trainer
from tests.miniature import SPLITS

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


@pytest.fixture(scope="module", autouse=True)
def exact():
    """Products in full float32, so that what differs is the order of sums."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.fixture(scope="module")
def here(checkpoint_path):
    """The tiny network on the GPU."""
    return checkpoint.load(str(checkpoint_path), "cuda")


@pytest.mark.parametrize("objective", ["entropy", "entropy-few", "oracle", "adversary"])
@pytest.mark.parametrize("variables", ["score", "scale", "both"])
def test_episode(trained, here, photo, truth, objective, variables):
    settings = Settings(scale=2.0, steps=4, method=objective, variables=variables)
    a, b = (Run(network, photo, settings, truth).all() for network in (trained, here))
    for key in ("loss", "entropy", "sigma", "iou"):
        found, expected = (np.array(r.numbers(key), float) for r in (b, a))
        assert np.allclose(found, expected, rtol=1e-3, atol=1e-3, equal_nan=True), key
    assert np.mean(a.labels != b.labels) < 0.005


NUMBERS = ("loss", "entropy", "selected", "sigma", "iou", "changed", "distance")


def settings(**values):
    return Settings(**{"scale": 2.0, "steps": 6, "learning_rate": 1e-3, **values})


def assert_alike(found, expected, rtol=1e-5):
    """The same numbers to `rtol`, and all but the same maps."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        for key in NUMBERS:
            pair = getattr(a, key), getattr(b, key)
            assert np.allclose(*pair, rtol=rtol, atol=rtol), (a.step, key, pair)
        assert np.mean(a.labels != b.labels) < 1e-3
        assert np.mean(a.selected_map != b.selected_map) < 1e-3
        # A gradient of all but 0 has a sign of noise, which Adam's first updates follow.
        apart = np.abs(a.log_probability_map - b.log_probability_map)
        assert np.quantile(apart, 0.99) < 0.1 and apart.max() < 0.5


@pytest.fixture
def captures(monkeypatch, caplog):
    """Fail where an episode falls back to single kernels."""
    monkeypatch.delenv(SWITCH, raising=False)
    yield
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert not any("captured" in message for message in warnings), warnings


@pytest.mark.parametrize("objective", ["entropy", "entropy-few", "oracle", "soft-iou"])
@pytest.mark.parametrize("variables", ["score", "scale", "both"])
def test_captured_steps_equal_uncaptured(here, photo, truth, captures, objective, variables):
    views = PhotoViews(here.network, photo, Reference(truth))
    chosen = settings(method=objective, variables=variables)
    assert is_captured(views, chosen)
    step = DeviceStep(views, chosen)
    expected = [step.step(t, step().cpu().numpy(), 0.0) for t in range(7)]
    assert_alike(list(captured_episode(views, chosen)), expected)


@pytest.mark.parametrize("values", [{"optimiser": "sgd"}, {"centred": True}])
def test_captured_labels_are_those_of_the_cpu(trained, here, photo, truth, captures, values):
    chosen = settings(**values)
    found, expected = (
        list(run_episode(PhotoViews(each.network, photo, Reference(truth)), chosen))
        for each in (here, trained)
    )
    assert_alike(found, expected, rtol=1e-3)


def test_a_captured_episode_stops_between_steps(here, photo, captures):
    views = PhotoViews(here.network, photo)
    for count in (1, 2, 3, 4, 6):
        running = captured_episode(views, settings(steps=32))
        steps = [next(running) for _ in range(count)]
        running.close()
        assert [step.step for step in steps] == list(range(count))
    run = Run(here, photo, settings(steps=32))
    for step in run:
        if step.step == 4:
            break
    record = run.record()
    assert len(record.steps) == 5 and not record.complete


def test_two_sizes_in_turn(here, photo, truth, captures):
    small, chosen = photo[:48, :56], settings()
    views = [
        PhotoViews(here.network, photo, Reference(truth)),
        PhotoViews(here.network, small, Reference(truth[:48, :56])),
    ]
    alone = [list(captured_episode(each, chosen)) for each in views]
    pairs = zip(*(captured_episode(each, chosen) for each in views), strict=True)
    for together, expected in zip(zip(*pairs, strict=True), alone, strict=True):
        assert_alike(list(together), expected)


def test_memory_is_freed_after_an_episode(here, photo, captures):
    views = PhotoViews(here.network, photo)
    views.encoded(2.0)
    for _ in range(2):  # libraries keep workspaces from the first
        list(captured_episode(views, settings()))
    gc.collect()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        list(captured_episode(views, settings(steps=20)))
    gc.collect()
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() <= before + 4096


def test_an_episode_that_cannot_be_captured_runs_on(here, photo, monkeypatch, caplog):
    plain = OBJECTIVES["entropy"]

    def waiting(pixels):
        loss = plain.loss(pixels)
        return loss * (1 if loss.item() >= 0 else -1)

    objective = Objective(**{**vars(plain), "loss": waiting})
    views = PhotoViews(here.network, photo)
    expected = list(captured_episode(views, settings()))
    monkeypatch.setitem(OBJECTIVES, "entropy", objective)
    with caplog.at_level(logging.WARNING):
        found = list(captured_episode(views, settings()))
    assert [step.loss for step in found] == pytest.approx([step.loss for step in expected])
    assert sum("captured" in record.getMessage() for record in caplog.records) == 1


def test_forward_passes_of_known_sizes_are_captured(here, photo, captures):
    network = here.network
    encoder = CapturedEncoder(network)
    for size in ((64, 80), (48, 96)):
        inputs = [torch.randn(1, 3, *size, device="cuda") for _ in range(6)]
        kept = [encoder.encode(network, x) for x in inputs]
        assert x_sizes(encoder)[-1] == size
        with torch.no_grad():
            expected = [network.encode(x) for x in inputs]
        for a, b in zip(kept, expected, strict=True):
            assert torch.allclose(a.F, b.F, atol=1e-4) and torch.allclose(a.R, b.R, atol=1e-4)
    assert x_sizes(encoder) == [(64, 80), (48, 96)]


def x_sizes(encoder):
    return [tuple(size[-2:]) for size in encoder.forwards]


def test_few_captured_forward_passes_are_kept(here, captures):
    encoder = CapturedEncoder(here.network)
    for height in range(32, 39):
        for _ in range(3):
            encoder.encode(here.network, torch.randn(1, 3, height, 40, device="cuda"))
    assert [height for height, _ in x_sizes(encoder)] == [35, 36, 37, 38]


def test_capturing_can_be_switched_off(here, photo, monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    assert not is_captured(PhotoViews(here.network, photo), settings())


def test_measured_rows(trained, here, photo, truth):
    methods = [MeasuredMethod.parse(text, "both", [2]) for text in ("feedforward", "entropy")]
    cells = plan_measurements([1.0, 2.0], methods, 21)
    a, b = (
        [row for rows in measure_image(n, photo, truth, cells) for row in rows]
        for n in (trained, here)
    )
    assert [row.key for row in a] == [row.key for row in b]
    for one, other in zip(a, b, strict=True):
        assert abs(one.entropy - other.entropy) < 1e-3
        assert np.abs(one.matrix - other.matrix).sum() <= 0.01 * one.matrix.sum()


def train(voc_root, out, device, on_device=True, **recipe):
    recipe = Recipe(crop=65, batch=2, epochs=4, warmup=2, freeze_norm=False, **recipe)
    trainer = Trainer(
        VocImages(voc_root, "train", SPLITS["train"]),
        Architecture.of("dla34", channels=8, levels=3),
        recipe,
        out,
        device=device,
        loaders=2,
        memory=True,
        teacher="mobilenetv2_100-voc" if recipe.distil else None,
        on_device=on_device,
    )
    return trainer, trainer.run()


@pytest.mark.parametrize("on_device", [True, False])
def test_training_begins_alike(voc_root, tmp_path, on_device):
    losses = {}
    for device in ("cpu", "cuda"):
        trainer, _ = train(voc_root, tmp_path / device, device, on_device)
        losses[device] = trainer.metrics.compute()[0]
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.15)


def test_a_captured_function_runs_once_a_call():
    total = torch.zeros(3, device="cuda")

    def add(value):
        total.add_(value)
        return 2 * total

    captured = CapturedUpdate(add)
    for step in range(1, 8):
        found = captured(torch.full((3,), float(step), device="cuda"))
        expected = step * (step + 1) / 2
        assert total.tolist() == [expected] * 3 and found.tolist() == [2 * expected] * 3


def test_blur_on_the_gpu():
    for shape in ((2, 5, 40, 61), (1, 3, 700, 20)):
        x = torch.randn(shape)
        assert torch.allclose(blur(x.cuda(), 4.0).cpu(), blur(x, 4.0), atol=1e-5)


def test_training_in_bfloat16_with_a_teacher(voc_root, tmp_path):
    trainer, network = train(voc_root, tmp_path, "cuda", mixed=True, distil=1.0, hints=1.0)
    loss, miou = trainer.metrics.compute()
    assert 0 < loss < 50 and 0 <= miou <= 1
    card = trainer.save_checkpoint(tmp_path / "net.safetensors", {})
    assert card["training"]["hints"] == 1.0
    loaded = checkpoint.load(str(tmp_path / "net.safetensors"))
    x = network.normalise(torch.randint(0, 255, (1, 3, 64, 64)).float())
    with torch.no_grad():
        difference = (loaded.network(x) - network.cpu()(x)).abs().max()
    assert difference < 0.1  # float16


def test_norms_are_folded_on_a_gpu(here, trained):
    for network in (here.network, trained.network):
        norms = [m for m in network.fast_backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert not norms
