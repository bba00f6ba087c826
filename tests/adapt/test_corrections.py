import math

import pytest
import torch
from torch import nn

import segviz
from segviz.adapt import corrections
from segviz.adapt.corrections import CORRECTIONS, ClassifierInput, correct, lame, t3a
from segviz.adapt.methods import METHODS
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.adapt.settings import Settings
from segviz.errors import InputError


def given(features, logits, weight=None, bias=None):
    features, logits = torch.as_tensor(features).double(), torch.as_tensor(logits).double()
    return ClassifierInput(features, logits, weight, bias)


def test_every_correction_is_a_method():
    assert {info.correction for info in METHODS.values()} - {""} == set(CORRECTIONS)


# LAME


def dense_lame(features, logits, rounds=400):
    """The update by the definition, with all pairs in a matrix."""
    unit = features / features.norm(dim=1, keepdim=True)
    squares = (unit[:, None] - unit[None]).square().sum(2)
    own = squares + torch.diag(torch.full((len(unit),), torch.inf).double())
    values, places = own.sort(1)
    count = min(corrections.NEIGHBOURS, len(unit) - 1)
    width = values[:, count - 1].sqrt().mean()
    weights = torch.zeros_like(squares)
    for i in range(len(unit)):
        for j in places[i, :count]:
            weights[i, j] = torch.exp(-squares[i, j] / (2 * width**2))
    weights = (weights + weights.T) / 2
    log_p = logits.log_softmax(1)
    z = log_p.exp()
    for _ in range(rounds):
        z = (log_p + weights @ z).softmax(1)
    return z


def test_lame_against_the_definition():
    features, logits = torch.randn(30, 4).double(), torch.randn(30, 3).double()
    got = lame(given(features, logits))
    torch.testing.assert_close(got, dense_lame(features, logits), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(got.sum(1), torch.ones(30).double())


def test_chunks_of_lame_change_nothing(monkeypatch):
    features, logits = torch.randn(50, 4).double(), torch.randn(50, 3).double()
    whole = lame(given(features, logits))
    monkeypatch.setattr(corrections, "CHUNK", 7)
    torch.testing.assert_close(lame(given(features, logits)), whole)


def test_a_doubtful_pixel_follows_pixels_like_it():
    features = torch.tensor(
        [[1.0, 0.01 * i] for i in range(6)] + [[0.01 * i, 1.0] for i in range(6)]
    )
    logits = torch.zeros(12, 2)
    logits[:6, 0], logits[6:, 1] = 3.0, 3.0
    logits[2] = torch.tensor([0.0, 0.5])
    before = logits.argmax(1)
    after = lame(given(features, logits)).argmax(1)
    assert before.tolist() == [0, 0, 1, 0, 0, 0] + 6 * [1]
    assert after.tolist() == 6 * [0] + 6 * [1]


def test_lame_of_the_smallest_maps():
    for count in (1, 2, 3):
        p = lame(given(torch.randn(count, 4), torch.randn(count, 3)))
        assert p.shape == (count, 3) and p.isfinite().all()


def test_maps_too_large_for_lame(monkeypatch):
    monkeypatch.setattr(corrections, "MAX_PIXELS", 10)
    with pytest.raises(InputError, match="this one has 11, but the limit is 10; choose a smaller"):
        lame(given(torch.randn(11, 4), torch.randn(11, 3)))


# T3A


def test_t3a_against_the_definition(monkeypatch):
    monkeypatch.setattr(corrections, "SUPPORTS", 3)
    features, weight = torch.randn(20, 5).double(), torch.randn(3, 5).double()
    bias = torch.randn(3).double()
    logits = features @ weight.T + bias
    supports = torch.cat([weight, features])
    scores = torch.cat([weight @ weight.T + bias, logits])
    classes = {0: [], 1: [], 2: []}
    for support, score in zip(supports, scores, strict=True):
        p = score.softmax(0)
        entropy = -sum(v * math.log(v) for v in p.tolist())
        classes[p.argmax().item()].append((entropy, support / support.norm()))
    prototypes = []
    for members in classes.values():
        members.sort(key=lambda pair: pair[0])
        total = sum((support for _, support in members[:3]), torch.zeros(5).double())
        prototypes.append(total / total.norm().clamp(min=1e-12))
    expected = (features @ torch.stack(prototypes).T).softmax(1)
    torch.testing.assert_close(t3a(given(features, logits, weight, bias)), expected)


def test_t3a_without_a_bias_and_with_more_supports_than_pixels():
    features, weight = torch.randn(4, 5).double(), torch.randn(3, 5).double()
    p = t3a(given(features, features @ weight.T, weight))
    torch.testing.assert_close(p.sum(1), torch.ones(4).double())


# Networks


@pytest.mark.parametrize("name", CORRECTIONS)
def test_corrections_of_an_episode(views, name):
    plain, last = optimise(views, Settings(method=name, scale=1.0))
    assert last.step == 1 and last.distance == 0
    assert not torch.equal(plain.logits, last.logits)
    assert torch.equal(plain.sigma, last.sigma)


def test_networks_of_other_libraries(foreign, photo):
    (_, last) = optimise(PhotoViews(foreign.network, photo), Settings(method="lame", scale=1.0))
    assert last.entropy.isfinite().all()
    encoding = PhotoViews(foreign.network, photo).encoded(1.0).encoding
    with pytest.raises(InputError, match="single 1x1 classifier"):
        correct(foreign.network, encoding, "t3a")


def test_a_single_1x1_classifier_of_another_library(photo):
    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(3, 6, 3, 8, 1)
            self.head = nn.Conv2d(6, 4, 1)

        def forward(self, x):
            logits = self.head(torch.relu(self.body(x)))
            return nn.functional.interpolate(logits, x.shape[-2:], mode="bilinear")

    network = segviz.wrap(Module(), mean=(124, 116, 104), std=(58, 57, 57)).network
    encoding = PhotoViews(network, photo).encoded(1.0).encoding
    assert correct(network, encoding, "t3a").logits.shape == network.predict(encoding).logits.shape
