r"""Train the gate that weighs the sizes of a photo, by the likelihood of the mixture.

.. math:: \ell = - \frac{1}{N} \sum_i \log \sum_l w_l(\phi) \, p_{l,i,y_i}

over pixels i of photos with truth y, a few of each class that the photo has.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..adapt.gate import FEATURES, LEVELS, Gate, GateCard, features, one_map, standardise
from ..adapt.mixture import combine
from ..adapt.photo_views import PhotoViews, Reference
from ..adapt.settings import Settings
from ..data.classes import IGNORE
from ..errors import InputError, guard
from ..network.interface import Network
from ..runtime.files import check_regular, write_atomically

__all__ = [
    "SCALES",
    "UPDATES",
    "GateSamples",
    "collect_samples",
    "cross_validate",
    "log_likelihood",
    "read_samples",
    "train_gate",
    "write_samples",
]

SCALES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""The scales that a gate is trained at."""

PIXELS = 80
"""The pixels of a photo at a scale."""

HIDDEN = 16
SEEDS = 5
UPDATES = 600
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.01
MIN_PHOTOS = 10


class GateSamples(NamedTuple):
    """What a gate learns from: photos at scales, each with a few pixels."""

    features: Tensor  # (S, L, F), as `adapt.gate.features`
    likelihoods: Tensor  # (S, P, L), the probability of the truth at each size
    plain: Tensor  # (S,) int64, which size is the single view at s


def read_samples(path: Path) -> GateSamples | None:
    """Return the samples of one photo that `write_samples` wrote.

    Raises:
        InputError: If the file is damaged or not of this version.
    """
    remedy = "remove it, and the samples are made again"
    check_regular(path, "the file of samples", remedy)
    with guard(f"{path} is not a file of samples", remedy):
        found = torch.load(path, map_location="cpu", weights_only=True)
        if found is None:
            return None
        samples = GateSamples(*found)
        count = len(SCALES)
        shapes = ((count, LEVELS, len(FEATURES)), (count, PIXELS, LEVELS), (count,))
        for name, value, shape in zip(GateSamples._fields, samples, shapes, strict=True):
            fits = value.shape == shape and value.is_floating_point() == (name != "plain")
            if not fits or not bool(value.isfinite().all()):
                raise ValueError(f"{name} must be {shape} finite numbers, got {tuple(value.shape)}")
        if not bool(((samples.likelihoods >= 0) & (samples.likelihoods <= 1.001)).all()):
            raise ValueError("likelihoods must be from 0 to 1")
        if not bool(((samples.plain >= 0) & (samples.plain < LEVELS)).all()):
            raise ValueError(f"plain must be below {LEVELS}")
        return samples


def write_samples(path: Path, samples: GateSamples | None) -> None:
    """Write the samples of one photo; None = all of it is ignored.

    Raises:
        InputError: If the file cannot be written.
    """
    content = None if samples is None else tuple(samples)
    write_atomically(path, lambda file: torch.save(content, file), "choose another --samples")


def collect_samples(
    network: Network,
    photo: np.ndarray,
    truth: np.ndarray,
    scales: Sequence[float] = SCALES,
    background: int | None = 0,
    seed: int = 0,
) -> GateSamples | None:
    """Return the samples of one photo, one for each scale; None where all of it is ignored.

    Arguments:
        network: The network, in eval mode.
        photo: Shape (H, W, 3), uint8.
        truth: Labels, shape (H, W), integer, 255 = ignore.
        scales: The scales.
        background: The id of the background; None = none.
        seed: Which pixels are drawn.
    """
    views = PhotoViews(network, photo, Reference(truth))
    generator = torch.Generator().manual_seed(seed)
    found: list[tuple[Tensor, Tensor, int]] = []
    for scale in scales:
        mixture = combine(views, Settings(method="pyramid:mean", scale=scale))
        probabilities = mixture.predictions.probabilities
        target = views.target(mixture.axes, mixture.predictions.shape)
        assert target is not None, "the views have a reference"
        chosen = _balanced(target.cpu(), generator)
        if not len(chosen):
            return None
        truths = target[chosen]
        likelihoods = probabilities[:, chosen].gather(2, truths.expand(LEVELS, -1)[..., None])
        phi = features(probabilities, background)
        found.append((phi.cpu(), likelihoods[..., 0].T.cpu(), mixture.plain))
    return GateSamples(
        torch.stack([phi for phi, _, _ in found]),
        torch.stack([likelihood for _, likelihood, _ in found]),
        torch.tensor([plain for _, _, plain in found]),
    )


