"""A record in words: its settings, its numbers at a step, a name for its files."""

import re
import unicodedata

from .record import Record

__all__ = [
    "caption",
    "checkpoint",
    "duration",
    "measures",
    "plain",
    "provenance",
    "settings",
    "stem",
]


def plain(text: str, length: int = 120) -> str:
    """Text on one line, without control characters, cut to a length."""
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


def settings(record: Record) -> str:
    """The settings of a run, such as "scale 3, entropy on both, 32 steps, learning rate 0.001"."""
    s = record.settings
    words = [f"scale {s.scale:g}"]
    if s.steps == 0:
        return f"{words[0]}, feedforward"
    words += [f"{s.objective} on {s.variables}", f"{s.steps} steps"]
    words.append(f"learning rate {s.learning_rate:g}")
    if s.centred:
        words.append("centred")
    if s.tolerance:
        words.append(f"tolerance {s.tolerance:g}")
    if s.precision != "float32":
        words.append(s.precision)
    if not record.complete:
        words.append(f"stopped after {record.last}")
    return ", ".join(words)


def measures(record: Record, step: int) -> dict[str, str]:
    """What a step measured: loss, entropy and the IoU or agreement that there is, with units."""
    numbers = record.steps[step]
    texts = {
        "loss": ("loss {:.4g}", numbers["loss"]),
        "entropy": ("entropy {:.3f} nats", numbers["entropy"]),
        "iou": ("IoU {:.3f}", numbers["iou"]),
        "agreement": ("agreement vs. 1x {:.3f}", numbers["agreement"]),
    }
    return {key: text.format(value) for key, (text, value) in texts.items() if value is not None}


def caption(record: Record, step: int) -> str:
    """The step and its measures on one line."""
    return " · ".join([f"step {step} of {record.last}", *measures(record, step).values()])


def checkpoint(record: Record) -> str:
    """The checkpoint's name; of a path its end, for where it lies is nobody's business."""
    return re.split(r"[/\\]", str(record.environment.get("checkpoint", "unknown")))[-1]


def provenance(record: Record) -> str:
    """Network and versions on one line."""
    e = record.environment
    sha = str(e.get("sha256", ""))[:12]
    parts = [
        f"checkpoint {checkpoint(record)}" + (f" ({sha})" if sha else ""),
        f"segviz {e.get('segviz', 'unknown')}",
        f"torch {e.get('torch', 'unknown')}",
        str(e.get("device", "")),
    ]
    return plain(" · ".join(part for part in parts if part), 200)


def stem(record: Record) -> str:
    """A file name without suffix, segviz-TITLE-SETTINGS, of letters, digits, dots and dashes."""
    s = record.settings
    title = record.title.rsplit(".", 1)[0] if re.search(r"\.\w{1,5}$", record.title) else ""
    parts = ["segviz", _safe(title or record.title)[:40].strip("-") or "photo", f"{s.scale:g}x"]
    if s.steps == 0:
        parts.append("feedforward")
    else:
        parts += [s.objective, s.variables, f"{record.last}-steps"]
        if s.learning_rate != 1e-3:
            parts.append(f"lr{s.learning_rate:g}")
        if s.centred:
            parts.append("centred")
    return "-".join(parts)


def _safe(text: str) -> str:
    ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii.lower()).strip("-")
