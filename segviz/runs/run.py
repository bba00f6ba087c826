"""Run one episode on one photo: yield steps as they come, and keep their record."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..adapt.encoding_cache import EncodingCache
from ..adapt.episode import prediction_at_1x, run_episode
from ..adapt.gate import Gate
from ..adapt.memory import MemoryBudget, MemoryNeed
from ..adapt.photo_views import PhotoViews, Reference
from ..adapt.settings import Settings
from ..adapt.step import QuantisedStep, Step
from ..errors import InputError
from ..network.checkpoint import Checkpoint
from ..network.tiled import tiled
from .describe import one_line
from .provenance import environment
from .record import NUMBERS, Record
from .recorder import MapRecorder
from .schema import MAX_SIDE, MAX_TEXT

__all__ = ["Run"]


class Run:
    """One episode on one photo, from resizing to record.

    Arguments:
        checkpoint: The network to adapt; never written to.
        photo: Shape (H, W, 3), uint8.
        settings: The episode's settings. Where whole inputs do not fit into the free memory, tiles
            are chosen.
        truth: Labels of the photo, shape (H, W), integer, 255 = ignore; where there are none, the
            1x prediction stands in.
        title: The name of the photo; line breaks and control characters are replaced by spaces.
        facts: What the record's environment says beside versions, device and checkpoint, such as
            the long side that the photo was reduced to.
        encodings: Views of photos that other runs have encoded, and where this run keeps its own;
            emptied if the run needs the memory. None = nowhere. Not used on a GPU.

    Attributes:
        reference: What predictions are compared with; without truth, None until iteration starts.
        steps: The numbers of each step so far, as `Record` has them.
        finished: Whether the episode has come to its end.
        settings: Those of the episode, with the tiles that were chosen on iteration.
        views: The views of the photo, encoded once; set it to share one between runs of one
            precision and tile.

    Raises:
        InputError: On iteration, if photo, mask and settings do not fit together, or the run does
            not fit into the free memory.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        photo: np.ndarray,
        settings: Settings,
        truth: np.ndarray | None = None,
        title: str = "photo",
        facts: Mapping[str, str] | None = None,
        encodings: EncodingCache | None = None,
    ) -> None:
        self.checkpoint = checkpoint
        self.photo = photo
        self.settings = settings
        self.title = one_line(title, MAX_TEXT)
        self.facts = dict(facts or {})
        self.reference = None if truth is None else Reference(truth)
        self.steps: list[dict[str, Any]] = []
        self.finished = False
        self.views: PhotoViews | None = None
        shares = checkpoint.network.device.type == "cpu" and checkpoint.sha256
        self._encodings = encodings if shares else None
        self._recorder: MapRecorder | None = None

    def __iter__(self) -> Iterator[Step | QuantisedStep]:
        """Run the episode from step 0; if iteration is stopped, the steps so far are kept."""
        if max(self.photo.shape[:2]) > MAX_SIDE:
            raise InputError(
                f"the photo is {self.photo.shape[1]} x {self.photo.shape[0]} pixels, but records"
                f" hold photos with sides of at most {MAX_SIDE}; reduce it, such as by --long-side"
                f" {MAX_SIDE}."
            )
        self.choose_tiles()
        s, budget = self.settings, self._budget()
        self.steps, self.finished, self._recorder = [], False, None
        budget.check(s)
        with budget.guard(s):
            if self.views is None:
                gate = Gate.of_card(self.checkpoint.card.get("gate"))
                network = tiled(self.checkpoint.network, s.tile)
                self.views = PhotoViews(
                    network,
                    self.photo,
                    self.reference,
                    s.precision,
                    gate,
                    encodings=self._encodings,
                    source=None if self._encodings is None else self._source(),
                )
            if self.reference is None:
                self.reference = self.views.reference = prediction_at_1x(self.views)
            for step in run_episode(self.views, s):
                self._keep(step)
                yield step
        self.finished = True

    def choose_tiles(self) -> None:
        """Put tiles into the settings if whole inputs do not fit into the free memory."""
        if self._encodings is not None and self.memory().lacks:
            self._encodings.clear()
        self.settings = self._budget().in_tiles(self.settings)

    def memory(self) -> MemoryNeed:
        """Return the memory that the run takes on the network's device, and what is free there."""
        return self._budget().needs(self.settings)[0]

    def all(self) -> Record:
        """Run to the end and return the record."""
        for _ in self:
            pass
        return self.record()

    def record(self) -> Record:
        """Return the record of the steps so far, at least step 0."""
        recorder, steps = self._recorder, tuple(self.steps)
        assert recorder is not None and steps, "a record needs at least step 0"
        assert self.views is not None
        encoder = self.views.encoder
        reference = self.reference
        return Record(
            title=self.title,
            settings=self.settings,
            photo=self.photo,
            truth=None if reference is None else reference.labels.astype(np.uint8),
            reference=None if reference is None else reference.kind,
            steps=steps,
            **recorder.maps(len(steps)),
            positions=recorder.positions,
            stride=self.checkpoint.network.stride,
            classes=self.checkpoint.class_list.names,
            colours=self.checkpoint.class_list.colours,
            forward_ms=recorder.forward_ms,
            complete=self.finished,
            environment={
                **environment(self.checkpoint, encoder.name, encoder.note),
                **self.facts,
            },
        )

    def _source(self) -> tuple[str, int, tuple[int, ...], str]:
        digest = hashlib.sha256(self.photo.tobytes()).hexdigest()
        return self.checkpoint.sha256, self.settings.tile, self.photo.shape, digest

    def _budget(self) -> MemoryBudget:
        height, width = self.photo.shape[:2]
        truth = self.reference is not None
        encoded = self.views is not None and self.views.has_read(self.settings)
        return MemoryBudget(self.checkpoint.network, height, width, truth, encoded)

    def _keep(self, step: Step | QuantisedStep) -> None:
        if self._recorder is None:
            assert self.views is not None
            network, s = self.checkpoint.network, self.settings
            forward_ms = self.views.forward_ms(s)
            self._recorder = MapRecorder(s, step, network, forward_ms)
        self._recorder.add(step)
        self.steps.append({key: _plain(getattr(step, key)) for key in NUMBERS})


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a number, or numbers, that JSON can hold: None for NaN and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
