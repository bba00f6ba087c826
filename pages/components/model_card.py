"""The card of a network: what it is, where it comes from, what was measured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import streamlit as st

from segviz.glossary import CONTROLS, DATA_SET, NUMBERS
from segviz.jobs.catalogue import network_label

from ..state.text import plain

if TYPE_CHECKING:
    from segviz.network.checkpoint import Checkpoint

__all__ = ["fact_table", "measured_miou", "measured_table", "model_card"]


def fact_table(title: str, facts: dict[str, object], help: str | None = None) -> None:
    """Draw names and values, one pair in each row; values that are None are left out.

    Arguments:
        title: Markdown above the table.
        facts: Values by name.
        help: What the names mean.
    """
    st.markdown(f"**{title}**", help=help)
    st.table(
        [{"": name, " ": plain(value)} for name, value in facts.items() if value is not None],
        hide_index=True,
        hide_header=True,
        border="horizontal",
    )


def model_card(trained: Checkpoint) -> None:
    """Draw architecture and origin of a network."""
    card, classes = trained.card, trained.class_list.names
    fact_table(
        f"Network {plain(network_label(trained.name))}",
        {
            **_architecture(trained),
            "Classes": f"{len(classes)}: {', '.join(classes)}",
            "Parameters": f"{card['parameters']:,}",
            "SHA-256": f"{trained.sha256[:32]} {trained.sha256[32:]}",  # cells do not wrap words
            "Licence": card.get("licence"),
        },
        help="Features: the maps that the dynamic filters read, at the stride in input pixels."
        " Levels: the Gaussians between which sigma is interpolated. SHA-256: identifies the file"
        " of weights.",
    )
    data = ", ".join(f"{name} {value}" for name, value in (card.get("data") or {}).items())
    fact_table(
        "Where it comes from",
        {
            "Origin": card.get("origin"),
            "Training data": data or None,
            "Command": card.get("command"),
            "Commit": card.get("commit"),
        },
        help="How the network was made: the command, and the commit of segviz that ran it.",
    )


def _architecture(trained: Checkpoint) -> dict[str, object]:
    """Return what a card says of the architecture, which differs by the kind of network."""
    network, stride = trained.card["architecture"], trained.network.stride
    if trained.network.max_sigma is None:
        return {
            "Module": network["module"],
            "Prediction": f"one for each {stride:g} x {stride:g} input px",
            "Receptive field": "of fixed size, so that there is no sigma",
        }
    return {
        "Backbone": f"{network['backbone']}, output stride {network.get('output_stride')}",
        "Features": f"{network['channels']} channels at stride {stride:g}",
        "Receptive field": f"dynamic Gaussian, {network['levels']} levels, sigma up to"
        f" {trained.network.max_sigma * stride:g} input px",
    }


def measured_table(card: dict[str, Any]) -> None:
    """Draw what was measured for a card with `segviz evaluate`, if anything."""
    measured = card.get("measured") or {}
    if not measured.get("results"):
        return
    st.markdown(
        f"**Measured** :gray[feedforward, VOC {plain(measured.get('split', ''))},"
        f" {measured.get('images', 0):,} images]"
    )
    st.dataframe(
        [
            {
                "Scale": row["scale"],
                "mIoU, %": 100 * row["miou"],
                "Accuracy, %": 100 * row["accuracy"],
                "Entropy, nats": row.get("entropy"),
                "Sigma, input px": row.get("sigma"),
            }
            for row in measured["results"]
            if row.get("method") == "feedforward"
        ],
        hide_index=True,
        column_config={
            "Scale": st.column_config.NumberColumn(format="%gx", help=CONTROLS["scale"].help),
            "mIoU, %": st.column_config.NumberColumn(format="%.1f", help=DATA_SET["miou"].help),
            "Accuracy, %": st.column_config.NumberColumn(
                format="%.1f", help=NUMBERS["accuracy"].help
            ),
            "Entropy, nats": st.column_config.NumberColumn(
                format="%.3f", help=NUMBERS["entropy"].help
            ),
            "Sigma, input px": st.column_config.NumberColumn(
                format="%.1f", help=NUMBERS["sigma"].help
            ),
        },
    )


def measured_miou(card: dict[str, Any]) -> str | None:
    """Return the measured feedforward mIoU of a card in words; None without a measurement.

    The entry `measured` may be the JSON of `segviz evaluate`, its list of results, or a mapping
    from scale to mIoU, as a fraction or in percent.
    """
    entry = card.get("measured")
    if isinstance(entry, dict) and "results" in entry:
        entry = entry["results"]
    values: list[tuple[float, float]] = []
    if isinstance(entry, dict):
        for scale, value in entry.items():
            number = re.search(r"\d+(\.\d+)?", str(scale))
            if number and isinstance(value, int | float):
                values.append((float(number[0]), float(value)))
    elif isinstance(entry, list):
        for row in entry:
            if isinstance(row, dict) and row.get("method") == "feedforward" and "miou" in row:
                values.append((float(row["scale"]), float(row["miou"])))
    if not values:
        return None
    percent = [(scale, 100 * value if value <= 1 else value) for scale, value in sorted(values)]
    return "mIoU " + ", ".join(f"{value:.1f} at {scale:g}x" for scale, value in percent)
