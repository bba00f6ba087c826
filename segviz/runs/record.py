"""The record of an episode: immutable, saved as one .npz and one .json."""

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import msgspec
import numpy as np

from ..adapt.quantised import LOG_PROBABILITIES, Quantised
from ..adapt.settings import Settings
from ..data.classes import comparable
from ..data.voc_palette import Colour, palette_of
from ..errors import InputError, guard
from ..runtime.files import open_regular, partial_path, read_file, write_together
from . import npz, schema
from .schema import NUMBERS, StepNumbers

__all__ = ["LOG_PROBABILITIES", "NUMBERS", "Quantised", "Record"]

FACTS_HASH = "facts_sha256"
"""The array with the hash of the JSON, 32 bytes; the JSON has that of the arrays."""

MAX_FACTS = 8 << 20
"""The largest size of the JSON, in bytes."""

MAX_ARRAYS = 4 << 30
"""The largest size of the .npz, in bytes."""


@dataclass(frozen=True, eq=False)
class Record:
    """One episode: settings, numbers, maps, provenance. Equal if all of it is equal.

    Arguments:
        title: The name of the photo.
        settings: The episode's settings.
        photo: Shape (H, W, 3), uint8.
        truth: Labels the run was compared with, shape (H, W), uint8, 255 = ignore; or None.
        reference: "truth", "1x prediction", or None where there was nothing to compare with.
        steps: For every step 0..T a dict with the keys `NUMBERS`.
        labels: Predictions at the photo's resolution, shape (T + 1, H, W), uint8.
        entropy: Entropy maps on the feature grid, nats.
        sigma: Sigma maps on the feature grid, input pixels; None without a dynamic receptive field.
        selected: S on the feature grid, shape (T + 1, h, w), bool.
        log_probabilities: The log-softmax on the feature grid, codes (T + 1, K, h, w), nats,
            clipped to `LOG_PROBABILITIES`. Interpolated and renormalised they are the class
            probabilities at any pixel, as interpolated logits are.
        positions: Rows (H,) and columns (W,) of the photo on the feature grid, float32.
        stride: The feature stride in input pixels.
        classes: The names of the K classes.
        forward_ms: Milliseconds of the frozen part: backbone to scale space.
        complete: False if the run was stopped before its last step.
        environment: Versions, device, threads, checkpoint name and hash.
        sizes: The scale that each pixel's prediction is read at; None for a single view.
        colours: The colours of the K classes, RGB, 0..255; None = VOC's colour of each id.
    """

    title: str
    settings: Settings
    photo: np.ndarray
    truth: np.ndarray | None
    reference: Literal["truth", "1x prediction"] | None
    steps: tuple[dict[str, Any], ...]
    labels: np.ndarray
    entropy: Quantised
    sigma: Quantised | None
    selected: np.ndarray
    log_probabilities: Quantised
    positions: tuple[np.ndarray, np.ndarray]
    stride: float
    classes: tuple[str, ...]
    forward_ms: float
    complete: bool
    environment: dict[str, Any]
    sizes: Quantised | None = None
    colours: tuple[Colour, ...] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        a, b = self._arrays(), other._arrays()
        return (
            self._facts() == other._facts()
            and a.keys() == b.keys()
            and all(np.array_equal(a[key], b[key]) for key in a)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return title, settings, steps and network, without the arrays."""
        return (
            f"Record({self.title!r}, {self.settings}, steps 0 to {self.last},"
            f" network {self.environment.get('checkpoint', 'unknown')!r})"
        )

    def _repr_html_(self) -> str:
        """Return the viewer as HTML that needs nothing else, for notebooks."""
        # The one import upwards: a notebook asks the record itself.
        from ..export.report import embedded

        return embedded(self)

    def numbers(self, key: str) -> list[Any]:
        """Return one number of `NUMBERS` over the steps."""
        return [step[key] for step in self.steps]

    @property
    def palette(self) -> np.ndarray:
        """The colour of each label, shape (256, 3), uint8 RGB."""
        return palette_of(self.colours)

    @property
    def background(self) -> int | None:
        """The id of the class that pictures leave clear; None = none."""
        return 0 if comparable(self.classes[0]) == "background" else None

    @property
    def last(self) -> int:
        """The number of the last step."""
        return len(self.steps) - 1

    def save(self, path: Path) -> tuple[Path, Path]:
        """Write `path`.npz and `path`.json (given either or neither suffix); return both paths.

        Raises:
            InputError: If the folder cannot be written, or `load` would refuse the record.
        """
        arrays_path, facts_path = _paths(path)
        arrays, facts = self.encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the record cannot be written to {path.parent} ({error.strerror});"
                " choose a folder that you may write to."
            ) from error
        write_together(
            {arrays_path: partial(npz.write_arrays, arrays=arrays), facts_path: facts},
            "choose a folder that you may write to, with room",
        )
        return arrays_path, facts_path

    def encode(self) -> tuple[dict[str, np.ndarray], bytes]:
        """Return the arrays of the .npz and the bytes of the JSON; each has the other's hash.

        Raises:
            InputError: If `load` would refuse the record.
        """
        arrays, facts = self._arrays(), self._facts()
        try:
            schema.check_arrays(arrays, facts)
            facts = msgspec.structs.replace(facts, arrays_sha256=npz.digest(arrays))
            text = schema.encode(facts)
            hash = schema.digest(schema.decode(text))
        except ValueError as error:
            raise InputError(
                f"the record cannot be written ({error}); make the run again within the limits."
            ) from error
        digest = np.frombuffer(bytes.fromhex(hash), np.uint8)
        return {**arrays, FACTS_HASH: digest}, text

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read what `save` wrote, given either path, and validate all of it.

        Raises:
            InputError: If a file is missing or is not a record of this format.
        """
        for part in reversed(_paths(path)):
            if not part.exists():
                raise InputError(
                    f"there is no file {part}; a record is an .npz and a .json side by side."
                )
        arrays_path, facts_path = _paths(path)
        try:
            return cls._load(arrays_path, facts_path, path.name)
        except InputError:
            # A kill between the two files leaves the new .npz, and the new .json complete as well.
            new = partial_path(facts_path)
            if new.is_file():
                with suppress(InputError):
                    return cls._load(arrays_path, new, path.name)
            raise

    @classmethod
    def _load(cls, arrays: Path, facts: Path, name: str) -> "Record":
        text = read_file(facts, "the record's", MAX_FACTS, "save the run again")
        with open_regular(arrays, "the record's", "save the run again") as file:
            size = min(os.fstat(file.fileno()).st_size, MAX_ARRAYS)
            return cls.decode(file, text, npz.max_unpacked(size), name)

    @classmethod
    def decode(cls, arrays: BinaryIO, facts: bytes, limit: int, name: str = "it") -> "Record":
        """Return the record in an open .npz and the bytes of a JSON, and validate all of it.

        Arguments:
            arrays: The .npz.
            facts: The JSON.
            limit: The largest size of all arrays together, in bytes.
            name: What errors call the record.

        Raises:
            InputError: If they are not one record of this format, or are too large.
        """
        with guard(f"{name} is not a readable segviz record", "save the run again"):
            version = msgspec.json.decode(facts, type=_Version)
            if version.format not in (2, schema.FORMAT):
                found = version.environment.get("segviz", "that wrote it")
                raise InputError(
                    f"{name} has record format {version.format}, but this segviz reads"
                    f" {schema.FORMAT}; use the segviz version {found}."
                )
            decoded = schema.decode(facts)
            dtypes = {dtype for dtype, _ in schema.ARRAYS.values()}
            found = npz.read_arrays(arrays, (*schema.ARRAYS, FACTS_HASH), dtypes, limit)
            hash = found.pop(FACTS_HASH, np.empty(0, np.uint8)).tobytes().hex()
            schema.check_arrays(found, decoded)
            if version.format == 2:
                schema.check_numbers(found, decoded)
            elif (decoded.arrays_sha256, hash) != (npz.digest(found), schema.digest(decoded)):
                raise ValueError("its .npz and .json are of two runs, or one was changed")
        return cls._of(decoded, found)

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {
            "photo": self.photo,
            "labels": self.labels,
            "entropy": self.entropy.codes,
            "selected": self.selected,
            "log_probabilities": self.log_probabilities.codes,
            "rows": self.positions[0],
            "columns": self.positions[1],
        }
        if self.sigma is not None:
            arrays["sigma"] = self.sigma.codes
        if self.sizes is not None:
            arrays["sizes"] = self.sizes.codes
        return arrays if self.truth is None else {**arrays, "truth": self.truth}

    def _facts(self) -> schema.RecordFacts:
        return schema.RecordFacts(
            title=self.title,
            settings=self.settings,
            reference=self.reference,
            steps=cast(tuple[StepNumbers, ...], self.steps),
            entropy_range=(self.entropy.low, self.entropy.high),
            sigma_range=None if self.sigma is None else (self.sigma.low, self.sigma.high),
            log_probabilities_range=(self.log_probabilities.low, self.log_probabilities.high),
            sizes_range=None if self.sizes is None else (self.sizes.low, self.sizes.high),
            stride=self.stride,
            classes=self.classes,
            forward_ms=self.forward_ms,
            complete=self.complete,
            environment=self.environment,
            colours=self.colours,
        )

    @classmethod
    def _of(cls, facts: schema.RecordFacts, arrays: dict[str, np.ndarray]) -> "Record":
        return cls(
            title=facts.title,
            settings=facts.settings,
            photo=arrays["photo"],
            truth=arrays.get("truth"),
            reference=facts.reference,
            steps=cast(tuple[dict[str, Any], ...], facts.steps),
            labels=arrays["labels"],
            entropy=Quantised(arrays["entropy"], *facts.entropy_range),
            sigma=facts.sigma_range and Quantised(arrays["sigma"], *facts.sigma_range),
            selected=arrays["selected"],
            log_probabilities=Quantised(
                arrays["log_probabilities"], *facts.log_probabilities_range
            ),
            positions=(arrays["rows"], arrays["columns"]),
            stride=facts.stride,
            classes=facts.classes,
            forward_ms=facts.forward_ms,
            complete=facts.complete,
            environment=facts.environment,
            sizes=facts.sizes_range and Quantised(arrays["sizes"], *facts.sizes_range),
            colours=facts.colours,
        )


class _Version(msgspec.Struct):
    format: int
    environment: dict[str, Any] = {}


def _paths(path: Path) -> tuple[Path, Path]:
    """Return the .npz and .json of a record; a dot in a name such as cat-1.5x stays."""
    name = path.stem if path.suffix in (".npz", ".json") else path.name
    return path.with_name(f"{name}.npz"), path.with_name(f"{name}.json")
