r"""The gradient of a loss by theta_score and theta_scale, written out: the fast path of a step.

Autograd differentiates a loss by the entropies H, the class marginal m and the log-probabilities of
the truth. From there on the gradient is in closed form, so that it costs one pass over the pixels
that have one (those of S, for the paper's objective) and keeps no graph.

With N pixels, K classes, probabilities :math:`p_{ic}` and truth :math:`y_i`, at the logits z:

.. math::
    g_{ik} = \frac{\partial \ell}{\partial z_{ik}} = - \frac{\partial \ell}{\partial H_i} \, p_{ik}
    (\log p_{ik} + H_i) + \frac{p_{ik}}{N} \left( \frac{\partial \ell}{\partial m_k} -
    \sum_c p_{ic} \frac{\partial \ell}{\partial m_c} \right) + \frac{\partial \ell}
    {\partial \log p_{i y_i}} ([k = y_i] - p_{ik})

With a the activations, R the scale space, u the level of a pixel, l its floor, and L levels:

.. math::
    \frac{\partial \ell}{\partial \theta_{score}} = \sum_i g_i a_i^T, \qquad
    \frac{\partial \ell}{\partial v_i} = \langle \theta_{score}^T g_i,\;
    [a_i > 0] \, (R_{i,l+1} - R_{i,l}) \rangle \; u_i (1 - u_i / (L - 1)),

where v is the output of theta_scale before the sigmoid: a 3x3 convolution away from theta_scale.
"""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..network.dynamic import Encoding
from ..network.receptive_field import level_derivative
from .pixelwise import Pixels

__all__ = ["SPARSE", "DifferentiablePixels", "LogitGradient", "scale_and_score_gradients"]

SPARSE = 0.6
"""The largest fraction of the pixels to pick out: of more, that costs more than it saves."""


class LogitGradient(NamedTuple):
    """The gradient of a loss at the logits, without the rows that are zero."""

    values: Tensor  # (M, K)
    pixels: Tensor | None  # (M,) int64, which rows they are; None = all N, in order
    others: Tensor | None = None  # (V, N, K) at the probabilities of further views

    def dense(self, count: int) -> Tensor:
        """Return all rows, shape (count, K)."""
        if self.pixels is None:
            return self.values
        full = self.values.new_zeros(count, self.values.shape[1])
        return full.index_copy_(0, self.pixels, self.values)


