"""The pictures and numbers of one step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import streamlit as st

from segviz.adapt import Record
from segviz.classes import IGNORE, PALETTE
from segviz.render import maps

__all__ = ["Look", "legend", "look", "numbers", "pictures"]

PER_ROW = 3
TALLEST = 300
"""Pixels: how tall an upright photo is drawn; others fill their column."""
SHARP = 700
"""Small pictures are enlarged, pixel by pixel, up to this width in pixels."""

TITLES = {
    "photo": "**Photo** and prediction",
    "prediction": "**Prediction**",
    "truth": "**Truth**",
    "entropy": "**Entropy**",
    "sigma": "**Receptive field**, sigma",
    "verdict": "**Right or wrong**",
}
COMPARED = {"truth": "**Prediction at 1x**, stand-in", "verdict": "**Same as at 1x**"}
BARS = {"entropy": (".2f", "nats"), "sigma": (".0f", "input px")}


@dataclass(frozen=True)
class Look:
    """How pictures are drawn.

    Arguments:
        opacity: Of the prediction laid over the photo, 0 to 1.
        outlined: Whether S is outlined in the entropy map.
        per_step: Whether colours span the range of the step instead of that of all steps.
    """

    opacity: float
    outlined: bool
    per_step: bool


def look() -> Look:
    """Draw the controls of the look."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        opacity = st.slider(
            "Opacity of the prediction",
            0.0,
            1.0,
            0.5,
            0.1,
            key="iterate_opacity",
            width=210,
            help="How strongly the prediction covers the photo; background stays clear.",
        )
        outlined = st.toggle(
            "Outline S",
            key="iterate_outlined",
            help="S: the pixels with entropy above the mean, which the paper's objective sums"
            " over. Picked anew at every step.",
        )
        per_step = st.toggle(
            "Range of this step",
            key="iterate_per_step",
            help="Off: colours span the same range at every step, so that steps can be compared."
            " On: the range of the step shown.",
        )
    return Look(opacity, outlined, per_step)


# === Numbers


def numbers(record: Record, step: int) -> None:
    """The headline numbers of a step, each with its change from step 0."""
    if record.reference == "truth":
        judged = [
            ("IoU", "iou", "normal", "Mean over the classes in truth or prediction."),
            ("Pixel accuracy", "accuracy", "normal", "Fraction of the pixels that are right."),
        ]
    else:
        judged = [
            (
                "Agreement vs. 1x",
                "agreement",
                "off",
                "Fraction of the pixels that equal the prediction at scale 1, which stands in for"
                " the truth. Not IoU, and no measure of being right.",
            ),
            (
                "Share of S",
                "selected",
                "off",
                "Fraction of the pixels with entropy above its mean.",
            ),
        ]
    top = math.log(len(record.classes))
    shown = [
        ("Entropy, nats", "entropy", "off", f"Mean over all pixels, 0 to {top:.2f}."),
        *judged,
        ("Sigma, px", "sigma", "off", "Mean of the dynamic Gaussian's sigma, in input pixels."),
        ("Pixels changed", "changed", "off", "Fraction whose class is not the one of step 0."),
    ]
    for column, (label, key, colour, help) in zip(st.columns(len(shown)), shown, strict=True):
        digits = {"sigma": ".1f", "changed": ".1%", "selected": ".1%"}.get(key, ".3f")
        first, now = record.steps[0][key], record.steps[step][key]
        if first is None or now is None:
            column.metric(label, "none", "none", delta_color="off", delta_arrow="off", help=help)
            continue
        change = format(now - first, "+" + digits)
        same = change.strip("+-0.%") == ""
        column.metric(
            label,
            format(now, digits),
            "as at step 0" if same else change,
            delta_color="off" if same else colour,  # type: ignore[arg-type]
            delta_arrow="off" if same else "auto",
            help=f"{help} Below it the change from step 0.",
        )


# === Pictures


def pictures(record: Record, step: int, look: Look, key: str | None = None) -> None:
    """The panels of a step: the same size, in the same order, with true pixels.

    Arguments:
        record: The record, complete or not.
        step: Which step.
        look: How to draw it.
        key: Names the record in the cache of pictures; None = do not keep them.
    """
    height, width = record.photo.shape[:2]
    # Addresses that hold their picture arrive together with the numbers, are never shrunk or
    # re-encoded, and cannot be missing when a timer replaces them faster than they are fetched.
    shown: int | Literal["stretch"] = (
        "stretch" if width >= height else round(TALLEST * width / height)
    )
    names = [name for name in TITLES if record.truth is not None or name not in COMPARED]
    for row in range(0, len(names), PER_ROW):
        columns = st.columns(PER_ROW)
        for column, name in zip(columns, names[row : row + PER_ROW], strict=False):
            with column.container(gap="xsmall"):
                st.markdown(_title(name, record))
                st.image(_address(record, step, name, look, key), width=shown)
                if name in BARS:
                    _bar(name, _limits(record, name, step, look), shown)
                elif name == "verdict":
                    _swatches(_verdicts(record))


