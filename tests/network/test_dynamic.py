import copy
import json
from dataclasses import asdict, replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from segviz.errors import InputError
from segviz.network import Architecture, Segmenter, Theta
from segviz.network.checkpoint import tensor_hash
from segviz.network.receptive_field import blur, sigma_from_level
from tests.miniature import calibrated

SIZES = [(1, 1), (1, 40), (2, 3), (15, 16), (16, 17), (17, 33), (31, 64), (65, 49)]


@pytest.fixture(scope="module")
def networks(network):
    return {
        "mobilenetv2_100": network,
        "dla34": calibrated(Architecture.of("dla34", channels=8, levels=3)),
    }


@pytest.fixture(scope="module")
def encoded(network64):
    """An input and its encoding, float64."""
    torch.manual_seed(3)
    x = functional.avg_pool2d(torch.randn(1, 3, 97, 130, dtype=torch.float64), 5, 1, 2) * 3
    with torch.no_grad():
        return x, network64.encode(x)


# Architecture


def test_architecture_as_json(tiny_architecture):
    text = json.dumps(asdict(tiny_architecture))
    assert Architecture.from_json(json.loads(text)) == tiny_architecture


def test_architecture_of_a_backbone():
    dla = Architecture.of("dla34")
    assert (dla.output_stride, dla.stride, dla.pooled_context) == (32, 4, False)
    assert Architecture.of("dla34", stride=8, channels=None) == replace(dla, stride=8)
    assert Architecture.of("resnet18").backbone == "resnet18"


@pytest.mark.parametrize("name", ["mobilenetv2_100", "dla34"])
def test_sigmas(name):
    architecture = Architecture.of(name)
    assert len(architecture.sigmas) == architecture.levels
    assert architecture.sigmas[:4] == (0, 1, 2, 4)
    assert architecture.sigmas[-1] * architecture.stride >= 64  # input pixels
    u = torch.arange(float(architecture.levels))
    assert tuple(sigma_from_level(u).tolist()) == architecture.sigmas


@pytest.mark.parametrize(("name", "value"), [("levels", 1), ("channels", 0), ("classes", 1)])
def test_impossible_architecture(name, value):
    with pytest.raises(InputError, match=f"{name} must be from {value + 1} to .*, got {value}; "):
        Architecture.of("mobilenetv2_100", **{name: value})


@pytest.mark.parametrize(
    ("groups", "limit"), [(0, "must be from 1 to .*"), (3, "must be a divisor of the 8 channels")]
)
def test_groups_that_do_not_divide_the_channels(groups, limit):
    with pytest.raises(InputError, match=f"groups {limit}, got {groups}; choose"):
        Architecture.of("mobilenetv2_100", channels=8, groups=groups)


def test_stride_that_the_backbone_has_not():
    with pytest.raises(InputError, match=r"stride 5 is not one of .*\[2, 4, 8, 16, 16\]"):
        Segmenter(Architecture.of("mobilenetv2_100", stride=5))


# Parameters


@pytest.mark.parametrize("context", [True, False])
def test_parameters(context):
    a = Architecture.of("mobilenetv2_100", channels=8, levels=3, pooled_context=context, classes=5)
    net = Segmenter(a)
    groups = {}
    for name, parameter in net.named_parameters():
        group = name.partition(".")[0]
        groups[group] = groups.get(group, 0) + parameter.numel()
    pooled = groups.pop("context", 0)
    assert bool(pooled) == context
    last = 256 if context else 320
    assert groups == {
        "backbone": sum(p.numel() for p in net.backbone.parameters()),
        # 1x1 projection of the deepest map at stride 16, batch norm with 2 each
        "aggregation": last * 8 + 2 * 8,
        "scale_space_filter": 9 * 8 * 8 // 4,  # four groups
        "response_norm": 2 * 8,
        "score_weight": 5 * 8,
        "score_bias": 5,
        "scale_weight": 9 * 8,
        "scale_bias": 1,
    }
    if context:
        assert pooled == 2 * (320 * 256 + 256) + (512 * 256 + 256)


