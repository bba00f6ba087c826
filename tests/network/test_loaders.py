"""Networks of other libraries: tiny random ones, as the libraries' own functions write them."""

import sys

import pytest
import torch
import torchvision

import segviz
from segviz.errors import InputError
from segviz.network.checkpoint import load
from segviz.network.loaders import LOADERS

IMAGENET = [123.675, 116.28, 103.53]
NAMES = ["road", "car", "tree", "sky", "person"]


def sizes(count):
    return [8, 16, 16, 16][:count]


@pytest.fixture(scope="session")
def segformer(tmp_path_factory):
    """The folder of a tiny SegFormer."""
    transformers = pytest.importorskip("transformers")
    config = transformers.SegformerConfig(
        hidden_sizes=sizes(4),
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label=dict(enumerate(NAMES)),
        label2id={name: index for index, name in enumerate(NAMES)},
    )
    folder = tmp_path_factory.mktemp("segformer")
    transformers.SegformerForSemanticSegmentation(config).save_pretrained(folder)
    transformers.SegformerImageProcessor(image_mean=[0.5, 0.4, 0.3]).save_pretrained(folder)
    return folder


def test_transformers(segformer):
    network = load(f"hf:{segformer}")
    assert network.classes == tuple(NAMES) and network.name == f"hf:{segformer}"
    assert network.card["mean"] == pytest.approx([127.5, 102, 76.5])
    assert network.card["parameters"] > 0 and network.card["licence"] == "unknown"
    assert network.network.stride == 4
    assert network.sha256 == load(f"hf:{segformer}").sha256