def legend(record: Record, key: str | None = None) -> None:
    """The classes of the run in VOC's colours; the key is that of `pictures`."""
    present = maps.classes_in(record) if key is None else _present(record, key)
    classes = [(PALETTE[id].tolist(), record.classes[id]) for id in present]
    if record.truth is not None and (record.truth == IGNORE).any():
        classes.append((PALETTE[IGNORE].tolist(), "ignored in truth"))
    _swatches(classes)


@st.cache_data(show_spinner=False, max_entries=64)
def _present(_record: Record, key: str) -> list[int]:
    return maps.classes_in(_record)


def _title(name: str, record: Record) -> str:
    if record.reference == "1x prediction" and name in COMPARED:
        return COMPARED[name]
    return TITLES[name]


def _verdicts(record: Record) -> list[tuple[Sequence[int], str]]:
    right, wrong, ignored = maps.VERDICTS.values()
    if record.reference == "truth":
        return [(right, "right"), (wrong, "wrong"), (ignored, "ignored")]
    return [(right, "same"), (wrong, "different")]


def _limits(record: Record, name: str, step: int, look: Look) -> tuple[float, float]:
    values = record.entropy if name == "entropy" else record.sigma
    return maps.limits_of(values, step if look.per_step else None)


def _address(record: Record, step: int, name: str, look: Look, key: str | None) -> str:
    """The picture of a panel as a data address."""
    if key is None:
        return _drawn(record, step, name, look)
    # What does not matter to a panel must not make another entry.
    look = Look(
        look.opacity if name == "photo" else 0.0,
        look.outlined and name == "entropy",
        look.per_step and name in BARS,
    )
    return _kept(record, key, -1 if name == "truth" else step, name, look)


@st.cache_data(show_spinner=False, max_entries=1024)
def _kept(_record: Record, key: str, step: int, name: str, look: Look) -> str:
    return _drawn(_record, step, name, look)


def _drawn(record: Record, step: int, name: str, look: Look) -> str:
    labels, truth = record.labels[step], record.truth
    if name == "photo":
        picture = maps.overlay(record.photo, labels, look.opacity)
    elif name == "prediction":
        picture = maps.label_picture(labels)
    elif name == "truth" and truth is not None:
        picture = maps.label_picture(truth)
    elif name == "entropy":
        picture = maps.entropy_picture(record, step, _limits(record, name, step, look))
        if look.outlined:
            picture = maps.outline(picture, maps.selected_mask(record, step))
    elif name == "sigma":
        picture = maps.receptive_field_picture(record, step, _limits(record, name, step, look))
    elif truth is not None:
        picture = maps.verdict_picture(truth, labels)
    return maps.data_url(maps.png(maps.enlarged(picture, SHARP)))


# === Keys to the colours


def _bar(name: str, limits: tuple[float, float], width: int | Literal["stretch"]) -> None:
    low, high = limits
    colours = ", ".join(maps.colour_stops(name))
    widest = "" if width == "stretch" else f"max-width:{width}px;"
    st.html(
        f'<div style="display:flex;align-items:center;gap:.5rem;font-size:.8rem;{widest}">'
        f"<span>{low:.2g}</span>"
        f'<span style="flex:1;height:.6rem;border-radius:.2rem;'
        f'background:linear-gradient(to right, {colours})"></span>'
        f"<span>{high:{BARS[name][0]}} {BARS[name][1]}</span></div>"
    )


def _swatches(entries: Sequence[tuple[Sequence[int], str]]) -> None:
    items = "".join(
        '<span style="display:inline-flex;align-items:center;gap:.35rem">'
        f'<span style="width:.8rem;height:.8rem;border-radius:.15rem;'
        f'border:1px solid rgba(128,128,128,.5);background:rgb({r},{g},{b})"></span>'
        f"{escape(name)}</span>"
        for (r, g, b), name in entries
    )
    st.html(
        f'<div style="display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.8rem">{items}</div>'
    )