def test_theta_is_the_classifier_and_the_regressor(network):
    shapes = {"score_weight": (21, 16), "score_bias": (21,), "scale_weight": (1, 16, 3, 3)}
    theta = network.theta
    assert {k: tuple(v.shape) for k, v in theta._asdict().items()} == {**shapes, "scale_bias": (1,)}
    for name in Theta._fields:
        assert getattr(theta, name).data_ptr() == getattr(network, name).data_ptr()
        assert not getattr(theta, name).requires_grad
    assert all(isinstance(p, nn.Parameter) for p in network.trainable_theta())


def test_initial_sigma_leaves_room_above():
    net = Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=5))
    F = torch.randn(1, 8, 6, 6)
    u = net.level(net.theta, F)
    assert (u - 1.5).abs().max() < 0.1  # of 0 to 4, and nearly constant


# Any size


@pytest.mark.parametrize("name", ["mobilenetv2_100", "dla34"])
@pytest.mark.parametrize("size", SIZES)
def test_any_size(networks, name, size):
    net = networks[name]
    a, (h, w) = net.architecture, (net.grid.valid(side) for side in size)
    with torch.no_grad():
        encoding = net.encode(torch.randn(1, 3, *size))
        prediction = net.head(net.theta, *encoding)
        training = net(torch.randn(2, 3, *size))
    assert encoding.F.shape == (1, a.channels, h, w)
    assert encoding.R.shape == (h * w, a.levels, a.channels)
    assert prediction.logits.shape == (a.classes, h, w)
    assert prediction.sigma.shape == (h, w)
    assert training.shape == (2, a.classes, h, w)
    for values in (*encoding, *prediction, training):
        assert torch.isfinite(values).all()


def test_padding_is_the_mean_colour():
    # Without pooled context, an input padded by hand is the same input, up to the cropping.
    net = calibrated(
        Architecture.of("mobilenetv2_100", channels=8, levels=3, stride=8, pooled_context=False)
    ).double()
    x = torch.randn(1, 3, 50, 38, dtype=torch.float64)
    padded = net.normalise(torch.full((1, 3, 65, 49), 127.5, dtype=torch.float64))
    assert padded.abs().max() < 1e-12
    padded[..., :50, :38] = x
    got, expected = net.features(x), net.features(padded)
    assert got.shape[2:] == (7, 5) and expected.shape[2:] == (9, 7)
    assert torch.allclose(got, expected[..., :7, :5], atol=1e-9)


def test_padding_does_not_enter_the_pooled_context(network64):
    seen = []
    hook = network64.context.image_pooling.register_forward_pre_hook(
        lambda _, args: seen.append(args[0])
    )
    maps = []
    other = network64.backbone.register_forward_hook(lambda *args: maps.extend(args[2]))
    try:
        network64.features(torch.randn(1, 3, 40, 50, dtype=torch.float64))
    finally:
        hook.remove()
        other.remove()
    assert maps[4].shape[2:] == (4, 5)
    on_photo = maps[4][..., :3, :4]  # 0, 16, 32 of 40 rows; 0, 16, 32, 48 of 50 columns
    assert torch.allclose(seen[0], on_photo.mean((2, 3), keepdim=True), atol=1e-12)


def test_features_follow_the_photo_when_it_is_mirrored(network64):
    # With symmetric filters nothing but a misplaced lattice could break this.
    net = copy.deepcopy(network64)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.copy_((module.weight + module.weight.flip(3)) / 2)
    net.scale_weight.copy_((net.scale_weight + net.scale_weight.flip(3)) / 2)
    x = torch.randn(1, 3, 49, 65, dtype=torch.float64)
    with torch.no_grad():
        logits, mirrored = net(x), net(x.flip(3))
    assert torch.allclose(mirrored, logits.flip(3), atol=1e-8)


