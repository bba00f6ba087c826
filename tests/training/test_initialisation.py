from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from segviz.errors import InputError
from segviz.network import checkpoint
from segviz.network.checkpoint import tensor_hash
from segviz.network.dynamic import Segmenter
from segviz.training.initialisation import Initialisation
from tests.training.tiny import CACHED, TINY, WIDE, after, parts


@pytest.fixture(scope="module")
def donor():
    torch.manual_seed(9)
    return Segmenter(TINY)


@pytest.fixture
def classifier(tmp_path):
    """The path and the tensors of a classifier of 256 features."""
    tensors = {"logits.weight": torch.randn(21, 256, 1, 1), "logits.bias": torch.randn(21)}
    save_file(tensors, tmp_path / "classifier.safetensors")
    return tmp_path / "classifier.safetensors", tensors


def test_backbone_and_context(donor, tmp_path):
    for name, module in (("backbone", donor.backbone.net), ("context", donor.context)):
        tensors = {key: value.contiguous() for key, value in module.state_dict().items()}
        save_file(tensors, tmp_path / f"{name}.safetensors")
    init = Initialisation(
        backbone=tmp_path / "backbone.safetensors", context=tmp_path / "context.safetensors"
    )
    found, given = parts(init.build(TINY, False).network), parts(donor)
    for name in ("backbone", "context"):
        assert all(torch.equal(a, b) for a, b in zip(found[name], given[name], strict=True))
    assert not torch.equal(found["score_weight"][0], given["score_weight"][0])


def test_context_that_does_not_fit(tmp_path):
    path = tmp_path / "context.safetensors"
    save_file({"aspp0.weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match="does not hold the context module's tensors aspp0"):
        Initialisation(context=path).build(TINY, False)
    with pytest.raises(InputError, match="needs a network with the pooled context module"):
        Initialisation(context=path).build(replace(TINY, pooled_context=False), False)


def test_checkpoint(donor, tmp_path):
    path = tmp_path / "net.safetensors"
    card = checkpoint.save(donor, path, {"training": {"epochs": 2}, "command": "x", "other": 1})
    network, _, origin = Initialisation(checkpoint=str(path)).build(TINY, False)
    assert tensor_hash(network) == tensor_hash(checkpoint.load(str(path)).network)
    assert all(p.requires_grad for p in network.parameters())
    assert origin == {key: card[key] for key in ("sha256", "command", "training")}
    with pytest.raises(InputError, match="has another architecture"):
        Initialisation(checkpoint=str(path)).build(replace(TINY, levels=4), False)


def test_card_tells_the_checkpoint_that_training_started_from(make, finished, tmp_path):
    path = tmp_path / "first.safetensors"
    card = finished.save_checkpoint(path, {"command": "the first"})
    second = make(values={"init": Initialisation(checkpoint=str(path))})
    origin = second.save_checkpoint(tmp_path / "second.safetensors", {})["began_as"]
    assert origin["sha256"] == card["sha256"] and origin["command"] == "the first"
    assert origin["training"] == card["training"]


def test_classifier(make, classifier):
    path, tensors = classifier
    values = {"init": Initialisation(classifier=path)}
    trainer = make(architecture=WIDE, values=values, learning_rate=1e-7, **CACHED)
    network = trainer.run(stop=after(1))
    assert torch.allclose(network.score_weight, tensors["logits.weight"][..., 0, 0], atol=1e-4)
    assert torch.allclose(network.score_bias, tensors["logits.bias"], atol=1e-4)
    cache = trainer.loader.fill_cache(network, trainer.out / "feature-cache")
    maps = [cache.read(n, network.grid).maps.flatten(2)[0] for n in range(12)]
    assert torch.allclose(network.response_norm.bias, torch.cat(maps, 1).mean(1), atol=1e-3)


@pytest.mark.parametrize(
    ("architecture", "cached", "pattern"),
    [
        (WIDE, False, "needs --cached-samples"),
        (TINY, True, r"logits.weight of shape \(21, 8, 1, 1\)"),
    ],
)
def test_classifier_that_does_not_fit(classifier, architecture, cached, pattern):
    with pytest.raises(InputError, match=pattern):
        Initialisation(classifier=classifier[0]).build(architecture, cached)
