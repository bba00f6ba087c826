"""The same on a GPU as on the CPU. Skipped where there is none."""

import numpy as np
import pytest
import torch

from segviz.adapt import Settings
from segviz.data.voc import VocImages
from segviz.evaluation.measured_method import MeasuredMethod
from segviz.evaluation.measurement import measure_image, plan_measurements
from segviz.network import Architecture, checkpoint
from segviz.network.receptive_field import blur
from segviz.runs.run import Run
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