def _balanced(target: Tensor, generator: torch.Generator) -> Tensor:
    """Draw `PIXELS` pixels with replacement, as many of each class, shape (P,) or (0,)."""
    classes = target[target != IGNORE].unique()
    if not len(classes):
        return classes
    drawn = []
    for index, label in enumerate(classes):
        own = (target == label).nonzero()[:, 0]
        count = PIXELS // len(classes) + (index < PIXELS % len(classes))
        drawn.append(own[torch.randint(len(own), (count,), generator=generator)])
    return torch.cat(drawn)


def train_gate(
    samples: Sequence[GateSamples],
    background: int | None = 0,
    data: str = "",
    command: str = "",
    seeds: int = SEEDS,
    updates: int = UPDATES,
) -> GateCard:
    """Train a gate on the samples of photos, full batch, with AdamW from five seeds.

    Arguments:
        samples: Those of at least 10 photos.
        background: The id of the background; None = none.
        data: What to say of the photos on the card.
        command: What to say of the command.
        seeds: The number of maps, each from a seed of its own.
        updates: The number of updates of each.

    Raises:
        InputError: If there are fewer photos.
    """
    if len(samples) < MIN_PHOTOS:
        raise InputError(
            f"a gate needs at least {MIN_PHOTOS} photos with truth, got {len(samples)}; give more."
        )
    return _fit(samples, background, data, command, seeds, updates)


def _fit(
    samples: Sequence[GateSamples],
    background: int | None,
    data: str,
    command: str,
    seeds: int,
    updates: int,
) -> GateCard:
    phi = torch.cat([each.features for each in samples])
    likelihoods = torch.cat([each.likelihoods for each in samples])
    mean, std = phi.mean(0), phi.std(0).clamp(min=1e-6)
    x = standardise(phi, mean, std)
    return GateCard(
        features=FEATURES,
        background=background,
        mean=_plain(mean),
        std=_plain(std),
        maps=[_train_map(x, likelihoods, seed, updates) for seed in range(seeds)],
        data=data,
        command=command,
    )


def _train_map(x: Tensor, likelihoods: Tensor, seed: int, updates: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    hidden, out = nn.Linear(x.shape[1], HIDDEN), nn.Linear(HIDDEN, LEVELS)
    weights: dict[str, Tensor] = {
        "hidden": hidden.weight,
        "hidden_bias": hidden.bias,
        "out": out.weight,
        "out_bias": out.bias,
    }
    optimiser = torch.optim.AdamW(weights.values(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    log_p = likelihoods.clamp(min=1e-6).log()
    for _ in range(updates):
        optimiser.zero_grad()
        log_w = one_map(x, weights).log_softmax(1)
        loss = -(log_w[:, None] + log_p).logsumexp(2).mean()
        loss.backward()
        optimiser.step()
    return {name: _plain(value.detach()) for name, value in weights.items()}


def log_likelihood(samples: Sequence[GateSamples], log_weights: Tensor) -> Tensor:
    """Return the mean log-likelihood of each sample under log-weights (S, L), shape (S,)."""
    log_p = torch.cat([each.likelihoods for each in samples]).clamp(min=1e-6).log()
    return (log_weights[:, None] + log_p).logsumexp(2).mean(1)


def cross_validate(
    samples: Sequence[GateSamples],
    folds: int = 5,
    background: int | None = 0,
    seeds: int = SEEDS,
    updates: int = UPDATES,
) -> Tensor:
    """Return the log-weights of each photo's samples by a gate trained on others, (S, L).

    Arguments:
        samples: Those of the photos.
        folds: How many parts the photos are split into.
        background: The id of the background; None = none.
        seeds: The number of maps of each gate.
        updates: The number of updates of each map.
    """
    scales = len(samples[0].features)
    found = torch.empty(len(samples), scales, LEVELS)
    for fold in range(folds):
        others = [each for index, each in enumerate(samples) if index % folds != fold]
        gate = Gate(_fit(others, background, "", "", seeds, updates))
        for index in range(fold, len(samples), folds):
            found[index] = gate.of_features(samples[index].features)
    return found.flatten(0, 1)


def _plain(values: Tensor) -> Any:  # noqa: ANN401
    """Return numbers rounded to what a card shows."""
    return np.round(values.numpy().astype(np.float64), 5).tolist()
