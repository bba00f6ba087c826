import pytest
import timm
import torch
from safetensors.torch import save_file

from segviz.errors import InputError
from segviz.network.backbone import BACKBONES, Backbone, read_tensors


@pytest.fixture(scope="module")
def light():
    return Backbone("mobilenetv2_100", 16).eval()


@pytest.mark.parametrize("name", BACKBONES)
def test_known_backbones(name):
    preset = BACKBONES[name]
    backbone = Backbone(name, preset.output_stride).eval()
    assert max(backbone.strides) == preset.output_stride
    assert preset.feature_stride in backbone.strides
    size = backbone.grid(preset.feature_stride).padded(90)
    with torch.no_grad():
        maps = backbone(torch.zeros(1, 3, size, size))
    assert [m.shape[1] for m in maps] == backbone.channels
    for m, stride in zip(maps, backbone.strides, strict=True):
        assert m.shape[2] == backbone.grid(stride).valid(size), stride


@pytest.mark.parametrize(
    ("name", "corner"), [("mobilenetv2_100", True), ("resnet18", True), ("dla34", False)]
)
def test_alignment_is_measured(name, corner):
    backbone = Backbone(name, 32)
    assert backbone.corner is corner
    assert backbone.net.training  # measuring leaves the mode alone
    assert backbone.grid(8).corner is corner and backbone.grid(8).multiple == 32


@pytest.mark.parametrize(("level", "reach"), [(0, 3), (1, 9), (2, 29)])
def test_a_feature_pixel_sees_the_input_around_its_position(light, level, reach):
    # Convolutions with symmetric padding: what a pixel sees is symmetric about where it is.
    x = torch.randn(1, 3, 129, 129, requires_grad=True)
    stride = light.strides[level]
    pixel = 64 // stride
    (seen,) = torch.autograd.grad(light(x)[level][0, :, pixel, pixel].sum(), x)
    for dim in (1, 2):
        rows = seen[0].abs().sum((0, dim)).nonzero().flatten()
        assert (rows.min().item(), rows.max().item()) == (64 - reach, 64 + reach)
    assert light.grid(stride).offset + stride * pixel == 64


@pytest.mark.parametrize("name", BACKBONES)
def test_features_move_with_the_input(name):
    preset = BACKBONES[name]
    backbone = Backbone(name, preset.output_stride).double().eval()
    coarsest = max(backbone.strides)
    size = backbone.grid(coarsest).padded(161)
    x = torch.zeros(1, 3, size, size, dtype=torch.float64)
    x[..., 40:60, 50:58] = torch.randn(20, 8, dtype=torch.float64)
    with torch.no_grad():
        for m, moved, stride in zip(
            backbone(x)[:3], backbone(x.roll(16, 3))[:3], backbone.strides[:3], strict=True
        ):
            # Away from the borders, where the padding does not move.
            there = slice(64 // stride, 112 // stride)
            here = slice(48 // stride, 96 // stride)
            rows = slice(48 // stride, 96 // stride)
            assert torch.allclose(moved[..., rows, there], m[..., rows, here], atol=1e-9), stride


# Names and strides


def test_unknown_backbone():
    with pytest.raises(InputError, match=r"'nonsense'.*Unknown model.*mobilenetv2_100, dla34.*\.$"):
        Backbone("nonsense", 32)


def test_backbone_that_cannot_dilate():
    with pytest.raises(InputError, match="'dla34' at output stride 8"):
        Backbone("dla34", 8)


def test_backbone_of_one_input_size():
    with pytest.raises(InputError, match=r"does not take inputs of any size.*convolutional"):
        Backbone("vit_tiny_patch16_224", 32)


def test_pretrained_weights_out_of_reach(monkeypatch):
    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(InputError, match=r"'dla34' cannot be fetched \(no route.*--init"):
        Backbone("dla34", 32, pretrained=True)


# Initialisation from a file


def test_init_round_trip(light, tmp_path):
    path = tmp_path / "init.safetensors"
    save_file(light.net.state_dict(), path)
    other = Backbone("mobilenetv2_100", 16)
    other.load_init(path)
    expected = light.net.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in other.net.state_dict().items())


def test_init_without_counters(light, tmp_path):
    path = tmp_path / "init.safetensors"
    tensors = {k: v for k, v in light.net.state_dict().items() if "num_batches" not in k}
    save_file(tensors, path)
    Backbone("mobilenetv2_100", 16).load_init(path)


def test_init_lacks_and_adds_tensors(light, tmp_path):
    path = tmp_path / "init.safetensors"
    tensors = {k: v for k, v in light.net.state_dict().items() if k != "conv_stem.weight"}
    save_file({**tensors, "classifier.weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"lacks 1 tensors.*conv_stem\.weight.*1 that it does not"):
        Backbone("mobilenetv2_100", 16).load_init(path)


def test_init_of_another_shape(light, tmp_path):
    path = tmp_path / "init.safetensors"
    save_file({**light.net.state_dict(), "conv_stem.weight": torch.zeros(1, 3, 3, 3)}, path)
    with pytest.raises(InputError, match="shapes differ from the backbone's"):
        Backbone("mobilenetv2_100", 16).load_init(path)


def test_no_weights_file(tmp_path):
    with pytest.raises(InputError, match=r"no weights file .*absent\.safetensors"):
        read_tensors(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 64])
def test_weights_file_of_another_kind(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        read_tensors(path)


def test_weights_folder(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read: it is a folder; convert it to"):
        read_tensors(tmp_path)