def test_normalise(network):
    photo = torch.tensor([0.0, 127.5, 255.0]).view(1, 1, 1, 3).expand(1, 3, 2, 3)
    assert network.normalise(photo)[0, 2, 1].tolist() == [-1, 0, 1]


# Head


def test_training_and_inference_agree(network64, encoded):
    x, encoding = encoded
    inference = network64.head(network64.theta, *encoding).logits
    assert torch.allclose(network64(x)[0], inference, atol=1e-10)


def test_images_of_a_batch_are_independent(network64):
    x = torch.randn(3, 3, 40, 33, dtype=torch.float64)
    together = network64(x)
    for i in range(3):
        assert torch.allclose(network64(x[i : i + 1])[0], together[i], atol=1e-10)


def test_levels_stay_in_range(network64, encoded):
    F = encoded[1].F
    top = network64.architecture.levels - 1
    u = network64.level(network64.theta, F)
    assert u.min() > 0 and u.max() < top and u.std() > 0.1
    far = network64.theta._replace(scale_weight=1e6 * network64.scale_weight)
    u = network64.level(far, F)
    assert u.min() == 0 and u.max() == top
    assert torch.isfinite(network64.head(far, *encoded[1]).logits).all()


def test_levels_formula(network64, encoded):
    theta, F = network64.theta, encoded[1].F[0]
    u = network64.level(theta, encoded[1].F)[0, 0]
    i, j = 2, 3
    z = (theta.scale_weight[0] * F[:, i - 1 : i + 2, j - 1 : j + 2]).sum() + theta.scale_bias
    assert u[i, j].item() == pytest.approx(3 / (1 + torch.exp(-z).item()))


def test_head_formula(network64, encoded):
    theta, (F, R) = network64.theta, encoded[1]
    prediction = network64.head(theta, F, R)
    u = network64.level(theta, F).flatten()
    for pixel in (0, 7, len(R) - 1):
        low = min(int(u[pixel]), 2)
        part = u[pixel] - low
        r = (1 - part) * R[pixel, low] + part * R[pixel, low + 1]
        logits = theta.score_weight @ r.clamp(min=0) + theta.score_bias
        row, column = divmod(pixel, F.shape[3])
        assert torch.allclose(prediction.logits[:, row, column], logits, atol=1e-12)
        expected = sigma_from_level(u[pixel]).item()
        assert prediction.sigma[row, column].item() == pytest.approx(expected)


def test_responses_are_those_of_the_scale_space(network64, encoded):
    F, R = encoded[1]
    for index, level in enumerate(network64.scale_space_filter(F)):
        expected = network64.response_norm(level)[0].flatten(1).T
        assert torch.allclose(R[:, index], expected, atol=1e-12)


def test_features_are_normalised_by_training():
    # In train mode batch norm makes the features of a batch zero mean, unit variance.
    net = Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=3)).train()
    F = net.features(torch.randn(4, 3, 81, 81))
    assert F.mean((0, 2, 3)).abs().max() < 1e-5
    assert torch.allclose(F.var((0, 2, 3), correction=0), torch.ones(8), atol=1e-2)


def test_head_is_pure(network64, encoded):
    before, encoding = tensor_hash(network64), [part.clone() for part in encoded[1]]
    theta = Theta(*(p.clone().requires_grad_() for p in network64.theta))
    copies = [p.detach().clone() for p in theta]
    first, second = (network64.head(theta, *encoded[1]) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    first.logits.square().sum().backward()
    assert tensor_hash(network64) == before
    assert all(p.grad is None for p in network64.parameters())
    assert all(torch.equal(a, b) for a, b in zip(encoding, encoded[1], strict=True))
    for value, copy_ in zip(theta, copies, strict=True):
        assert torch.equal(value, copy_)
        assert value.grad is not None and value.grad.abs().max() > 0


def test_head_gradients(network64):
    torch.manual_seed(0)
    F = torch.randn(1, 16, 3, 4, dtype=torch.float64)
    R = torch.randn(12, 4, 16, dtype=torch.float64)
    theta = [p.clone().requires_grad_() for p in network64.theta]
    assert torch.autograd.gradcheck(lambda *t: network64.head(Theta(*t), F, R)[:2], theta)


def test_theta_of_a_network_in_training_has_no_history():
    net = Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=3))
    assert not any(p.requires_grad for p in net.theta)
    assert all(p.requires_grad for p in net.trainable_theta())


