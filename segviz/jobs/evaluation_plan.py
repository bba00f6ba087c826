"""What an evaluation of the app measures, on which images; checked before it starts."""

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..adapt.method import groups_of
from ..adapt.methods import FEEDFORWARD
from ..data.dataset import DataSet
from ..data.dataset_folder import CLASS_MAP, DatasetFolder
from ..data.splits import voc_images
from ..errors import InputError
from ..evaluation.measured_method import MeasuredMethod, parse_methods
from ..network.checkpoint import DEFAULT
from ..validation import check_range
from .limits import check_app_limit

__all__ = ["EvaluationData", "EvaluationPlan", "check_plan", "folder_data", "voc_data"]

MAX_EPISODES = 60
"""The largest number of episodes for each image."""


@dataclass(frozen=True)
class EvaluationPlan:
    """What to measure, as chosen on the page.

    Arguments:
        images: The number of images, a fixed random subset.
        methods: Methods as spelled on the command line; feedforward is always measured too.
        variables: The parameter groups that each method adapts, one after the other.
        scales: The resize factors.
        steps: The numbers of updates to measure at.
    """

    images: int
    methods: tuple[str, ...]
    variables: tuple[str, ...]
    scales: tuple[float, ...]
    steps: tuple[int, ...]

    def command(self, data: "EvaluationData", checkpoint: str) -> str:
        """Return the shell command that measures the same on a data set with a network."""
        words = [
            *("python", "-m", "segviz", "evaluate", *data.options),
            *("--limit", str(self.images)),
            *("--scales", ",".join(f"{scale:g}" for scale in self.scales)),
            *("--methods", ",".join((FEEDFORWARD, *self.methods))),
            *("--variables", ",".join(self.variables)),
            *("--steps", ",".join(map(str, self.steps))),
            *("--by-image", "--json"),
            *(() if checkpoint == DEFAULT else ("--checkpoint", checkpoint)),
        ]
        return shlex.join(words)

    @property
    def episodes(self) -> int:
        """The number of episodes for each image."""
        return len(self.methods) * len(self.variables) * len(self.scales)


class EvaluationData(NamedTuple):
    """The images that an evaluation measures on."""

    name: str  # the split of VOC, or "data:NAME" for a folder that the server offers
    images: DataSet
    folder: Path  # where they are
    options: tuple[str, ...]  # of segviz evaluate
    by_ids: bool = False  # whether masks hold the class ids of the network
    given: Mapping[str, str | None] | None = None  # from classes of the masks to those of networks


def voc_data(root: Path, split: str) -> EvaluationData:
    """Return the images of a split of VOC.

    Raises:
        InputError: If the split cannot be read.
    """
    options = ("--voc-root", "DIR", "--split", split)
    return EvaluationData(split, voc_images(root, split), root, options)


def folder_data(name: str, folder: DatasetFolder) -> EvaluationData:
    """Return the images of a folder that the server offers by a name."""
    options = ["--images", "DIR/images", "--masks", "DIR/masks"]
    if folder.has_classes:
        options += ["--classes", "DIR/classes.txt"]
    if folder.given:
        options += ["--class-map", f"DIR/{CLASS_MAP}"]
    images = folder.images
    return EvaluationData(
        f"data:{name}", images, images.images, tuple(options), not folder.has_classes, folder.given
    )


def check_plan(plan: EvaluationPlan, groups: Collection[str]) -> list[MeasuredMethod]:
    """Check a plan, and return its methods, feedforward first.

    Arguments:
        plan: The plan.
        groups: The groups of parameters of the network.

    Raises:
        InputError: If a choice is empty, a value is out of its range, the network does not have
            some variables, or there are more than `MAX_EPISODES` episodes for each image.
    """
    for name in ("methods", "variables", "scales", "steps"):
        if not getattr(plan, name):
            raise InputError(f"no {name} are chosen; choose at least one.")
    for scale in plan.scales:
        check_app_limit("scale", scale)
    for name in plan.variables:
        if not set(groups_of(name)) <= set(groups):
            raise InputError(
                f"the network has no variables {name!r}; choose among those of the groups"
                f" {', '.join(groups)}."
            )
    methods = parse_methods((FEEDFORWARD, *plan.methods), plan.variables, plan.steps, groups)
    for method in methods:
        check_app_limit("steps", method.steps[-1])
    remedy = "choose fewer methods, variables or scales"
    check_range("the number of episodes for each image", plan.episodes, 1, MAX_EPISODES, remedy)
    return methods
