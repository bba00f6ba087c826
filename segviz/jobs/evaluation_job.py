"""An evaluation as work for a job: it goes on from the rows that are kept. Free of Streamlit."""

import hashlib
import math
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import metrics
from ..adapt import OBJECTIVES
from ..data.splits import subset
from ..data.voc import read_split
from ..errors import InputError
from ..evaluation.evaluate import FEEDFORWARD, Cell, Method, collect, evaluate, plan
from ..evaluation.row_store import Store
from ..evaluation.summary import summary
from ..network.checkpoint import Checkpoint
from ..runtime.distributed import Team
from .limits import check_app_limit
from .queue import SLOT, Slot

__all__ = ["EVALUATIONS", "Evaluation", "Plan", "State", "methods", "rows_folder"]

EVALUATIONS = Slot()
"""One evaluation at a time; each of its images waits in the line of everybody's runs."""

MOST_EPISODES = 60
LOOK = 0.5  # seconds between two looks at the line


@dataclass(frozen=True)
class Plan:
    """What to measure, as chosen on the page.

    Arguments:
        split: A list of VOC.
        images: How many of it, a fixed random subset.
        methods: Spellings as on the command line; feedforward is always measured too.
        variables: What the methods adapt, each of them.
        scales: The resize factors.
        steps: Where each episode is measured.
    """

    split: str
    images: int
    methods: tuple[str, ...]
    variables: tuple[str, ...]
    scales: tuple[float, ...]
    steps: tuple[int, ...]

    @property
    def command(self) -> str:
        """What measures the same on the command line."""
        words = [
            *("python", "-m", "segviz", "evaluate", "--voc-root", "DIR", "--split", self.split),
            *("--limit", str(self.images)),
            *("--scales", ",".join(f"{scale:g}" for scale in self.scales)),
            *("--methods", ",".join((FEEDFORWARD, *self.methods))),
            *("--variables", ",".join(self.variables)),
            *("--steps", ",".join(map(str, self.steps))),
            *("--by-image", "--json"),
        ]
        return shlex.join(words)

    def episodes(self) -> int:
        """How many episodes each image takes."""
        return len(self.methods) * len(self.variables) * len(self.scales)


def methods(asked: Plan) -> list[Method]:
    """The methods of a plan, feedforward first, all checked.

    Raises:
        InputError: If something is out of its range or there is too much of it.
    """
    for name, values in (("scale", asked.scales), ("step", asked.steps)):
        if not values:
            raise InputError(f"no {name} is chosen; choose at least one.")
    for name in ("methods", "variables"):
        if not getattr(asked, name):
            raise InputError(f"no {name} are chosen; choose at least one.")
    for value in asked.scales:
        check_app_limit("scale", value)
    found = [
        Method.parse(FEEDFORWARD),
        *(
            Method.parse(spelling, variables, asked.steps)
            for spelling in asked.methods
            for variables in asked.variables
        ),
    ]
    for method in found:
        check_app_limit("steps", method.at[-1])
    if asked.episodes() > MOST_EPISODES:
        raise InputError(
            f"these choices make {asked.episodes()} episodes an image, but at most"
            f" {MOST_EPISODES} are made here; choose fewer methods, variables or scales."
        )
    return found


def rows_folder(root: Path) -> Path:
    """Where the rows of a VOC folder are kept; of another folder ids may mean other images."""
    runs = Path(os.environ.get("SEGVIZ_RUNS") or "runs")
    return runs / "page" / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class State:
    """How far an evaluation is.

    Arguments:
        ahead: How many runs are before it in everybody's line.
        done: Images that are measured or failed.
        kept: Of these, those that were there before.
        rate: Images measured per second, or NaN.
        left: Seconds left, or NaN.
        miou: Running mIoU in percent over the images so far, by what it is of.
    """

    ahead: int = 0
    done: int = 0
    kept: int = 0
    rate: float = math.nan
    left: float = math.nan
    miou: tuple[tuple[str, float], ...] = ()


