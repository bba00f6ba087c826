"""The settings of the next run, the same on every page."""

from collections.abc import Collection, Sequence
from typing import Any

import streamlit as st

from segviz.adapt import END_TO_END, METHODS, OPTIMISERS, STOP_RULES, VARIABLES
from segviz.adapt.methods import HEAD
from segviz.data.images import LONG_SIDE
from segviz.glossary import CONTROLS, symbols_of
from segviz.jobs import catalogue
from segviz.jobs.limits import APP_LIMITS

from ..state import controls
from ..state.controls import rate_text

__all__ = [
    "checkpoint_control",
    "long_side_control",
    "method_title",
    "rates_control",
    "scales_control",
    "settings_form",
    "steps_control",
    "variables_control",
]

LONG_SIDES = (LONG_SIDE, 750, 1000, 1500, 2000, 3000)
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)
RATES = tuple(rate_text(rate) for rate in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1))


def settings_form(hidden: Collection[str] = ()) -> None:
    """Draw the controls; `controls.settings` returns what they say.

    Arguments:
        hidden: Names of settings that the page varies by itself.
    """
    if len(catalogue.networks()) > 1:
        checkpoint_control()
    if "method" not in hidden:
        _method()
    if "variables" not in hidden:
        _variables()
    sizes = [name for name in ("scale", "steps") if name not in hidden]
    for column, name in zip(st.columns(max(len(sizes), 1)), sizes, strict=False):
        with column:
            _scale() if name == "scale" else _steps()
    with st.expander("Optimiser", icon=":material/tune:"):
        _optimiser()
        if "learning_rate" not in hidden:
            _rate()
        _tolerance()
        _stop()
        _alpha()
        st.toggle(
            "Centred updates",
            controls.get("centred"),
            key=controls.key("centred"),
            help=CONTROLS["centred"].help,
        )


def checkpoint_control() -> None:
    """Draw the choice of the network."""
    names = catalogue.networks()
    st.selectbox(
        "Checkpoint",
        names,
        _index(names, controls.get("checkpoint")),
        format_func=catalogue.network_label,
        key=controls.key("checkpoint"),
        help=CONTROLS["checkpoint"].help,
    )


def long_side_control() -> None:
    """Draw the choice of the size that larger photos are reduced to."""
    most = APP_LIMITS["long_side"][1]
    chosen = controls.get("long_side")
    sides = sorted({chosen, most, *(side for side in LONG_SIDES if side <= most)})
    names = {LONG_SIDE: f"{LONG_SIDE} px, as in VOC", most: f"native, up to {most} px"}
    st.selectbox(
        "Long side",
        sides,
        sides.index(chosen),
        format_func=lambda side: names.get(side, f"{side} px"),
        key=controls.key("long_side"),
        help=CONTROLS["long_side"].help,
    )


def scales_control(name: str, help: str, default: list[float] | None = None) -> list[float]:
    """Draw a control for several scales; return them."""
    chosen = controls.get(name, default)
    return st.pills(
        "Scales",
        sorted({*SCALES, *chosen}),
        selection_mode="multi",
        default=chosen,
        format_func=lambda scale: f"{scale:g}x",
        key=controls.key(name),
        wrap=True,
        help=help,
    )


def steps_control(name: str, help: str, default: list[int] | None = None) -> list[int]:
    """Draw a control for several numbers of steps; return them."""
    chosen = controls.get(name, default)
    return st.pills(
        "Steps",
        sorted({*STEPS, *chosen}),
        selection_mode="multi",
        default=chosen,
        key=controls.key(name),
        wrap=True,
        help=help,
    )


def rates_control(name: str, help: str) -> None:
    """Draw a control for several learning rates."""
    chosen = controls.get(name)
    st.multiselect(
        "Learning rates",
        _with(RATES, *chosen),
        chosen,
        key=controls.key(name),
        accept_new_options=True,
        help=help,
    )


def variables_control(name: str, help: str) -> None:
    """Draw a control for several choices of variables."""
    offered = controls.offered_variables()
    st.pills(
        "Variables",
        offered,
        selection_mode="multi",
        default=[chosen for chosen in controls.get(name) if chosen in offered],
        key=controls.key(name),
        wrap=True,
        help="; ".join(f"`{chosen}`: {VARIABLES[chosen]}" for chosen in offered)
        + f". {help} {controls.missing_variables()}",
    )


def method_title(name: str) -> str:
    """Return what people call a method."""
    return METHODS[name].title if name in METHODS else name.capitalize()


