"""Learning from a trained network beside the truth: its prediction and its maps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..network import checkpoint
from ..network.dynamic import Segmenter
from ..network.grid import Grid, resample
from .recipe import Recipe

__all__ = ["Lesson", "Teacher", "find_teacher", "watched"]

SMALL = 1e-5  # added to a variance, for samples that are one colour


class Lesson(NamedTuple):
    """What a teacher says of a batch of samples."""

    logits: Tensor  # (B, K, h, w) on the teacher's feature grid
    maps: list[Tensor]  # of each hint (B, C, h', w') where the student's feature pixels sit


class Teacher(nn.Module):
    r"""A trained network that a student learns from, both seeing the same samples.

    .. math::
        D &= \frac{1}{N} \sum_n \text{KL}(t_n \| \hat y_n) \\
        H &= \frac{1}{P} \sum_p
             \frac{\sum_c E (T_{pc} - (A_p S_p)_c)^2}{\sum_c \text{Var} \, T_{pc}}

    with predictions t of the teacher and y of the student at N pixels, and P pairs of maps T of the
    teacher and S of the student, each with a linear map A that is learnt along and then dropped. H
    is the part of the variance of the teacher's maps that the student's do not explain: 1 if
    they say nothing, 0 at best.

    To each stride of the student from 4 on belongs its deepest map, and the teacher's deepest map
    of no larger stride, read where the student's feature pixels sit.

    Arguments:
        network: The teacher, frozen; not written to.
        student: The network that learns.

    Source:
        D: Hinton, Vinyals, Dean 2015 (https://arxiv.org/abs/1503.02531), temperature 1; H: Romero
        et al. 2015 (https://arxiv.org/abs/1412.6550), equation 3, over the total variance; that
        both see the same samples: Beyer et al. 2022 (https://arxiv.org/abs/2106.05237).
    """

    def __init__(self, network: Segmenter, student: Segmenter) -> None:
        super().__init__()
        self._network = (network,)  # a tuple: not among the modules, so it is not trained or saved
        own = _deepest(network.backbone.strides)
        channels = list(network.backbone.channels)
        if network.context is not None:
            channels[-1] = network.context.concat_projection.out_channels
        self.pairs: list[tuple[int, int]] = []  # indices of a student's and a teacher's map
        for stride, index in _deepest(student.backbone.strides).items():
            fitting = [place for of, place in own.items() if of <= stride]
            if stride >= 4 and fitting:
                self.pairs.append((index, max(fitting)))
        self.student_grids = [student.backbone.grid(r) for r in student.backbone.strides]
        self.grids = [network.backbone.grid(r) for r in network.backbone.strides]
        self.regressors = nn.ModuleList(
            nn.Conv2d(student.backbone.channels[s], channels[t], 1) for s, t in self.pairs
        )

    @property
    def network(self) -> Segmenter:
        """The network that teaches."""
        return self._network[0]

    @torch.no_grad()
    def lesson(self, photos: Tensor) -> Lesson:
        """What the teacher says of samples (B, 3, crop, crop), 0..255."""
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
        return Lesson(net.from_features(F), targets)

    def divergence(self, lesson: Lesson, logits: Tensor, crop: int, every: int) -> Tensor:
        """D, a scalar.

        Arguments:
            lesson: What the teacher says.
            logits: The student's at every `every`-th pixel of a sample both ways, (B, K, H, W).
            crop: The side of the samples, in pixels.
            every: The spacing of those pixels.
        """
        positions = self.network.grid.to_features(crop, crop, logits.device)[::every]
        target = resample(lesson.logits.float(), positions, positions).log_softmax(1)
        guess = logits.float().log_softmax(1)
        return (target.exp() * (target - guess)).sum(1).mean()

    def unexplained(self, lesson: Lesson, maps: Sequence[Tensor]) -> Tensor:
        """H, a scalar, for the maps of the student's backbone, finest first."""
        parts = []
        for (s, _), regressor, target in zip(self.pairs, self.regressors, lesson.maps, strict=True):
            height, width = target.shape[-2:]
            guess = regressor(maps[s][..., :height, :width]).float()
            target = target.float()
            variance, mean = torch.var_mean(target, (0, 2, 3), correction=0, keepdim=True)
            missed = (target - mean - guess).square().mean((0, 2, 3))
            parts.append(missed.sum() / (variance.sum() + SMALL))
        return torch.stack(parts).mean()


def find_teacher(
    name: str | None, student: Segmenter, recipe: Recipe, world: int, device: torch.device
) -> tuple[Teacher | None, str]:
    """The teacher that a run asks for, on its device.

    Arguments:
        name: A trained checkpoint, or None.
        student: The network that learns.
        recipe: How it is trained.
        world: How many processes train together.
        device: Where they train.

    Returns:
        The teacher and the hash of its network; None and "" without a name.

    Raises:
        InputError: If there is no such checkpoint, if it has other classes, or if the recipe does
            not go with it.
    """
    if name is None:
        if recipe.distil or recipe.hints:
            raise InputError(
                f"distil is {recipe.distil:g} and hints is {recipe.hints:g}, but there is no"
                " teacher; give one with --teacher, or neither."
            )
        return None, ""
    if recipe.kept or not (recipe.distil or recipe.hints):
        raise InputError(
            "a teacher sees new samples: give --distil or --hints with it, and no --kept."
        )
    if recipe.hints and world > 1:
        raise InputError(
            f"hints is {recipe.hints:g}, but several processes share no hints; give --hints 0 or"
            " train without torchrun."
        )
    trained = checkpoint.load(name, device)
    classes, own = trained.network.architecture.classes, student.architecture.classes
    if classes != own:
        raise InputError(
            f"the teacher {name} has {classes} classes, the network {own}; give one of the same"
            " classes."
        )
    teacher = Teacher(trained.network, student).to(device)
    if not recipe.hints:
        teacher.requires_grad_(False)
    return teacher, trained.sha256


@contextmanager
def watched(module: nn.Module) -> Iterator[list[list[Tensor]]]:
    """What a module returns while this lasts, call by call."""
    seen: list[list[Tensor]] = []
    hook = module.register_forward_hook(lambda _, __, output: seen.append(list(output)))
    try:
        yield seen
    finally:
        hook.remove()


def _deepest(strides: Sequence[int]) -> dict[int, int]:
    """The index of the deepest map of each stride."""
    return {stride: index for index, stride in enumerate(strides)}


def _positions(here: Grid, there: Grid, length: int, device: torch.device) -> Tensor:
    """Where the feature pixels of one grid on `length` input pixels sit on another grid."""
    pixels = torch.arange(here.valid(length), device=device, dtype=torch.float32)
    return (pixels * here.stride + here.offset - there.offset) / there.stride