class Evaluation:
    """Methods at scales over a split, image by image; stopping keeps what came.

    Arguments:
        trained: The network.
        root: The VOC2012 folder.
        asked: What to measure.
        slot: Whose line each image waits in.

    Raises:
        InputError: If something in the plan is out of its range.
    """

    def __init__(self, trained: Checkpoint, root: Path, asked: Plan, slot: Slot = SLOT) -> None:
        ids = list(dict.fromkeys(read_split(root, asked.split)))
        if not 1 <= asked.images <= len(ids):
            raise InputError(
                f"{asked.images} images are asked for, but {asked.split} has {len(ids)};"
                f" choose from 1 to {len(ids)}."
            )
        self.trained = trained
        self.root = root
        self.asked = asked
        self.ids = subset(ids, asked.images)
        self.folder = rows_folder(root)
        self.cells = plan(asked.scales, methods(asked), trained.network.architecture.classes)
        self.failed: dict[str, str] = {}
        self.state = State()
        self._told: tuple[State, dict[str, Any]] | None = None
        self._slot = slot

    def __iter__(self) -> Iterator[None]:
        """Measure what the folder does not have, yielding often, so that it can be stopped."""
        store = Store(self.folder, self.trained.sha256, self.trained.network.architecture.classes)
        try:
            wanted = {cell.key for cell in self.cells}
            lacking = {name for name in self.ids if not wanted <= store.keys(name)}
            start, fresh = time.monotonic(), 0
            for done, name in enumerate(self.ids):
                if name in lacking:
                    yield from self._measure(store, name)
                    fresh += 1
                self.failed |= collect(store, [name], self.cells)
                each = (time.monotonic() - start) / fresh if fresh else math.nan
                self.state = State(
                    done=done + 1,
                    kept=done + 1 - fresh,
                    rate=1 / each if fresh else math.nan,
                    left=each * (len(lacking) - fresh) if fresh else math.nan,
                    miou=_running(self.cells),
                )
                yield
        finally:
            store.close()

    def result(self) -> dict[str, Any] | None:
        """What came, as `segviz evaluate --by-image --json` says it; None before the first image.

        Only to be asked while no job is at work on it.
        """
        if not self.cells[0].images:
            return None
        if self._told is None or self._told[0] is not self.state:
            # Resampling takes a while, and every rerun of the page asks.
            told = {
                **summary(self.trained, self.cells, self.failed),
                "split": self.asked.split,
                "command": self.asked.command,
                "complete": self.state.done == len(self.ids),
            }
            self._told = self.state, told
        return self._told[1]

    def _measure(self, store: Store, name: str) -> Iterator[None]:
        """One image, scale by scale, each after those who wait."""
        for scale in self.asked.scales:
            with self._slot.queue() as ticket:
                while not ticket.wait(LOOK):
                    self.state = replace(self.state, ahead=ticket.ahead or 0)
                    yield
                self.state = replace(self.state, ahead=0)
                cells = [cell for cell in self.cells if cell.scale == scale]
                evaluate(self.trained, self.root, [name], cells, store, Team())
            yield
            if not {cell.key for cell in cells} <= store.keys(name):
                return  # it failed; the reason is kept


def _running(cells: Sequence[Cell]) -> tuple[tuple[str, float], ...]:
    """mIoU of feedforward and the first method that needs no truth, at the largest scale."""
    scale = max(cell.scale for cell in cells)
    here = [cell for cell in cells if cell.scale == scale and cell.images]
    found = []
    for cell in here:
        settings = cell.method.settings
        feedforward = cell.method.name == FEEDFORWARD
        if feedforward or not OBJECTIVES[settings.objective].needs_truth:
            title = f"{cell.method.name} at {scale:g}x"
            found.append((title, 100 * metrics.mean_iou(cell.matrix)))
    return tuple(found[:2])
