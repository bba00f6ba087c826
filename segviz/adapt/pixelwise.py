r"""The pixel-wise prediction of a step, with what several objectives share.

With N pixels, K classes, probabilities :math:`p_{ic}` and truth :math:`y_i`:

.. math:: H_i = - \sum_c p_{ic} \log p_{ic}, \qquad m_c = \frac{1}{N} \sum_i p_{ic}
"""

from functools import cached_property

import torch
from torch import Tensor

from ..data.classes import IGNORE
from ..errors import InputError

__all__ = ["Pixels"]


class Pixels:
    """The pixel-wise prediction of one step; everything is computed once, when first read.

    Arguments:
        logits: Shape (N, K), floating point.
        truth: Labels, shape (N,), int64, 255 = ignore; None where there is none.
        class_prior: The class marginal that some objectives hold, shape (K,); None = this one.
        others: The probabilities of further views on the same pixels, shape (V, N, K), or None.
    """

    def __init__(
        self,
        logits: Tensor,
        truth: Tensor | None = None,
        class_prior: Tensor | None = None,
        others: Tensor | None = None,
    ) -> None:
        self.logits = logits
        self.truth = truth
        self.others = others
        self.is_first = class_prior is None  # of the episode: no marginal is held yet
        if class_prior is not None:
            self.class_prior = class_prior

    def __len__(self) -> int:
        """Return the number of pixels N."""
        return len(self.logits)

    @cached_property
    def log_probabilities(self) -> Tensor:
        """The log-softmax, shape (N, K), nats."""
        return self.logits.log_softmax(1)

    @cached_property
    def probabilities(self) -> Tensor:
        """p, the softmax, shape (N, K)."""
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
    def class_prior(self) -> Tensor:
        """The class marginal to hold, shape (K,), a constant."""
        return self.marginal.detach()

    @cached_property
    def known(self) -> Tensor:
        """Whether each pixel has a true label, shape (N,), bool.

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
    def true_class(self) -> Tensor:
        """The true class, 0 where it is not known, shape (N,), int64.

        Raises:
            InputError: If there is no truth.
        """
        known = self.known
        assert self.truth is not None
        return self.truth.where(known, 0)

    @cached_property
    def truth_log_probabilities(self) -> Tensor:
        """log p of the true class, 0 where it is not known, shape (N,), nats.

        Raises:
            InputError: If there is no truth.
        """
        return self.log_probabilities.gather(1, self.true_class[:, None])[:, 0] * self.known

    def selected(self) -> Tensor:
        """Return S, the pixels with entropy above the mean, shape (N,), bool (eq. 2)."""
        entropy = self.entropy.detach()
        return entropy > entropy.mean()
