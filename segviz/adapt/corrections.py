"""Corrections: predictions that follow from a finished one and its features, without gradients."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InputError
from ..network.classifier_graph import calls_of
from ..network.dynamic import Encoding, Segmenter
from ..network.interface import Network, Prediction
from ..network.tiled import TiledEncoding, TiledNetwork
from ..network.wrapped import WrappedEncoding, WrappedModule

__all__ = ["CORRECTIONS", "ClassifierInput", "correct", "lame", "t3a"]

NEIGHBOURS = 5
ROUNDS = 100
TOLERANCE = 1e-8
MAX_PIXELS = 40_000
"""The largest map whose pixels are all compared with each other."""

CHUNK = 2048
"""Pixels whose distances to all others are held at once."""

SUPPORTS = 100
"""The surest pixels of each class that a prototype is made of."""


class ClassifierInput(NamedTuple):
    """What the classifier of a network makes a prediction from."""

    features: Tensor  # (N, C), of each pixel
    logits: Tensor  # (N, K)
    weight: Tensor | None  # (K, C); None unless the classifier is one 1x1 convolution
    bias: Tensor | None  # (K,)


def lame(given: ClassifierInput) -> Tensor:
    r"""Return probabilities that agree with those of pixels with similar features, shape (N, K).

    .. math:: z_i \leftarrow \mathrm{softmax}(\log p_i + \sum_j w_{ij} z_j)

    for at most 100 rounds, with :math:`w` a Gaussian of the distance between unit features, whose
    width is the mean distance of the 5th neighbour. Only a pixel's 5 nearest neighbours have a
    weight, made symmetric.

    Raises:
        InputError: If the map has more than 40,000 pixels.

    Source:
        Boudiaf et al. 2022, https://arxiv.org/abs/2201.05718.
    """
    neighbours, weights = _affinity(functional.normalize(given.features))
    log_p = given.logits.log_softmax(1)
    flat = neighbours.flatten()
    z, energy = log_p.exp(), float("nan")
    for _ in range(ROUNDS):
        forth = torch.einsum("nj,njk->nk", weights, z[neighbours])
        sent = (weights[..., None] * z[:, None]).flatten(0, 1)
        back = torch.zeros_like(z).index_add_(0, flat, sent)
        pull = 0.5 * (forth + back)
        z_new = (log_p + pull).softmax(1)
        now = (z_new * (z_new.clamp(min=1e-20).log() - log_p) - pull * z_new).sum().item()
        z = z_new
        if abs(now - energy) <= TOLERANCE * abs(energy):
            break
        energy = now
    return z


def _affinity(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nearest neighbours (N, k), int64, and their weights (N, k) of unit features."""
    if len(features) > MAX_PIXELS:
        raise InputError(
            f"lame compares all pixels of a map with each other, and this one has"
            f" {len(features):,}, but the limit is {MAX_PIXELS:,}; choose a smaller scale."
        )
    count = min(NEIGHBOURS, len(features) - 1) or 1
    found = []
    for start in range(0, len(features), CHUNK):
        similarity = features[start : start + CHUNK] @ features.T
        own = torch.arange(len(similarity), device=features.device)
        if len(features) > 1:
            similarity[own, own + start] = -torch.inf
        found.append(similarity.topk(count))
    similarity, neighbours = (torch.cat(parts) for parts in zip(*found, strict=True))
    squares = (2 - 2 * similarity).clamp(min=0)
    width = squares[:, -1].sqrt().mean().clamp(min=1e-6)
    return neighbours, torch.exp(-squares / (2 * width**2))


