"""Describe runs in words: names, settings, numbers at a step, origin, and file names."""

import hashlib
import re
import unicodedata

from ..adapt.settings import Settings
from .record import Record

__all__ = [
    "caption",
    "checkpoint_name",
    "duration",
    "file_stem",
    "measures",
    "one_line",
    "origin",
    "run",
    "settings",
    "short_name",
    "stopped",
]

VARIABLES = {"both": "score and scale", "norm": "norms", "all": "all parameters"}
"""The choices of variables that are not their own name."""


def one_line(text: str, length: int = 120) -> str:
    """Return text without line breaks and control characters, cut to a length."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(printable.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def duration(seconds: float) -> str:
    """Return seconds as a short text, such as "0.04 s", "12 s" or "3 min"."""
    if seconds < 0.995:
        return f"{seconds:.2g} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def short_name(settings: Settings) -> str:
    """Return what a run optimises and adapts, such as "entropy, both"."""
    return f"{settings.method}, {settings.variables}" if settings.steps else settings.spelling


def settings(*runs: Settings) -> str:
    """Return the settings that all runs share; runs without steps count if there are no others.

    One run is described in full, such as "entropy on score and scale, scale 3, 32 steps, learning
    rate 0.001".
    """
    adapted = [s for s in runs if s.steps]
    described = [_adaptation(s) for s in adapted] or [_feedforward(s) for s in runs]
    shared = [values[0] for values in zip(*described, strict=True) if len(set(values)) == 1]
    return ", ".join(filter(None, shared)).replace(", on ", " on ")


def run(record: Record) -> str:
    """Return the settings of a run, and where it was stopped."""
    text = settings(record.settings)
    return f"{text}, stopped after step {record.last}" if stopped(record) else text


def stopped(record: Record) -> bool:
    """Return whether a run was stopped before its last step."""
    return not record.complete and record.last < record.settings.steps


def measures(record: Record, step: int) -> dict[str, str]:
    """Return the loss, entropy and IoU or agreement at a step, as far as known, with units."""
    numbers = record.steps[step]
    texts = {
        "loss": ("loss {:z.4g}", numbers["loss"]),
        "entropy": ("entropy {:z.3f} nats", numbers["entropy"]),
        "iou": ("IoU {:.3f}", numbers["iou"]),
        "agreement": ("agreement vs. 1x {:.3f}", numbers["agreement"]),
    }
    return {key: text.format(value) for key, (text, value) in texts.items() if value is not None}


def caption(record: Record, step: int) -> str:
    """Return the step and its measures on one line."""
    return " · ".join([f"step {step} of {record.last}", *measures(record, step).values()])


def checkpoint_name(record: Record) -> str:
    """Return the checkpoint's name; of a path only its end, since folders are private."""
    return re.split(r"[/\\]", str(record.environment.get("checkpoint", "unknown")))[-1]


def origin(record: Record) -> str:
    """Return network, versions and device on one line."""
    e = record.environment
    sha = str(e.get("sha256", ""))[:12]
    parts = [
        f"checkpoint {checkpoint_name(record)}" + (f" ({sha})" if sha else ""),
        f"segviz {e.get('segviz', 'unknown')}",
        f"torch {e.get('torch', 'unknown')}",
        str(e.get("device", "")),
    ]
    return one_line(" · ".join(part for part in parts if part), 200)


def file_stem(record: Record) -> str:
    """Return a file name without suffix, segviz-TITLE-SETTINGS-DIGEST.

    It has letters, digits, dots and dashes only. The digest differs for runs whose titles and
    settings read the same, such as those of two photos with one file name.
    """
    s = record.settings
    title = record.title.rsplit(".", 1)[0] if re.search(r"\.\w{1,5}$", record.title) else ""
    parts = ["segviz", _slug(title or record.title)[:40].strip("-") or "photo", f"{s.scale:g}x"]
    if s.steps == 0:
        parts.append(_slug(s.spelling))
    else:
        parts += [_slug(s.method), s.variables, f"{record.last}-steps"]
        if s.learning_rate != s.info.learning_rate:
            parts.append(f"lr{s.learning_rate:g}")
        parts += [s.optimiser] if s.optimiser != s.info.optimiser else []
        parts += [f"alpha{s.alpha:g}"] if s.alpha and s.alpha != s.info.alpha else []
        parts += ["centred"] if s.centred else []
    return "-".join([*parts, _digest(record)])


def _digest(record: Record) -> str:
    """Return six digits that identify settings, title, checkpoint, photo and truth."""
    facts = record.settings, record.title, record.environment.get("sha256")
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=3)
    for array in (record.photo, record.truth):
        digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _feedforward(s: Settings) -> list[str]:
    return [s.spelling, f"scale {s.scale:g}", _precision(s), _tile(s)]


def _adaptation(s: Settings) -> list[str]:
    return [
        s.method,
        f"on {VARIABLES.get(s.variables, s.variables)}",
        f"scale {s.scale:g}",
        f"{s.steps} step{'s' if s.steps > 1 else ''}",
        f"learning rate {s.learning_rate:g}",
        s.optimiser if s.optimiser != "adam" else "",
        f"momentum {s.momentum:g}" if s.momentum else "",
        f"alpha {s.alpha:g}" if s.alpha else "",
        "centred" if s.centred else "",
        f"tolerance {s.tolerance:g}" if s.tolerance else "",
        f"stop rule {s.stop}" if s.stop else "",
        _precision(s),
        _tile(s),
    ]


def _precision(s: Settings) -> str:
    return "" if s.precision == "float32" else s.precision


def _tile(s: Settings) -> str:
    return f"tiles of {s.tile} px" if s.tile else ""


def _slug(text: str) -> str:
    ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii.lower()).strip("-")
