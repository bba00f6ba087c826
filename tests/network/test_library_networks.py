"""Networks of every kind that transformers, smp and torchvision write run as their libraries do."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision import models

from segviz.adapt import Settings
from segviz.network.checkpoint import load, tensor_hash
from segviz.network.classifier_graph import replay
from segviz.runs.run import Run

NAMES = ("ground", "road", "sky", "tree", "car")
METHODS = (
    ("feedforward", {}),
    ("entropy", {"variables": "score", "steps": 1}),
    ("tent", {"steps": 1}),
    ("pyramid", {}),
    ("oracle", {"variables": "score", "steps": 1}),
)
TRANSFORMER = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": 64,
}
STAGES = {"hidden_sizes": [8, 16, 16, 16], "depths": [1, 1, 1, 1]}

TRANSFORMERS = {
    "Segformer": {**STAGES, "num_attention_heads": [1, 1, 2, 2], "decoder_hidden_size": 16},
    "UperNet": {"hidden_size": 16, "auxiliary_channels": 16, "auxiliary_in_channels": 16},
    "DPT": {
        **TRANSFORMER,
        "backbone_out_indices": [0, 1, 2, 3],
        "neck_hidden_sizes": [8, 8, 8, 8],
        "fusion_hidden_size": 8,
    },
    "Beit": {**TRANSFORMER, "patch_size": 16, "out_indices": [1, 2, 3, 4]},
    "MobileNetV2": {"depth_multiplier": 0.35},
    "MobileViT": {
        "hidden_sizes": [16, 24, 32],
        "neck_hidden_sizes": [8, 8, 16, 16, 24, 32, 48],
        "aspp_out_channels": 16,
    },
    "MobileViTV2": {"width_multiplier": 0.25, "aspp_out_channels": 16},
}
"""What makes a network of each architecture tiny."""

PROCESSORS = {"UperNet": "Segformer", "MobileViTV2": "MobileViT"}

SMP = (
    *("Unet", "FPN", "DeepLabV3Plus", "Segformer", "PSPNet", "Linknet", "MAnet", "UPerNet"),
    "PAN",
)

TORCHVISION = ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large")


@pytest.fixture
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def write_transformers(name, folder):
    transformers = pytest.importorskip("transformers")
    values = dict(TRANSFORMERS[name])
    if name == "UperNet":
        stages = [f"stage{index}" for index in range(1, 5)]
        values["backbone_config"] = transformers.ConvNextConfig(**STAGES, out_features=stages)
    ids = {name: index for index, name in enumerate(NAMES)}
    config = getattr(transformers, f"{name}Config")(
        id2label=dict(enumerate(NAMES)), label2id=ids, **values
    )
    getattr(transformers, f"{name}ForSemanticSegmentation")(config).save_pretrained(folder)
    processor = getattr(transformers, f"{PROCESSORS.get(name, name)}ImageProcessor")
    processor().save_pretrained(folder)
    return f"hf:{folder}"


def write_smp(name, folder):
    smp = pytest.importorskip("segmentation_models_pytorch")
    narrow = {"decoder_channels": [8] * 5} if name in ("Unet", "UnetPlusPlus", "MAnet") else {}
    module = getattr(smp, name)("resnet18", encoder_weights=None, classes=5, **narrow)
    module.save_pretrained(folder)
    return f"smp:{folder}"


def write_torchvision(name, folder):
    """Write weights as torchvision's training script does, with the auxiliary classifier."""
    options = {} if name.startswith("lraspp") else {"aux_loss": True}
    module = models.get_model(name, weights=None, weights_backbone=None, num_classes=5, **options)
    torch.save({"model": module.state_dict(), "epoch": 3}, folder / "weights.pth")
    return f"tv:{name}:{folder / 'weights.pth'}"


def assert_runs(spelling, methods=METHODS, side=64):
    """Step 0 is the module's own prediction to the last bit; the methods run; nothing changes."""
    trained = load(spelling)
    network = trained.network
    assert network.classes == 5
    before = tensor_hash(network), [part.training for part in network.modules()]
    # The side is a multiple of what any of them needs.
    photo = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    truth = np.random.default_rng(1).integers(0, 5, (side, side), np.uint8)
    x = network.normalise(torch.from_numpy(photo).movedim(2, 0)[None].float())
    with torch.no_grad():
        own, encoding = network(x), network.encode(x)
        logits = replay(encoding.node, lambda call: call.apply(network.classifiers[call.index]))
        if network.cuts:
            logits = functional.interpolate(
                logits, own.shape[-2:], mode="bilinear", align_corners=network.aligned
            )
    assert torch.equal(logits, own)
    for method, values in methods:
        settings = Settings.parse(method, groups=network.groups, scale=2.0, **values)
        entropy = Run(trained, photo, settings, truth).all().numbers("entropy")
        assert np.isfinite(entropy).all() and len(entropy) >= 1
    run = iter(Run(trained, photo, Settings(variables="score", scale=2.0, steps=4), truth))
    next(run), next(run)
    run.close()
    assert before == (tensor_hash(network), [part.training for part in network.modules()])
    return trained


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers(name, tmp_path, seeded):
    assert assert_runs(write_transformers(name, tmp_path)).classes == NAMES


def test_patches_of_feature_maps_are_whole(tmp_path, seeded):
    network = load(write_transformers("MobileViTV2", tmp_path)).network
    assert network.multiple == 64  # patches of 2 x 2 at stride 32
    with torch.no_grad():
        assert network.predict(network.encode(torch.zeros(1, 3, 20, 30))).logits.shape[0] == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", SMP)
def test_smp(name, tmp_path, seeded):
    methods = METHODS if name == "Unet" else METHODS[1:3]
    # PAN pools the map at stride 16 three times.
    assert_runs(write_smp(name, tmp_path), methods, 128 if name == "PAN" else 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision(name, tmp_path, seeded):
    methods = METHODS if name.startswith("lraspp") else METHODS[1:3]
    trained = assert_runs(write_torchvision(name, tmp_path), methods)
    assert trained.classes == tuple(f"class {index}" for index in range(5))
