r"""The pixel-wise prediction of a step, and the gradient of a loss that is a function of it.

With N pixels, K classes, probabilities :math:`p_{ic}` and truth :math:`y_i`:

.. math:: H_i = - \sum_c p_{ic} \log p_{ic}, \qquad m_c = \frac{1}{N} \sum_i p_{ic}
"""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from ..data.classes import IGNORE
from ..errors import InputError

__all__ = ["FEW", "Differentiable", "Gradient", "Pixels"]

FEW = 0.6  # of the pixels: of more, picking them out costs more than it saves


class Pixels:
    """The pixel-wise prediction of one step, with what several objectives share.

    Arguments:
        logits: Shape (N, K), floating point.
        truth: Labels, shape (N,), int64, 255 = ignore; None where there is none.
        anchor: The class marginal that some objectives hold, shape (K,); None = this one.
    """

    def __init__(
        self, logits: Tensor, truth: Tensor | None = None, anchor: Tensor | None = None
    ) -> None:
        self.logits = logits
        self.truth = truth
        if anchor is not None:
            self.anchor = anchor

    def __len__(self) -> int:
        """N."""
        return len(self.logits)

    @cached_property
    def log_probabilities(self) -> Tensor:
        """Shape (N, K), nats."""
        return self.logits.log_softmax(1)

    @cached_property
    def probabilities(self) -> Tensor:
        """Shape (N, K)."""
        return self.log_probabilities.exp()

    @cached_property
    def entropy(self) -> Tensor:
        """H, shape (N,), nats (eq. 1)."""
        return -torch.linalg.vecdot(self.probabilities, self.log_probabilities)

    @cached_property
    def marginal(self) -> Tensor:
        """m, the mean probability of each class, shape (K,)."""
        return self.probabilities.mean(0)

    @cached_property
    def anchor(self) -> Tensor:
        """The class marginal to hold, shape (K,), a constant."""
        return self.marginal.detach()

    @cached_property
    def known(self) -> Tensor:
        """Which pixels have a true label, shape (N,), bool.

        Raises:
            InputError: If there is no truth.
        """
        if self.truth is None:
            raise InputError(
                "this objective compares with the truth, but there is none; give a mask of the"
                " photo."
            )
        return self.truth != IGNORE

    @cached_property
    def truth_log_probabilities(self) -> Tensor:
        """log p of the true class, 0 where it is not known, shape (N,), nats.

        Raises:
            InputError: If there is no truth.
        """
        true = self._true_class()[:, None]
        return self.log_probabilities.gather(1, true)[:, 0] * self.known

    def selected(self) -> Tensor:
        """S: the pixels with entropy above the mean, shape (N,), bool (eq. 2)."""
        entropy = self.entropy.detach()
        return entropy > entropy.mean()

    def _true_class(self) -> Tensor:
        known = self.known
        assert self.truth is not None
        return self.truth.where(known, 0)


class Gradient(NamedTuple):
    """A gradient at the logits whose rows are zero but for some."""

    values: Tensor  # (M, K)
    pixels: Tensor | None  # (M,) int64, which rows they are; None = all, in order

    def dense(self, count: int) -> Tensor:
        """All rows, shape (count, K)."""
        if self.pixels is None:
            return self.values
        full = self.values.new_zeros(count, self.values.shape[1])
        return full.index_copy_(0, self.pixels, self.values)


class Differentiable(Pixels):
    r"""The same, from which a loss is differentiated in one pass over the pixels of S.

    Automatic differentiation goes from the loss to H, m and :math:`\log p_{i y_i}`; from these to
    the logits z it is written out:

    .. math::
        \frac{\partial \ell}{\partial z_{ik}} = - \frac{\partial \ell}{\partial H_i} \, p_{ik}
        (\log p_{ik} + H_i) + \frac{p_{ik}}{N} \left( \frac{\partial \ell}{\partial m_k} -
        \sum_c p_{ic} \frac{\partial \ell}{\partial m_c} \right) + \frac{\partial \ell}
        {\partial \log p_{i y_i}} ([k = y_i] - p_{ik})

    A loss may use logits and probabilities directly, too: then that part is differentiated
    automatically.

    Arguments:
        logits: Shape (N, K), floating point; not differentiated further.
        truth: Labels, shape (N,), int64, 255 = ignore; None where there is none.
        anchor: The class marginal that some objectives hold, shape (K,); None = this one.
    """

    def __init__(
        self, logits: Tensor, truth: Tensor | None = None, anchor: Tensor | None = None
    ) -> None:
        self.plain = Pixels(logits.detach(), truth, anchor)
        super().__init__(self._leaf(self.plain.logits), truth, anchor)

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

    def gradient(self, loss: Tensor) -> Gradient:
        """That of a loss made of these pixels, at their logits.

        Arguments:
            loss: Scalar.
        """
        names = ("logits", "entropy", "marginal", "truth_log_probabilities")
        # Those that were asked for: a cached property is kept under its name.
        used = {name: vars(self)[name] for name in names if name in vars(self)}
        found = torch.autograd.grad(loss, list(used.values()), allow_unused=True)
        by = dict(zip(used, found, strict=True))
        return self._at_logits(*(by.get(name) for name in names))

    @torch.no_grad()
    def _at_logits(
        self,
        direct: Tensor | None,
        by_entropy: Tensor | None,
        by_marginal: Tensor | None,
        by_truth: Tensor | None,
    ) -> Gradient:
        p, log_p, entropy = self.plain.probabilities, self.plain.log_probabilities, None
        pixels: Tensor | None = None
        if by_entropy is not None:
            entropy = self.plain.entropy
            if direct is None and by_marginal is None and by_truth is None:
                pixels = by_entropy.nonzero()[:, 0]
                if len(pixels) < FEW * len(p):
                    p, log_p, entropy, by_entropy = (
                        values.index_select(0, pixels) for values in (p, log_p, entropy, by_entropy)
                    )
                else:
                    pixels = None
        # What p is multiplied with: a number for each pixel and, for entropy and m, each class.
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
            values.scatter_add_(1, self._true_class()[:, None], by_truth[:, None])
        return Gradient(values if direct is None else values.add_(direct), pixels)

    @staticmethod
    def _leaf(values: Tensor) -> Tensor:
        return values.detach().requires_grad_(torch.is_grad_enabled())