def _method() -> None:
    names = controls.offered_methods()
    name = st.selectbox(
        "Method",
        names,
        _index(names, controls.get("method")),
        format_func=method_title,
        key=controls.key("method"),
        on_change=_use_defaults,
        help=CONTROLS["method"].help,
    )
    chosen = METHODS.get(name)
    if chosen is not None:
        # One line for each part: the sidebar is narrow.
        parts = chosen.formula.split(r", \quad ")
        st.markdown("  \n".join(f"$\\small {part}$" for part in parts))
        symbols = "; ".join(
            f"{symbol.title}: {symbol.meaning}" for symbol in symbols_of(chosen.formula)
        )
        st.caption(f"{symbols}. {chosen.source[:1].upper()}{chosen.source[1:]}.")


def _use_defaults() -> None:
    """Set what is for another kind of method to the method's own."""
    info = METHODS[controls.get("method")]
    offered = controls.offered_variables(controls.get("method"))
    changed: dict = dict.fromkeys(("alpha", "optimiser", "momentum"))
    if info.variables and (
        controls.get("variables") not in offered or offered[0] in ("gate", "norm")
    ):
        changed |= {"variables": offered[0], "learning_rate": info.learning_rate}
        if offered[0] not in HEAD:
            changed["centred"] = False
        if offered[0] in END_TO_END:
            changed["steps"] = info.steps
    if any(controls.get(name) != value for name, value in changed.items()):
        controls.apply(changed)


def _variables() -> None:
    names = controls.offered_variables(controls.get("method"))
    chosen = st.selectbox(
        "Variables",
        names,
        _index(names, controls.get("variables")),
        key=controls.key("variables"),
        help=CONTROLS["variables"].help
        + "\n\n"
        + "\n".join(f"- `{name}`: {VARIABLES[name]}" for name in names),
    )
    missing = controls.missing_variables()
    if missing:
        st.caption(missing)
    # The container is always there: what is below it must not be drawn anew while it is typed in.
    with st.container():
        if chosen in END_TO_END:
            st.warning(
                "Every step runs the whole network forwards and backwards: slow.",
                icon=":material/hourglass_top:",
            )


def _scale() -> None:
    _number(
        "scale",
        "Scale",
        step=0.5,
        format="%g",
        help=CONTROLS["scale"].help,
    )


def _steps() -> None:
    _number(
        "steps",
        "Steps T",
        step=1,
        help=CONTROLS["steps"].help,
    )


def _rate() -> None:
    chosen = controls.get("learning_rate")
    options = _with(RATES, chosen)
    st.selectbox(
        "Learning rate",
        options,
        _index(options, chosen),
        key=controls.key("learning_rate"),
        accept_new_options=True,
        help=CONTROLS["learning_rate"].help,
    )


def _optimiser() -> None:
    left, right = st.columns(2)
    chosen = left.selectbox(
        "Optimiser",
        list(OPTIMISERS),
        None if controls.get("optimiser") is None else OPTIMISERS.index(controls.get("optimiser")),
        key=controls.key("optimiser"),
        placeholder="The method's",
        help=CONTROLS["optimiser"].help,
    )
    with right:
        _number(
            "momentum",
            "Momentum",
            step=0.1,
            format="%g",
            placeholder="0.9",
            disabled=chosen != "sgd",
            help=CONTROLS["momentum"].help,
        )


def _stop() -> None:
    names = ["", *STOP_RULES]
    st.selectbox(
        "Stop rule",
        names,
        _index(names, controls.get("stop")),
        format_func=lambda name: name.capitalize() or "Never",
        key=controls.key("stop"),
        help=CONTROLS["stop"].help
        + "\n\n"
        + "\n".join(f"- {name}: {meaning}" for name, meaning in STOP_RULES.items()),
    )


def _alpha() -> None:
    _number(
        "alpha",
        "Alpha",
        step=0.1,
        format="%g",
        placeholder="The method's",
        help=CONTROLS["alpha"].help,
    )


def _tolerance() -> None:
    _number(
        "tolerance",
        "Tolerance",
        step=0.001,
        format="%g",
        help=CONTROLS["tolerance"].help,
    )


def _number(name: str, label: str, step: float, **options: Any) -> None:  # noqa: ANN401
    """Draw the field of a number, whole for a whole step; `controls.settings` checks its limits.

    A field that is cleared returns to the value that it was first drawn with.

    Arguments:
        name: The name of the setting.
        label: The label of the field.
        step: What its buttons add.
        options: Further arguments of `st.number_input`.
    """
    # The value is not set by the state of the session: a browser that is slow to take it would send
    # an empty field. Without limits: it keeps a value beyond them to itself, and Run would start
    # another.
    st.number_input(
        label, value=controls.initial(name), step=step, key=controls.key(name), **options
    )


def _index(options: Sequence[str], chosen: str) -> int:
    """Return where the chosen option is; the first where it is none of them."""
    return options.index(chosen) if chosen in options else 0


def _with(options: Sequence[str], *typed: str | None) -> list[str]:
    """Return the options and those typed: a control cannot hold what it does not offer."""
    return list(dict.fromkeys([*options, *(text for text in typed if text is not None)]))
