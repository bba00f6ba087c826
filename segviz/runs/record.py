"""What one episode produced: immutable, saved as one .npz and one .json."""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..adapt.settings import Settings
from ..errors import InputError

__all__ = ["LOG_PROBABILITIES", "NUMBERS", "Quantised", "Record"]

NUMBERS = (
    "step",
    "loss",
    "entropy",
    "selected",
    "sigma",
    "iou",
    "accuracy",
    "agreement",
    "changed",
    "distance",
    "ms",
)
"""The numbers kept of every step, as `Step` defines them."""

MAPS = ("labels", "entropy", "sigma", "selected", "log_probabilities")
"""The maps kept of every step."""

LOG_PROBABILITIES = (-12.0, 0.0)
"""The range that log-probabilities are quantised over, in nats.

Probabilities read from interpolated codes are then within 1 % of the network's; a range of 8 nats
would bend them by up to 10 % between pixels of confident networks, one of 24 by 2 %.
"""

FORMAT = 2
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Quantised:
    r"""Maps as 8-bit codes over a stated range.

    .. math:: x \approx low + (high - low) \, code / 255

    Arguments:
        codes: Shape (T + 1, *, h, w), uint8.
        low: The value of code 0.
        high: The value of code 255.
    """

    codes: np.ndarray
    low: float
    high: float

    @classmethod
    def of(cls, maps: np.ndarray, low: float, high: float) -> "Quantised":
        """Quantise maps (T + 1, *, h, w); values outside the range are clipped."""
        single = getattr(maps, "dtype", None) == np.float32  # enough for 8 bits, and faster
        values: np.ndarray = np.asarray(maps, np.float32 if single else np.float64)
        # In place from here on: maps of all classes are large.
        scaled = np.asarray(values - low)
        scaled *= 255 / (high - low)
        np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
        return cls(scaled.astype(np.uint8), float(low), float(high))

    def __getitem__(self, step: int) -> np.ndarray:
        """The map of a step, shape (*, h, w), float32."""
        span = (self.high - self.low) / 255
        return (self.low + span * self.codes[step]).astype(np.float32)

    def __len__(self) -> int:
        return len(self.codes)

    def __repr__(self) -> str:
        """Return range and shape, without the codes."""
        return f"Quantised({self.low:g} to {self.high:g}, shape {self.codes.shape})"


@dataclass(frozen=True, eq=False)
class Record:
    """One episode: settings, numbers, maps, provenance. Equal if all of it is equal.

    Arguments:
        title: What the photo is called.
        settings: The episode's settings.
        photo: Shape (H, W, 3), uint8.
        truth: Labels the run was compared with, shape (H, W), uint8, 255 = ignore; or None.
        reference: "truth", "1x prediction", or None where there was nothing to compare with.
        steps: For every step 0..T a dict with the keys `NUMBERS`.
        labels: Predictions at the photo's resolution, shape (T + 1, H, W), uint8.
        entropy: Entropy maps on the feature grid, nats.
        sigma: Sigma maps on the feature grid, input pixels.
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
    """

    title: str
    settings: Settings
    photo: np.ndarray
    truth: np.ndarray | None
    reference: str | None
    steps: tuple[dict[str, Any], ...]
    labels: np.ndarray
    entropy: Quantised
    sigma: Quantised
    selected: np.ndarray
    log_probabilities: Quantised
    positions: tuple[np.ndarray, np.ndarray]
    stride: int
    classes: tuple[str, ...]
    forward_ms: float
    complete: bool
    environment: dict[str, Any]

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

    def numbers(self, key: str) -> list[Any]:
        """One number of `NUMBERS` over the steps."""
        return [step[key] for step in self.steps]

    @property
    def last(self) -> int:
        """The last step there is."""
        return len(self.steps) - 1

    def save(self, path: Path) -> tuple[Path, Path]:
        """Write `path`.npz and `path`.json (given either or neither suffix); returns both paths.

        Raises:
            InputError: If the folder cannot be written.
        """
        arrays, facts = _pair(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(arrays, **self._arrays())  # type: ignore[arg-type]
            facts.write_text(json.dumps(self._facts(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"the record cannot be written to {path.parent} ({error.strerror});"
                " choose a folder that you may write to."
            ) from error
        return arrays, facts

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read what `save` wrote, given either path.

        Raises:
            InputError: If a file is missing or is not a record of this format.
        """
        arrays_path, facts_path = _pair(path)
        try:
            facts = json.loads(facts_path.read_text(encoding="utf-8"))
            if facts["format"] != FORMAT:
                raise InputError(
                    f"{path.name} has record format {facts['format']}, but this segviz reads"
                    f" {FORMAT}; use the segviz version {facts['environment']['segviz']}."
                )
            with np.load(arrays_path, allow_pickle=False) as arrays:
                return cls._from(facts, dict(arrays))
        except FileNotFoundError as error:
            raise InputError(
                f"there is no file {error.filename}; a record is an .npz and a .json side by side."
            ) from error
        except InputError:
            raise
        except _DAMAGE as error:
            raise InputError(
                f"{path.name} is not a readable segviz record ({type(error).__name__});"
                " save the run again."
            ) from error

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {
            "photo": self.photo,
            "labels": self.labels,
            "entropy": self.entropy.codes,
            "sigma": self.sigma.codes,
            "selected": self.selected,
            "log_probabilities": self.log_probabilities.codes,
            "rows": self.positions[0],
            "columns": self.positions[1],
        }
        return arrays if self.truth is None else {**arrays, "truth": self.truth}

    def _facts(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "title": self.title,
            "settings": asdict(self.settings),
            "reference": self.reference,
            "steps": [dict(step) for step in self.steps],
            "entropy_range": [self.entropy.low, self.entropy.high],
            "sigma_range": [self.sigma.low, self.sigma.high],
            "log_probabilities_range": [self.log_probabilities.low, self.log_probabilities.high],
            "stride": self.stride,
            "classes": list(self.classes),
            "forward_ms": self.forward_ms,
            "complete": self.complete,
            "environment": dict(self.environment),
        }

    @classmethod
    def _from(cls, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> "Record":
        counts = {len(facts["steps"]), *(len(arrays[key]) for key in MAPS)}
        if len(counts) != 1 or arrays["labels"].shape[1:] != arrays["photo"].shape[:2]:
            raise ValueError("not two files of one record")
        return cls(
            title=facts["title"],
            settings=Settings(**facts["settings"]),
            photo=arrays["photo"],
            truth=arrays.get("truth"),
            reference=facts["reference"],
            steps=tuple(facts["steps"]),
            labels=arrays["labels"],
            entropy=Quantised(arrays["entropy"], *facts["entropy_range"]),
            sigma=Quantised(arrays["sigma"], *facts["sigma_range"]),
            selected=arrays["selected"],
            log_probabilities=Quantised(
                arrays["log_probabilities"], *facts["log_probabilities_range"]
            ),
            positions=(arrays["rows"], arrays["columns"]),
            stride=facts["stride"],
            classes=tuple(facts["classes"]),
            forward_ms=facts["forward_ms"],
            complete=facts["complete"],
            environment=facts["environment"],
        )


def _pair(path: Path) -> tuple[Path, Path]:
    """The files of a record, .npz and .json; a dot in a name such as cat-1.5x stays."""
    name = path.stem if path.suffix in (".npz", ".json") else path.name
    return path.with_name(f"{name}.npz"), path.with_name(f"{name}.json")
