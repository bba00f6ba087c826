"""Make several runs on one photo in turn, sharing what does not depend on their settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..adapt.encoding_cache import EncodingCache
from ..adapt.photo_views import PhotoViews, Reference
from ..adapt.settings import Settings
from ..adapt.step import QuantisedStep, Step
from ..errors import InputError
from ..network.checkpoint import Checkpoint
from .record import Record
from .run import Run

__all__ = ["Batch", "BatchStep"]


class BatchStep(NamedTuple):
    """A step and the run that it belongs to.

    Arguments:
        run: The index of the run's settings.
        step: The step.
    """

    run: int
    step: Step | QuantisedStep


class Batch:
    """Runs on one photo: equal to separate runs except for the times, and cheaper.

    Each view of the photo is encoded once in each precision and tiling, the 1x prediction that
    stands in for the truth is made once for all. If iteration is stopped, what has been computed is
    kept.

    Arguments:
        checkpoint: The network to adapt; never written to.
        photo: Shape (H, W, 3), uint8.
        settings: One for each run, in the order to run them.
        truth: Labels of the photo, shape (H, W), integer, 255 = ignore; or None.
        title: The name of the photo.
        facts: As those of `Run`.
        encodings: As those of `Run`.

    Raises:
        InputError: If there are no settings; on iteration, if photo, mask and settings do not fit
            together.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        photo: np.ndarray,
        settings: Sequence[Settings],
        truth: np.ndarray | None = None,
        title: str = "photo",
        facts: Mapping[str, str] | None = None,
        encodings: EncodingCache | None = None,
    ) -> None:
        if not settings:
            raise InputError("there are 0 runs to make; choose at least one setting.")
        self.settings = tuple(settings)
        self.photo = photo
        self.title = title
        self._runs: list[Run | None] = [
            Run(checkpoint, photo, chosen, truth, title, facts, encodings)
            for chosen in self.settings
        ]
        self._records: list[Record | None] = [None] * len(self.settings)
        self.now = 0  # the index of the current run

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.settings)

    def __iter__(self) -> Iterator[BatchStep]:
        """Make the runs that are not finished yet, in order, and yield their steps."""
        shared: dict[tuple[str, int], PhotoViews] = {}
        reference: Reference | None = None
        for index, run in enumerate(self._runs):
            if run is None:
                continue
            self.now = index
            precision = run.settings.precision
            run.reference = run.reference or reference
            run.views = shared.get((precision, run.settings.tile))
            run.choose_tiles()
            run.views = shared.get((precision, run.settings.tile))
            for step in run:
                yield BatchStep(index, step)
            reference = run.reference
            if run.views is not None:
                shared[precision, run.settings.tile] = run.views
                # Features and scale space are large: only what later runs read is kept.
                run.views.keep({s.scale for s in self.settings[index + 1 :]})
            self._records[index] = run.record()
            self._runs[index] = None

    def record(self, index: int) -> Record | None:
        """Return the record of a run so far; None before its step 0."""
        run = self._runs[index]
        finished = self._records[index]
        if finished is not None or run is None:
            return finished
        return run.record() if run.steps else None

    def steps(self, index: int) -> int:
        """Return how many steps of a run there are so far, step 0 included."""
        run = self._runs[index]
        finished = self._records[index]
        if finished is not None:
            return len(finished.steps)
        return len(run.steps) if run is not None else 0

    def records(self) -> list[Record | None]:
        """Return the record of every run so far, None for those without step 0."""
        return [self.record(index) for index in range(len(self))]
