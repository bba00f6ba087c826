import copy

import pytest
import torch
from torch import nn

import segviz
from segviz.adapt.fast_gradient import LogitGradient
from segviz.adapt.normalisation import (
    affine_parameters,
    copy_network,
    mixed_input,
    predict_normalised,
)
from segviz.adapt.optimisation import optimise
from segviz.adapt.parameters import EndToEndParameters, copy_parameters
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.settings import Settings
from segviz.network.checkpoint import tensor_hash
from segviz.network.norm_layers import has_affine_norms, norm_layers


class ManyNorms(nn.Module):
    """A module with norms of every kind, one of them behind a pooled map."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 8, 1)
        self.batch = nn.BatchNorm2d(8)
        self.group = nn.GroupNorm(2, 8)
        self.layer = nn.LayerNorm(8)
        self.plain = nn.BatchNorm2d(8, affine=False)
        self.pooled = nn.BatchNorm2d(8)
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = self.group(self.batch(self.stem(x)))
        x = self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = self.plain(x) + self.pooled(x.mean((2, 3), keepdim=True))
        return self.head(torch.relu(x))


@pytest.fixture(scope="module")
def many():
    torch.manual_seed(0)
    module = ManyNorms()
    for _, layer in norm_layers(module):
        if getattr(layer, "running_mean", None) is not None:
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    return segviz.wrap(module, mean=(124, 116, 104), std=(58, 57, 57))


# Statistics


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_mixed_statistics_by_the_definition(alpha):
    norm = nn.BatchNorm2d(5).double().eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.2, 3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = 3 * torch.randn(1, 5, 6, 7, dtype=torch.float64) + 1
    got = norm(mixed_input(norm, x, alpha))
    for channel in range(5):
        values = x[0, channel]
        mean = alpha * values.mean() + (1 - alpha) * norm.running_mean[channel]
        variance = alpha * values.var(correction=0) + (1 - alpha) * norm.running_var[channel]
        expected = (values - mean) / (variance + norm.eps).sqrt()
        expected = norm.weight[channel] * expected + norm.bias[channel]
        torch.testing.assert_close(got[0, channel], expected)


def test_alpha_1_is_a_batch_norm_in_training():
    norm = nn.BatchNorm2d(5).double()
    norm.running_mean.normal_()
    x = torch.randn(1, 5, 6, 7, dtype=torch.float64, requires_grad=True)
    got = copy.deepcopy(norm).eval()(mixed_input(norm, x, 1.0))
    expected = norm.train()(x)
    torch.testing.assert_close(got, expected)
    weight = torch.randn_like(x)
    gradients = [torch.autograd.grad((y * weight).sum(), x)[0] for y in (got, expected)]
    torch.testing.assert_close(*gradients)


def test_one_value_a_channel_has_no_statistics():
    norm = nn.BatchNorm2d(5).eval()
    x = torch.randn(1, 5, 1, 1)
    assert mixed_input(norm, x, 1.0) is x


def test_the_path_of_training_is_the_same_prediction(network64, encoded64):
    got = predict_normalised(network64, encoded64.x)
    expected = network64.predict(encoded64.encoding)
    torch.testing.assert_close(got.logits, expected.logits, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(got.sigma, expected.sigma, atol=1e-6, rtol=1e-6)


def test_batch_norms_of_a_copy_have_the_statistics_of_the_image(network64, encoded64):
    copied = copy_network(network64, 1.0)
    outputs = {}
    for name in ("feature_norm", "response_norm"):
        copied.get_submodule(name).register_forward_hook(
            lambda norm, _, output, name=name: outputs.setdefault(name, output.clone())
        )
    predict_normalised(copied, encoded64.x)
    norm = copied.response_norm
    features, responses = outputs["feature_norm"][0], outputs["response_norm"][0]
    responses = (responses - norm.bias[:, None, None]) / norm.weight[:, None, None]
    for maps in (features, responses):
        assert maps.mean((1, 2)).abs().max() < 1e-9
        assert (maps.var((1, 2), correction=0) - 1).abs().max() < 1e-2


# Affine parameters


def test_norms_of_every_kind_are_found(many):
    kinds = {type(layer) for _, layer in norm_layers(many.network)}
    assert kinds == {nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm}
    assert has_affine_norms(many.network) and many.network.groups == ("score", "norm", "all")
    assert not has_affine_norms(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, affine=False)))


def test_norms_behind_a_pooled_map_are_left_alone(many):
    names = affine_parameters(copy_network(many.network))
    layers = ("batch", "group", "layer")
    assert names == [f"module.{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]


def test_norm_parameters_of_the_dynamic_network(network64, encoded64):
    adapted = copy_parameters(network64, encoded64, Settings(scale=2.0, variables="norm"))
    assert isinstance(adapted, EndToEndParameters)
    assert "response_norm.weight" in adapted.names and "feature_norm.weight" not in adapted.names
    assert all(parameter.dim() == 1 for parameter in adapted.parameters())
    others = set(adapted.adapted.parts()[0].parameters()) - set(adapted.parameters())
    assert others and not any(parameter.requires_grad for parameter in others)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_gradients_of_norms_by_finite_differences(network64, encoded64, alpha):
    settings = Settings(scale=2.0, variables="norm", alpha=alpha)
    adapted = copy_parameters(network64, encoded64, settings)
    weight = torch.randn_like(adapted.predict().logits)
    loss = (adapted.predict().logits * weight).sum()
    adapted.backward(LogitGradient(weight.flatten(1).T, None))
    slope, length = 0.0, 1e-9
    directions = [torch.randn_like(parameter) for parameter in adapted.parameters()]
    for parameter, direction in zip(adapted.parameters(), directions, strict=True):
        slope += (parameter.grad * direction).sum().item()
    with torch.no_grad():
        for parameter, direction in zip(adapted.parameters(), directions, strict=True):
            parameter.add_(direction, alpha=length)
        after = (adapted.predict().logits * weight).sum()
    assert ((after - loss) / length).item() == pytest.approx(slope, rel=1e-2)


# The shared network


def hook_counts(network):
    return [len(module._forward_pre_hooks) for module in network.parts()[0].modules()]


@pytest.mark.parametrize(
    "spelling", ["norm", "norm:alpha=0.3", "intent", "tent", "sar", "memo", "lame", "t3a"]
)
@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
def test_the_shared_network_is_never_written_to(network, many, photo, spelling, end):
    own = many.network
    for net in (network, own):
        adapts = spelling in ("tent", "sar", "memo")
        values = {"steps": 2, "variables": "norm"} if adapts else {}
        settings = Settings.parse(spelling, scale=1.0, **values)
        before = tensor_hash(*net.parts())
        modes = [module.training for module in net.parts()[0].modules()]
        hooks = hook_counts(net)
        running = optimise(PhotoViews(net, photo), settings)
        next(running)
        if end == "stopped":
            next(running, None)
            running.close()
        elif end == "failed":
            with pytest.raises(ZeroDivisionError):
                running.throw(ZeroDivisionError())
        else:
            assert sum(1 for _ in running) == settings.last_step
        assert tensor_hash(*net.parts()) == before
        assert [module.training for module in net.parts()[0].modules()] == modes
        assert not any(p.requires_grad or p.grad is not None for p in net.parts()[0].parameters())
        assert hook_counts(net) == hooks


def test_tent_on_the_image_s_own_statistics(network, photo, truth):
    views = PhotoViews(network, photo, Reference(truth))
    plain, first, *rest = optimise(views, Settings(method="tent", scale=1.0, steps=4))
    (_, norm) = optimise(views, Settings(method="norm", scale=1.0))
    assert torch.equal(first.logits, norm.logits) and first.distance == 0
    assert not torch.allclose(first.logits, plain.logits, atol=1e-2)
    losses = [state.loss for state in (first, *rest)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
    assert rest[-1].distance > 0


def test_statistics_of_alpha_0_change_nothing(network, photo):
    (only,) = optimise(PhotoViews(network, photo), Settings.parse("norm:alpha=0", scale=1.0))
    (plain,) = optimise(PhotoViews(network, photo), Settings(method="feedforward", scale=1.0))
    assert torch.equal(only.logits, plain.logits)
