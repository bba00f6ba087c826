"""Wrapped modules: the classifier is found, and the logits are the module's own to the last bit."""

import copy
from collections import OrderedDict
from types import SimpleNamespace

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from segviz.errors import InputError
from segviz.network.wrapped import WrappedModule

MEAN, STD = (124.0, 116.0, 104.0), (58.0, 57.0, 57.0)
K = 5


def wrapped(module, **options):
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return WrappedModule(module, MEAN, STD, **options)


def image(height=41, width=67):
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last)


class Net(nn.Module):
    """Features at stride 8, a classifier, and whatever follows."""

    def __init__(self, tail=lambda logits, x: logits, classifier=None):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 8, 1), nn.ReLU())
        self.head = classifier or nn.Conv2d(8, K, 1)
        self.tail = tail

    def forward(self, x):
        return self.tail(self.head(self.body(x)), x)


class TwoHeads(Net):
    """Two classifiers on maps of different sizes, as LR-ASPP has."""

    def __init__(self):
        super().__init__()
        self.coarse = nn.Conv2d(8, K, 3, padding=1)

    def forward(self, x):
        fine = self.body(x)
        coarse = functional.interpolate(
            self.coarse(functional.avg_pool2d(fine, 2)), fine.shape[-2:], mode="bilinear"
        )
        return upsampled(self.head(fine) + coarse, x)


class Tokens(Net):
    """A linear classifier of tokens."""

    def __init__(self):
        super().__init__(classifier=nn.Linear(8, K))

    def forward(self, x):
        maps = self.body(x)
        logits = self.head(maps.flatten(2).transpose(1, 2))
        return logits.permute(0, 2, 1).reshape(1, K, *maps.shape[-2:])


def upsampled(logits, x, **options):
    return functional.interpolate(logits, x.shape[-2:], mode="bilinear", **options)


def doubled(logits, x):
    return nn.UpsamplingBilinear2d(scale_factor=8)(logits)[..., : x.shape[-2], : x.shape[-1]]


class Bias(Net):
    """A classifier whose bias is a parameter beside it, as in a prompt or a prior."""

    def __init__(self):
        super().__init__(classifier=nn.Conv2d(8, K, 1, bias=False))
        self.prior = nn.Parameter(torch.zeros(1, K, 1, 1))

    def forward(self, x):
        return upsampled(super().forward(x) + self.prior, x)


def shuffled(logits, x):
    return functional.pixel_shuffle(logits, 2)


MODULES = {
    "plain": Net,
    "upsampled": lambda: Net(upsampled),
    "aligned": lambda: Net(lambda z, x: upsampled(z, x, align_corners=True)),
    "nearest": lambda: Net(lambda z, x: functional.interpolate(z, x.shape[-2:])),
    "bicubic": lambda: Net(lambda z, x: functional.interpolate(z, x.shape[-2:], mode="bicubic")),
    "twice": lambda: Net(lambda z, x: upsampled(functional.interpolate(z, scale_factor=2), x)),
    "cropped": lambda: Net(doubled),
    "in place": lambda: Net(lambda z, x: z.clone().add_(functional.dropout(z, training=False))),
    "mapping": lambda: Net(lambda z, x: OrderedDict(out=upsampled(z, x), aux=z)),
    "tuple": lambda: Net(lambda z, x: (upsampled(z, x), z.mean())),
    "object": lambda: Net(lambda z, x: SimpleNamespace(logits=z, loss=None)),
    "two heads": TwoHeads,
    "tokens": Tokens,
    "bias": Bias,
    "pixel shuffle": lambda: Net(shuffled, classifier=nn.Conv2d(8, 4 * K, 1)),
    "transposed": lambda: Net(classifier=nn.ConvTranspose2d(8, K, 4, 4)),
}


@pytest.mark.parametrize("name", MODULES)
@torch.no_grad()
def test_logits_are_the_modules_own_to_the_last_bit(name):
    network, x = wrapped(MODULES[name]()), image()
    own = network(x)
    logits = network.predict(network.encode(x)).logits[None]
    if network.cuts:
        logits = upsampled(logits, x, align_corners=network.aligned)
    assert torch.equal(logits, own)
    assert network.classes == K and network.groups in (("score", "all"), ("score", "norm", "all"))
    cut = ("upsampled", "aligned", "twice", "mapping", "tuple", "two heads", "bias")
    assert network.cuts == (name in cut)
    assert set(network.classifier_names) == (
        {"head", "coarse"} if name == "two heads" else {"head"}
    )


def test_lattices_are_those_of_the_interpolation():
    x = image(41, 67)
    for aligned in (False, True):
        network = wrapped(Net(lambda z, x, a=aligned: upsampled(z, x, align_corners=a)))
        encoding = network.encode(x)
        assert encoding.shape == (6, 9)
        ramp = torch.arange(41.0).expand(1, 1, 67, 41).transpose(2, 3)
        rows, _ = network.lattices(encoding, 41, 67)
        places = torch.arange(6) * rows.stride + rows.offset
        small = places[:, None].expand(6, 9)[None, None]
        inside = upsampled(small, x, align_corners=aligned)[..., 8:-8, :]
        torch.testing.assert_close(inside, ramp[..., 8:-8, :], rtol=0, atol=1e-3)