class DifferentiablePixels(Pixels):
    """The pixel-wise prediction of a step, from which a loss is differentiated by the logits.

    A loss may also use logits and probabilities themselves: autograd differentiates that part.

    Arguments:
        logits: Shape (N, K), floating point; not differentiated further.
        truth: Labels, shape (N,), int64, 255 = ignore; None where there is none.
        class_prior: The class marginal that some objectives hold, shape (K,); None = this one.
        others: The probabilities of further views on the same pixels, shape (V, N, K), or None.
        sparse: Whether to leave out pixels without gradient. Their number is then read from the
            device, which a captured step must not wait for.
    """

    def __init__(
        self,
        logits: Tensor,
        truth: Tensor | None = None,
        class_prior: Tensor | None = None,
        others: Tensor | None = None,
        sparse: bool = True,
    ) -> None:
        self.sparse = sparse
        self.plain = Pixels(logits.detach(), truth, class_prior, others)
        leaf = None if others is None else self._leaf(others)
        super().__init__(self._leaf(self.plain.logits), truth, class_prior, leaf)

    @cached_property
    def entropy(self) -> Tensor:
        """H, shape (N,), nats (eq. 1)."""
        return self._leaf(self.plain.entropy)

    @cached_property
    def marginal(self) -> Tensor:
        """m, the mean probability of each class, shape (K,)."""
        return self._leaf(self.plain.marginal)

    @cached_property
    def truth_log_probabilities(self) -> Tensor:
        """log p of the true class, 0 where it is not known, shape (N,), nats."""
        return self._leaf(self.plain.truth_log_probabilities)

    def gradient(self, loss: Tensor) -> LogitGradient:
        """Return the gradient, at the logits, of a scalar loss made of these pixels."""
        names = ("logits", "entropy", "marginal", "truth_log_probabilities", "others")
        # Only what the loss has read: a cached property lies under its name once it is read.
        used = {name: vars(self)[name] for name in names if vars(self).get(name) is not None}
        found = torch.autograd.grad(loss, list(used.values()), allow_unused=True)
        by = dict(zip(used, found, strict=True))
        others = by.pop("others", None)
        return self._at_logits(*(by.get(name) for name in names[:-1]))._replace(others=others)

    @torch.no_grad()
    def _at_logits(
        self,
        direct: Tensor | None,
        by_entropy: Tensor | None,
        by_marginal: Tensor | None,
        by_truth: Tensor | None,
    ) -> LogitGradient:
        p, log_p, entropy = self.plain.probabilities, self.plain.log_probabilities, None
        pixels: Tensor | None = None
        if by_entropy is not None:
            entropy = self.plain.entropy
            alone = direct is None and by_marginal is None and by_truth is None
            if self.sparse and alone:
                pixels = by_entropy.nonzero()[:, 0]
                if len(pixels) < SPARSE * len(p):
                    p, log_p, entropy, by_entropy = (
                        values.index_select(0, pixels) for values in (p, log_p, entropy, by_entropy)
                    )
                else:
                    pixels = None
        # g = p * (factor + offset): factor differs by class, offset only by pixel.
        factor, offset = None, p.new_zeros(len(p))
        if by_entropy is not None and entropy is not None:
            factor = log_p * -by_entropy[:, None]
            offset.addcmul_(by_entropy, entropy, value=-1)
        if by_marginal is not None:
            offset.sub_(p @ by_marginal, alpha=1 / len(p))
            share = by_marginal / len(p)
            factor = share.expand_as(p) if factor is None else factor.add_(share)
        if by_truth is not None:
            by_truth = by_truth * self.known
            offset.sub_(by_truth)
        values = offset[:, None] * p if factor is None else (factor + offset[:, None]).mul_(p)
        if by_truth is not None:
            values.scatter_add_(1, self.true_class[:, None], by_truth[:, None])
        return LogitGradient(values if direct is None else values.add_(direct), pixels)

    @staticmethod
    def _leaf(values: Tensor) -> Tensor:
        return values.detach().requires_grad_(torch.is_grad_enabled())


class FilterGradient(NamedTuple):
    """The gradient by a filter's weight and bias, of their shapes."""

    weight: Tensor
    bias: Tensor


@torch.no_grad()
def scale_and_score_gradients(
    gradient: LogitGradient,
    score_weight: Tensor,
    encoding: Encoding,
    activation: Tensor,
    u: Tensor,
    score: bool = True,
    scale: bool = True,
) -> tuple[FilterGradient | None, FilterGradient | None]:
    """Return the gradients by theta_scale and theta_score, None for those that are not wanted.

    Pixels without gradient are left out, which autograd could not know.

    Arguments:
        gradient: The gradient of the loss at the logits.
        score_weight: The weight of theta_score that gave the logits, shape (K, C).
        encoding: Features and scale space of the image, h w = N pixels.
        activation: What theta_score multiplied, shape (N, C).
        u: The levels of the pixels, in [0, L - 1], shape (N,).
        score: Whether the gradient by theta_score is wanted.
        scale: Whether the gradient by theta_scale is wanted.
    """
    (g, pixels, _), (F, R), all_u = gradient, encoding, u
    if pixels is not None:
        activation, u = activation.index_select(0, pixels), u.index_select(0, pixels)
    by_score = FilterGradient(g.T @ activation, g.sum(0)) if score else None
    by_scale = None
    if scale:
        by_response = torch.ops.aten.threshold_backward(g @ score_weight, activation, 0)
        v = torch.linalg.vecdot(by_response, level_derivative(R, u, pixels))
        v = v * u * (1 - u / (R.shape[1] - 1))
        if pixels is not None:
            v = torch.zeros_like(all_u).index_copy_(0, pixels, v)
        by_scale = FilterGradient(_convolution_gradient(v.view(F.shape[-2:]), F), v.sum()[None])
    return by_scale, by_score


def _convolution_gradient(v: Tensor, F: Tensor) -> Tensor:
    """Return the gradient by a padded 3x3 filter, (1, C, 3, 3), from that at its output (h, w)."""
    height, width = v.shape
    padded = functional.pad(v, (1, 1, 1, 1))
    shifted = [
        padded[i : i + height, j : j + width].flatten() for i in (2, 1, 0) for j in (2, 1, 0)
    ]
    return (torch.stack(shifted) @ F[0].flatten(1).T).T.reshape(1, -1, 3, 3)