def t3a(given: ClassifierInput) -> Tensor:
    r"""Return the probabilities of a classifier of prototypes, shape (N, K).

    .. math:: p_i = \mathrm{softmax}(f_i \cdot w_c), \qquad
        w_c = \mathrm{normalise} \sum_{s \in S_c} \frac{s}{\|s\|}

    with S the rows of the classifier and the features of the pixels, each under the class that the
    classifier gives it; of each class only the 100 of least entropy count.

    Raises:
        InputError: If the classifier is not one 1x1 convolution.

    Source:
        Iwasawa and Matsuo 2021, Test-Time Classifier Adjustment Module.
    """
    if given.weight is None:
        raise InputError(
            "t3a replaces the rows of a single 1x1 classifier, but this network ends in something"
            " else; choose lame, or an objective on score."
        )
    features, weight = given.features, given.weight
    rows = functional.linear(weight, weight, given.bias)
    supports = functional.normalize(torch.cat((weight, features)))
    log_p = torch.cat((rows, given.logits)).log_softmax(1)
    entropy = -(log_p.exp() * log_p).sum(1)
    labels = log_p.argmax(1)
    prototypes = []
    for label in range(len(weight)):
        doubt = entropy.masked_fill(labels != label, torch.inf)
        values, surest = doubt.topk(min(SUPPORTS, len(doubt)), largest=False)
        kept = supports[surest] * values.isfinite()[:, None]
        prototypes.append(kept.sum(0))
    return (features @ functional.normalize(torch.stack(prototypes)).T).softmax(1)


CORRECTIONS: dict[str, Callable[[ClassifierInput], Tensor]] = {"lame": lame, "t3a": t3a}


@torch.no_grad()
def correct(network: Network, encoding: object, name: str) -> Prediction:
    """Return the prediction from an encoding after a correction, a name in `CORRECTIONS`.

    Raises:
        InputError: If the network, or the size of the map, does not suit the correction.
    """
    given, prediction = _classifier_input(network, encoding)
    p = CORRECTIONS[name](given)
    logits = p.clamp(min=torch.finfo(p.dtype).tiny).log()
    return Prediction(logits.T.unflatten(1, prediction.logits.shape[-2:]), prediction.sigma)


def _rows(prediction: Prediction) -> Tensor:
    return prediction.logits.flatten(1).T


def _classifier_input(network: Network, encoding: object) -> tuple[ClassifierInput, Prediction]:
    """Return the input of a network's classifier, and the prediction made from it."""
    if isinstance(network, TiledNetwork):
        if isinstance(encoding, TiledEncoding):
            return _tiled_input(network.network, encoding)
        network = network.network
    prediction = network.predict(encoding)
    if isinstance(network, Segmenter):
        assert isinstance(encoding, Encoding)
        theta = network.theta
        features, _ = network.activate(theta, *encoding)
        weight, bias = theta.score_weight, theta.score_bias
        return ClassifierInput(features, _rows(prediction), weight, bias), prediction
    assert isinstance(network, WrappedModule) and isinstance(encoding, WrappedEncoding)
    return _input_of_module(network, encoding, prediction), prediction


def _tiled_input(network: Network, encoding: TiledEncoding) -> tuple[ClassifierInput, Prediction]:
    """Return the blended features and predictions of tiles."""
    found = [_classifier_input(network, own) for own in encoding.encodings]
    features = encoding.blend(
        given.features.T.unflatten(1, prediction.logits.shape[-2:]) for given, prediction in found
    )
    prediction = encoding.predict(each for _, each in found)
    given = found[0][0]
    rows = features.flatten(1).T
    return given._replace(features=rows, logits=_rows(prediction)), prediction


def _input_of_module(
    network: WrappedModule, encoding: WrappedEncoding, prediction: Prediction
) -> ClassifierInput:
    """Return the input of a wrapped module's classifiers on the grid of its logits."""
    calls = list(dict.fromkeys(calls_of(encoding.node)))
    maps, (height, width) = calls[0].input, encoding.shape
    if len(calls) > 1 or maps.dim() != 4:
        raise InputError(
            "lame and t3a need the features of a single convolution that makes the logits, but"
            f" this network has {len(calls)} such maps; choose another method."
        )
    whole = network.predict(encoding._replace(shape=(1 << 30, 1 << 30))).logits.shape[-2:]
    if maps.shape[-2:] != whole:
        maps = functional.interpolate(maps, whole, mode="bilinear")
    features = maps[0, :, :height, :width].flatten(1).T
    weight, bias = network.classifiers[calls[0].index]
    single = calls[0].function.__name__ == "conv2d" and weight[0, 0].numel() == 1
    fits = single and weight.shape == (network.classes, features.shape[1], 1, 1)
    return ClassifierInput(
        features, _rows(prediction), weight.flatten(1) if fits else None, bias if fits else None
    )