def test_order_of_the_channels(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.MobileViTConfig(
        num_labels=3,
        hidden_sizes=[16, 24, 32],
        neck_hidden_sizes=[8, 8, 16, 16, 24, 32, 48],
        aspp_out_channels=16,
    )
    transformers.MobileViTForSemanticSegmentation(config).save_pretrained(tmp_path)
    transformers.MobileViTImageProcessor().save_pretrained(tmp_path)
    network = load(f"hf:{tmp_path}")
    assert network.network.bgr and network.card["mean"] == [0, 0, 0]
    assert network.card["std"] == pytest.approx([255, 255, 255])


def test_networks_for_square_inputs_of_whole_patches(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.DPTConfig(
        num_labels=3,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        image_size=64,
    )
    transformers.DPTForSemanticSegmentation(config).save_pretrained(tmp_path)
    transformers.DPTImageProcessor().save_pretrained(tmp_path)
    network = load(f"hf:{tmp_path}").network
    assert network.square and network.multiple == 16 and network.aligned
    encoding = network.encode(torch.zeros(1, 3, 40, 72))
    logits = network.predict(encoding).logits
    rows, columns = network.lattices(encoding, 40, 72)
    assert rows == columns and logits.shape == (3, *encoding.shape)
    for count, side in zip(encoding.shape, (40, 72), strict=True):
        assert (count - 1) * rows.stride <= side - 1 < count * rows.stride


def test_transformers_without_safetensors(tmp_path, segformer):
    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((segformer / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(InputError, match=r"model.safetensors"):
        load(f"hf:{tmp_path}")
    with pytest.raises(InputError, match=r"preprocessor_config.json"):
        load(f"hf:{tmp_path / 'absent'}")


def test_transformers_without_a_classifier(tmp_path, segformer):
    from safetensors.torch import load_file, save_file

    for name in ("config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((segformer / name).read_bytes())
    tensors = load_file(segformer / "model.safetensors")
    kept = {key: value for key, value in tensors.items() if "decode_head.classifier" not in key}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks 2 weights.*decode_head.classifier.bias"):
        load(f"hf:{tmp_path}")


@pytest.fixture(scope="session")
def lraspp(tmp_path_factory):
    """The weights of a random network of torchvision."""
    path = tmp_path_factory.mktemp("torchvision") / "weights.pth"
    make = torchvision.models.segmentation.lraspp_mobilenet_v3_large
    torch.save(make(weights=None, weights_backbone=None).state_dict(), path)
    return path


def test_torchvision(lraspp):
    network = load(f"tv:lraspp_mobilenet_v3_large:{lraspp}")
    assert network.classes[:2] == ("background", "aeroplane") and len(network.classes) == 21
    assert network.card["mean"] == pytest.approx(IMAGENET)
    assert network.network.classifier_names == (
        "classifier.low_classifier",
        "classifier.high_classifier",
    )


def test_torchvision_with_other_classes(tmp_path):
    make = torchvision.models.segmentation.deeplabv3_mobilenet_v3_large
    module = make(weights=None, weights_backbone=None, num_classes=5, aux_loss=True)
    torch.save({"model": module.state_dict()}, tmp_path / "five.pth")
    network = load(f"tv:deeplabv3_mobilenet_v3_large:{tmp_path / 'five.pth'}")
    assert network.classes == tuple(f"class {index}" for index in range(5))


def test_weights_of_a_parallel_and_compiled_module(lraspp, tmp_path):
    state = torch.load(lraspp, weights_only=True)
    wrapped = {f"module._orig_mod.{key}": value for key, value in state.items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, tmp_path / "parallel.pth")
    networks = [
        load(f"tv:lraspp_mobilenet_v3_large:{path}") for path in (lraspp, tmp_path / "parallel.pth")
    ]
    assert networks[0].sha256 == networks[1].sha256


def test_torchvision_refuses(tmp_path, lraspp):
    with pytest.raises(InputError, match=r"lraspp_mobilenet_v3_large"):
        load("tv:resnet18")
    with pytest.raises(InputError, match=r"deeplabv3_resnet50.*state_dict"):
        load(f"tv:deeplabv3_resnet50:{lraspp}")
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"damaged.pth.*torch.save"):
        load(f"tv:lraspp_mobilenet_v3_large:{damaged}")


def test_smp(tmp_path):
    smp = pytest.importorskip("segmentation_models_pytorch")
    module = smp.Unet("resnet18", encoder_weights=None, classes=5, decoder_channels=[8] * 5)
    module.save_pretrained(tmp_path)
    network = load(f"smp:{tmp_path}")
    assert network.network.classes == 5 and network.network.stride == 1
    assert network.card["mean"] == pytest.approx(IMAGENET)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model.safetensors"):
        load(f"smp:{tmp_path}")


PYTHON = """
from torch import nn

def five():
    module = nn.Sequential(nn.Conv2d(3, 5, 8, 8))
    return module, {"mean": [124, 116, 104], "std": [58, 57, 57], "classes": list("abcde")}

def broken():
    raise KeyError("weights")

def alone():
    return nn.Conv2d(3, 5, 8, 8)
"""


def test_python_files(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(PYTHON)
    network = load(f"py:{path}:five")
    assert network.classes == tuple("abcde") and network.card["mean"] == [124, 116, 104]
    with pytest.raises(InputError, match=r"KeyError.*weights"):
        load(f"py:{path}:broken")
    with pytest.raises(InputError, match=r"Conv2d.*mean, std"):
        load(f"py:{path}:alone")
    with pytest.raises(InputError, match=r"AttributeError"):
        load(f"py:{path}:absent")
    with pytest.raises(InputError, match=r"FILE.py:FUNCTION"):
        load(f"py:{path}")


@pytest.mark.parametrize(("prefix", "package"), [("hf", "transformers"), ("smp", "segmentation_m")])
def test_missing_packages(monkeypatch, prefix, package):
    names = {"hf": "transformers", "smp": "segmentation_models_pytorch"}
    monkeypatch.setitem(sys.modules, names[prefix], None)
    with pytest.raises(InputError, match=rf"{package}.*pip install 'segviz\[{prefix}\]'"):
        load(f"{prefix}:anything")


def test_loaders_print_nothing_on_stdout(tmp_path, segformer, capfd):
    smp = pytest.importorskip("segmentation_models_pytorch")
    smp.FPN("resnet18", encoder_weights=None, classes=3).save_pretrained(tmp_path / "fpn")
    (tmp_path / "own.py").write_text(PYTHON.replace("def five():", "def five():\n    print(1)"))
    capfd.readouterr()
    for name in (f"hf:{segformer}", f"smp:{tmp_path / 'fpn'}"):
        load(name)
        assert capfd.readouterr() == ("", "")
    load(f"py:{tmp_path / 'own.py'}:five")
    assert capfd.readouterr() == ("", "1\n")


def test_every_prefix_is_a_spelling_of_load():
    assert set(LOADERS) == {"hf", "tv", "smp", "py"}
    with pytest.raises(InputError, match=r"hf:, tv:, smp: or py:"):
        segviz.load("absent", device="cpu")
