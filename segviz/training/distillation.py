"""Distillation: learn from a trained network's predictions and feature maps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..network import checkpoint
from ..network.dynamic import Segmenter
from ..network.resampling import Grid, resample
from .recipe import Recipe

__all__ = ["Teacher", "TeacherOutput", "capture_outputs", "load_teacher"]

EPSILON = 1e-5  # added to a variance, for samples of a single colour


class TeacherOutput(NamedTuple):
    """What a teacher predicts for a batch of B samples.

    Arguments:
        logits: (B, K, h, w) on the teacher's feature grid.
        maps: For each pair of maps (B, C, h', w'), sampled at the student's feature pixels.
    """

    logits: Tensor
    maps: list[Tensor]


class Teacher(nn.Module):
    r"""A frozen network that a student learns from, both seeing the same samples.

    .. math::
        D &= \frac{1}{N} \sum_n \text{KL}(t_n \| \hat y_n) \\
        H &= \frac{1}{P} \sum_p
             \frac{\sum_c E (T_{pc} - (A_p S_p)_c)^2}{\sum_c \text{Var} \, T_{pc}}

    with predictions t of the teacher and y of the student at N pixels, and P pairs of maps T of the
    teacher and S of the student, each with a linear map A that is trained along and discarded. H is
    the fraction of the variance of the teacher's maps that the student's do not explain: 0 at
    best, 1 if they explain nothing.

    Each stride of the student from 4 on contributes its deepest map, paired with the teacher's
    deepest map of no larger stride.

    Arguments:
        network: The teacher's frozen network; never written to.
        student: The network that learns.

    Source:
        D: Hinton, Vinyals, Dean 2015 (https://arxiv.org/abs/1503.02531), temperature 1; H: Romero
        et al. 2015 (https://arxiv.org/abs/1412.6550), equation 3, over the total variance; the same
        samples for both: Beyer et al. 2022 (https://arxiv.org/abs/2106.05237).
    """

    def __init__(self, network: Segmenter, student: Segmenter) -> None:
        super().__init__()
        self._network = (network,)  # in a tuple, so that it is no submodule: not trained, not saved
        teacher_maps = _deepest_by_stride(network.backbone.strides)
        channels = list(network.backbone.channels)
        if network.context is not None:
            channels[-1] = network.context.concat_projection.out_channels
        self.pairs: list[tuple[int, int]] = []  # indices of the student's and the teacher's map
        for stride, index in _deepest_by_stride(student.backbone.strides).items():
            candidates = [place for other, place in teacher_maps.items() if other <= stride]
            if stride >= 4 and candidates:
                self.pairs.append((index, max(candidates)))
        self.student_grids = [student.backbone.grid(r) for r in student.backbone.strides]
        self.grids = [network.backbone.grid(r) for r in network.backbone.strides]
        self.regressors = nn.ModuleList(
            nn.Conv2d(student.backbone.channels[s], channels[t], 1) for s, t in self.pairs
        )

    @property
    def network(self) -> Segmenter:
        """The teacher's network."""
        return self._network[0]

    @torch.no_grad()
    def predict(self, photos: Tensor) -> TeacherOutput:
        """Return the teacher's output for samples (B, 3, crop, crop), 0..255."""
        net = self.network
        x = net.normalise(photos.float()).contiguous(memory_format=torch.channels_last)
        maps = net.pyramid(x, net.fast_backbone)
        F = net.feature_norm(net.cropped(net.aggregation(maps), x))
        targets = []
        for s, t in self.pairs:
            rows, columns = (
                _positions(self.student_grids[s], self.grids[t], length, x.device)
                for length in x.shape[-2:]
            )
            targets.append(resample(maps[t], rows, columns))
        return TeacherOutput(net.from_features(F), targets)

    def kl_divergence(
        self, output: TeacherOutput, logits: Tensor, crop: int, stride: int
    ) -> Tensor:
        """Return D, a scalar.

        Arguments:
            output: The teacher's output.
            logits: The student's logits (B, K, H, W) at every `stride`-th pixel both ways.
            crop: The side of the samples in pixels.
            stride: The spacing of those pixels.
        """
        positions = self.network.grid.lattice.to_features(crop, crop, logits.device)[::stride]
        target = resample(output.logits.float(), positions, positions).log_softmax(1)
        student = logits.float().log_softmax(1)
        return (target.exp() * (target - student)).sum(1).mean()

    def hint_loss(self, output: TeacherOutput, maps: Sequence[Tensor]) -> Tensor:
        """Return H, a scalar, for the maps of the student's backbone, finest first."""
        parts = []
        for (s, _), regressor, target in zip(self.pairs, self.regressors, output.maps, strict=True):
            height, width = target.shape[-2:]
            estimate = regressor(maps[s][..., :height, :width]).float()
            target = target.float()
            variance, mean = torch.var_mean(target, (0, 2, 3), correction=0, keepdim=True)
            residual = (target - mean - estimate).square().mean((0, 2, 3))
            parts.append(residual.sum() / (variance.sum() + EPSILON))
        return torch.stack(parts).mean()


def load_teacher(
    name: str | None, student: Segmenter, recipe: Recipe, processes: int, device: torch.device
) -> tuple[Teacher | None, str]:
    """Load the teacher of a training run.

    Arguments:
        name: A trained checkpoint, or None.
        student: The network that learns.
        recipe: The hyperparameters.
        processes: The number of processes that train together.
        device: The training device.

    Returns:
        The teacher on `device` and the SHA-256 of its checkpoint; None and "" without a name.

    Raises:
        InputError: If there is no such checkpoint, its classes differ from the student's, or the
            recipe contradicts it.
    """
    if name is None:
        if recipe.distil or recipe.hints:
            raise InputError(
                "distil and hints must be 0 without a teacher, got"
                f" {recipe.distil:g} and {recipe.hints:g}; give a --teacher."
            )
        return None, ""
    if not (recipe.distil or recipe.hints):
        raise InputError(
            f"the teacher {name} has no weight in the loss; give --distil or --hints with it."
        )
    if recipe.cached_samples:
        raise InputError(
            "a teacher needs new samples, but --cached-samples is"
            f" {recipe.cached_samples}; leave one of them out."
        )
    if recipe.hints and processes > 1:
        raise InputError(
            f"hints must be 0 in several processes, got {recipe.hints:g} in {processes};"
            " give --hints 0 or train without torchrun."
        )
    trained = checkpoint.load(name, device)
    classes, expected = trained.dynamic.architecture.classes, student.architecture.classes
    if classes != expected:
        raise InputError(
            f"the teacher {name} has {classes} classes, the network {expected}; choose a teacher"
            f" with {expected}."
        )
    teacher = Teacher(trained.dynamic, student).to(device)
    if not recipe.hints:
        teacher.requires_grad_(False)
    return teacher, trained.sha256


@contextmanager
def capture_outputs(module: nn.Module) -> Iterator[list[list[Tensor]]]:
    """Collect what a module returns in each forward pass within the context."""
    outputs: list[list[Tensor]] = []
    hook = module.register_forward_hook(lambda _, __, output: outputs.append(list(output)))
    try:
        yield outputs
    finally:
        hook.remove()


def _deepest_by_stride(strides: Sequence[int]) -> dict[int, int]:
    """Return the index of the deepest map of each stride."""
    return {stride: index for index, stride in enumerate(strides)}


def _positions(source: Grid, target: Grid, length: int, device: torch.device) -> Tensor:
    """Return where the feature pixels of one grid over `length` pixels lie on another grid."""
    pixels = torch.arange(source.valid(length), device=device, dtype=torch.float32)
    return (pixels * source.stride + source.offset - target.offset) / target.stride