def test_inputs_are_padded_to_the_multiple_and_logits_cropped():
    class Strict(Net):
        def forward(self, x):
            assert x.shape[-1] % 32 == x.shape[-2] % 32 == 0, "not divisible by 32"
            return super().forward(x)

    network, x = wrapped(Strict(upsampled)), image(41, 67)
    assert network.multiple == 32
    encoding = network.encode(x)
    assert encoding.shape == (5, 8) and encoding.lattices[0].stride == 8
    padded = functional.pad(x, (0, 29, 0, 23))
    expected = Net.forward(network.module, padded.contiguous(memory_format=torch.channels_last))
    logits = network.predict(encoding).logits
    assert upsampled(logits[None], padded).shape == expected.shape
    assert torch.equal(wrapped(Net(), multiple=32).predict(encoding).logits, logits)


def test_normalisation_and_order_of_the_channels():
    photo = torch.rand(1, 3, 2, 2) * 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    assert torch.equal(wrapped(Net()).normalise(photo), (photo - mean) / std)
    flipped = wrapped(Net(), bgr=True).normalise(photo)
    assert torch.equal(flipped, (photo.flip(1) - mean) / std)


def test_the_last_interpolation_is_not_computed():
    sizes = []

    def tail(logits, x):
        big = upsampled(logits, x)
        sizes.append(big.untyped_storage().nbytes())
        return big

    network = wrapped(Net(tail))
    network.encode(image())
    assert sizes[-1] == 4 and sizes[0] > 1000


def test_named_classifiers_may_be_followed_by_anything():
    module = Net(lambda logits, x: 3 * logits.tanh())
    with pytest.raises(InputError, match=r"classifier='head'"):
        wrapped(module)
    network, x = wrapped(module, classifier=("head",)), image()
    assert torch.equal(network.predict(network.encode(x)).logits[None], network(x))
    with pytest.raises(InputError, match=r"'absent'.*head"):
        wrapped(module, classifier=("absent",))


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (lambda z, x: z.softmax(1), "softmax"),
        (lambda z, x: z.argmax(1), "argmax"),
        (lambda z, x: z.sigmoid(), "sigmoid"),
        (lambda z, x: z.repeat(1, 60, 1, 1), "300 classes, but segviz adapts at most 255"),
        (lambda z, x: z.mean((2, 3)), "argmax|shape"),
        (lambda z, x: functional.adaptive_avg_pool2d(z, (4, 4)), "cover the input"),
        (lambda z, x: [None, z], r"list of NoneType, Tensor.*first.*forward"),
        (lambda z, x: (), r"tuple of nothing"),
        (lambda z, x: {"masks": z, "loss": 0}, r"dict with masks, loss.*logits or out"),
        (lambda z, x: z.double_trouble(), "several sizes.*double_trouble"),
        (lambda z, x: z.relu(), "classifier="),
    ],
)
def test_modules_that_cannot_be_wrapped(tail, words):
    with pytest.raises(InputError, match=words):
        wrapped(Net(tail))


def test_a_module_for_inputs_of_one_size_is_refused():
    class Positions(Net):
        """Position embeddings for 28 x 28 patches of 8 x 8 pixels."""

        def forward(self, x):
            return self.head(self.body(x) + torch.zeros(1, 8, 28, 28))

    with pytest.raises(InputError, match=r"several sizes.*28"):
        wrapped(Positions())


def test_an_input_that_the_module_fails_on_is_named():
    class Large(Net):
        def forward(self, x):
            if x.shape[-1] < 60:
                raise ValueError("too small\nby far")
            return super().forward(x)

    network = wrapped(Large())
    with pytest.raises(InputError, match=r"40 x 30 pixels \(too small\)"):
        network.encode(image(30, 40))


def test_the_module_is_not_changed():
    module = Net(upsampled).eval()
    before = copy.deepcopy(module.state_dict())
    network = WrappedModule(module, MEAN, STD)
    network.predict(network.encode(image()))
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert set(module.state_dict()) == set(before)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_encodings_are_float32(precision):
    network = wrapped(Net(upsampled))
    with torch.no_grad(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
        encoding = network.encode(image())
    logits = network.predict(encoding).logits
    assert logits.dtype == torch.float32
    expected = network.predict(network.encode(image())).logits
    torch.testing.assert_close(logits, expected, rtol=0.05, atol=0.2)


def test_torchvision_networks():
    models = torchvision.models.segmentation
    lraspp = models.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None)
    network = WrappedModule(lraspp, MEAN, STD)
    assert network.classifier_names == (
        "classifier.low_classifier",
        "classifier.high_classifier",
    )
    assert network.classes == 21 and network.stride == 8
    x = image(72, 96)
    with torch.no_grad():
        logits = network.predict(network.encode(x)).logits
        assert logits.shape == (21, 9, 12)
        assert torch.equal(upsampled(logits[None], x), network(x))
