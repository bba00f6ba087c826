r"""The gate: weights for the sizes of a photo, from a few numbers of the prediction at each size.

.. math:: w = \mathrm{softmax}\left(\frac{1}{M} \sum_m \log \mathrm{softmax}(g_m(\phi))\right)

with :math:`\phi` five numbers for each size, standardised, and :math:`g_m` maps with one hidden
layer each. It is trained by the likelihood of the mixture (`training.gate`).
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import torch
from torch import Tensor

from ..errors import guard

__all__ = ["FEATURES", "LEVELS", "Gate", "features"]

LEVELS = 3
"""The number of sizes that a gate weighs."""

FEATURES = (
    "entropy",
    "foreground",
    "foreground entropy",
    "foreground confidence",
    "divergence from the mean",
)
"""The numbers of each size, in order."""

CUT = 4.0
"""Standardised features are cut at this many standard deviations."""


def features(probabilities: Tensor, background: int | None = 0) -> Tensor:
    r"""Return the numbers of each size that the gate reads.

    With H the entropy, f = 1 - p(background) and q the largest probability of another class, means
    over the pixels: H; f; H weighted by f; q weighted by f; KL(p || mean of all sizes).

    Arguments:
        probabilities: Of each size on one grid, shape (L, N, K).
        background: The id of the background; None = all classes are foreground, f = 1.

    Returns:
        Shape (L, 5), in the order of `FEATURES`; entropies in nats.
    """
    p = probabilities
    plogp = torch.special.xlogy(p, p).sum(2)
    if background is None:
        foreground, largest = torch.ones_like(p[..., 0]), p.amax(2)
    else:
        others = torch.arange(p.shape[2], device=p.device) != background
        foreground, largest = 1 - p[..., background], p[..., others].amax(2)
    mass = foreground.sum(1).clamp(min=1e-6)
    cross = torch.special.xlogy(p, p.mean(0)).sum(2)
    return torch.stack(
        [
            -plogp.mean(1),
            foreground.mean(1),
            -(plogp * foreground).sum(1) / mass,
            (largest * foreground).sum(1) / mass,
            (plogp - cross).mean(1),
        ],
        1,
    )


class GateCard(msgspec.Struct, frozen=True, kw_only=True):
    """The section `gate` of a checkpoint's card.

    Arguments:
        features: The names of the numbers read, as `FEATURES`.
        background: The id of the background; None = none.
        mean: The mean of each number of each size, shape (L, F).
        std: Its standard deviation.
        maps: The weights of the M maps: `hidden` (H, L F), `hidden_bias` (H,), `out` (L, H) and
            `out_bias` (L,).
        data: What it was trained on.
        command: The command that trained it.
    """

    features: tuple[str, ...]
    background: int | None
    mean: list[list[float]]
    std: list[list[float]]
    maps: list[dict[str, Any]]
    data: str = ""
    command: str = ""


@dataclass(frozen=True, eq=False)
class Gate:
    """A trained gate.

    Arguments:
        card: Its section of the checkpoint's card.
    """

    card: GateCard

    @classmethod
    def of_card(cls, values: dict[str, Any] | None) -> "Gate | None":
        """Return the gate on a checkpoint's card, or None if it has none.

        Raises:
            InputError: If the section is not a gate of this version.
        """
        if values is None:
            return None
        with guard(
            "the gate on the checkpoint's card cannot be used", "make it again with segviz gate"
        ):
            card = msgspec.convert(values, GateCard)
            if card.features != FEATURES:
                raise ValueError(f"features must be {', '.join(FEATURES)}")
            for name in ("mean", "std"):
                if torch.tensor(getattr(card, name)).shape != (LEVELS, len(FEATURES)):
                    raise ValueError(f"{name} must be {LEVELS} x {len(FEATURES)} numbers")
            if not bool((torch.tensor(card.std) > 0).all()):
                raise ValueError("std must be positive")
            for weights in card.maps:
                if len(weights["out"]) != LEVELS or len(weights["out_bias"]) != LEVELS:
                    raise ValueError(f"a map must have {LEVELS} outputs")
            gate = cls(card)
            if not bool(gate.log_weights(torch.full((LEVELS, 1, 2), 0.5)).isfinite().all()):
                raise ValueError("weights must be finite")
        return gate

    def standardised(self, phi: Tensor) -> Tensor:
        """Return features (..., L, F) standardised and cut, shape (..., L F)."""
        return standardise(phi, phi.new_tensor(self.card.mean), phi.new_tensor(self.card.std))

    def log_weights(self, probabilities: Tensor) -> Tensor:
        """Return the log-weights of the sizes, shape (L,), from predictions (L, N, K)."""
        return self.of_features(features(probabilities, self.card.background))

    def of_features(self, phi: Tensor) -> Tensor:
        """Return the log-weights of the sizes, shape (..., L), from features (..., L, F)."""
        x = self.standardised(phi)
        found = [one_map(x, weights).log_softmax(-1) for weights in self.card.maps]
        return torch.stack(found).mean(0).log_softmax(-1)


def standardise(phi: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return features (..., L, F) in standard deviations from the mean, cut, shape (..., L F)."""
    return ((phi - mean) / std).clamp(-CUT, CUT).flatten(-2)


def one_map(x: Tensor, weights: dict[str, Any]) -> Tensor:
    """Return the output of a map with one hidden layer, shape (..., L)."""
    hidden, hidden_bias, out, out_bias = (
        torch.as_tensor(weights[name], dtype=x.dtype, device=x.device)
        for name in ("hidden", "hidden_bias", "out", "out_bias")
    )
    return torch.tanh(x @ hidden.T + hidden_bias) @ out.T + out_bias