def test_every_parameter_is_trained():
    net = Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=3)).train()
    net(torch.randn(2, 3, 49, 49)).square().mean().backward()
    still = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert still == []


# Training on cached maps


@pytest.fixture
def narrow():
    """A network whose features are the context's 256 channels, in training mode."""
    return Segmenter(Architecture.of("mobilenetv2_100", levels=3, classes=5)).train()


def maps_of(*sizes):
    return [torch.randn(1, 256, h, w).relu() for h, w in sizes]


def test_a_map_of_the_right_width_is_the_features(narrow):
    assert narrow.aggregation.single
    assert sum(p.numel() for p in narrow.aggregation.parameters()) == 0


def test_maps_of_one_size_are_a_batch(narrow):
    maps = maps_of((4, 6), (4, 6))
    twin = copy.deepcopy(narrow)
    got = torch.cat(narrow.forward_maps(maps))
    expected = twin.from_features(twin.feature_norm(torch.cat(maps)))
    assert torch.allclose(got, expected, atol=1e-4)
    for name, value in narrow.state_dict().items():
        assert torch.allclose(value.double(), twin.state_dict()[name].double(), atol=1e-5), name


def test_maps_of_different_sizes_in_eval_mode_do_not_meet(narrow):
    maps = maps_of((4, 6), (3, 2), (5, 5))
    narrow.eval()
    together = narrow.forward_maps(maps)
    assert [tuple(one.shape) for one in together] == [(1, 5, 4, 6), (1, 5, 3, 2), (1, 5, 5, 5)]
    for one, logits in zip(maps, together, strict=True):
        assert torch.allclose(narrow.forward_maps([one])[0], logits, atol=1e-5)


def test_cached_maps_give_what_the_photo_gives(narrow):
    narrow.eval()
    x = torch.randn(1, 3, 50, 70)
    with torch.no_grad():
        maps = narrow.cropped(narrow.pyramid(x)[narrow.aggregation.used[0]], x)
        assert torch.allclose(narrow.forward_maps([maps])[0], narrow(x), atol=1e-5)


def test_it_begins_as_a_classifier(narrow):
    maps = maps_of((6, 7))[0]
    weight, bias = torch.randn(5, 256), torch.randn(5)
    narrow.begin_as(weight, bias, maps.mean((0, 2, 3)), maps.var((0, 2, 3)))
    narrow.eval()
    flat = maps[0].flatten(1)
    expected = (weight @ flat + bias[:, None]).view(1, 5, 6, 7)
    with torch.no_grad():
        narrow.scale_bias.fill_(-50)  # sigma 0
        assert torch.allclose(narrow.forward_maps([maps])[0], expected, atol=2e-3)
        narrow.scale_bias.fill_(50)  # the largest sigma: the same, blurred
        blurred = narrow.forward_maps([blur(maps, narrow.architecture.sigmas[-1])])[0]
        assert not torch.allclose(narrow.forward_maps([maps])[0], expected, atol=0.1)
        assert blurred.std() < expected.std()


def test_sigma_begins_at_half_a_feature_pixel(narrow):
    maps = maps_of((6, 7))[0]
    narrow.begin_as(torch.zeros(5, 256), torch.zeros(5), torch.zeros(256), torch.ones(256))
    torch.nn.init.zeros_(narrow.scale_weight)
    u = narrow.level(narrow.theta, maps)
    assert torch.allclose(u, torch.full_like(u, 0.5), atol=1e-6)
