"""The settings of the next run, the same on every page."""

from collections.abc import Collection

import streamlit as st

from segviz.adapt import OBJECTIVES, VARIABLES
from segviz.jobs.limits import APP_LIMITS
from segviz.network import checkpoint

from ..state.session import rate_text

__all__ = ["RATES", "choose", "rates_control"]

RATES = tuple(rate_text(rate) for rate in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1))


def choose(hidden: Collection[str] = ()) -> None:
    """Draw the controls; their values are read with `state.settings`.

    Arguments:
        hidden: Names of `url.PARAMETERS` that the page varies by itself.
    """
    names = checkpoint.names()
    if len(names) > 1:
        st.selectbox(
            "Checkpoint",
            names,
            key="checkpoint",
            persist_state="session",
            help="The trained network; the page Model shows its card.",
        )
    if "objective" not in hidden:
        _objective()
    if "variables" not in hidden:
        st.selectbox(
            "Variables",
            list(VARIABLES),
            key="variables",
            persist_state="session",
            help="What the updates change: "
            + "; ".join(f"`{name}`: {meaning}" for name, meaning in VARIABLES.items())
            + ". The paper's choice: both.",
        )
        # A place that is always there: what is below must not move, and lose what is being typed.
        with st.container():
            if st.session_state.variables == "all":
                st.warning(
                    "Every step runs the whole network forth and back: slow.",
                    icon=":material/hourglass_top:",
                )
    sizes = [name for name in ("scale", "steps") if name not in hidden]
    for column, name in zip(st.columns(max(len(sizes), 1)), sizes, strict=False):
        with column:
            _scale() if name == "scale" else _steps()
    with st.expander("Optimiser", icon=":material/tune:"):
        if "rate" not in hidden:
            st.selectbox(
                "Learning rate",
                _with(RATES, st.session_state.rate),
                key="rate",
                accept_new_options=True,
                persist_state="session",
                help="Adam's step size, without unit. Choose, or type another. The paper's value:"
                " 0.001; what is large depends on the network's features.",
            )
        st.number_input(
            "Tolerance",
            *APP_LIMITS["tolerance"],
            step=0.001,
            format="%g",
            key="tolerance",
            persist_state="session",
            help="Stop early once a step changes the loss by less than this fraction; 0 = never."
            " The paper runs a fixed number of steps.",
        )
        st.toggle(
            "Centred updates",
            key="centred",
            persist_state="session",
            help="Compensate every change of a weight in the bias, so that it acts on features"
            " centred on the image's mean: without it, the commonest class tends to grow"
            " everywhere. Not in the paper.",
        )


def rates_control(label: str, key: str, help: str) -> None:
    """A control for several learning rates."""
    options = RATES
    for rate in st.session_state[key]:
        options = _with(options, rate)
    st.multiselect(
        label, options, key=key, accept_new_options=True, persist_state="session", help=help
    )


def _objective() -> None:
    st.selectbox(
        "Objective",
        list(OBJECTIVES),
        format_func=lambda name: OBJECTIVES[name].title if name in OBJECTIVES else name,
        key="objective",
        persist_state="session",
        help="What every update makes smaller (min) or larger (max), in nats. H is the entropy of"
        " a pixel, S the pixels above the mean entropy, picked anew at every step; y is the truth,"
        " m the mean prediction, f its foreground classes, b its share of background. The paper"
        " minimises entropy over S.",
    )
    chosen = OBJECTIVES.get(st.session_state.objective)
    if chosen is not None:
        # One line for each part: the sidebar is narrow.
        parts = chosen.formula.split(r", \quad ")
        st.markdown("  \n".join(f"$\\small {part}$" for part in parts))
        st.caption(chosen.source[:1].upper() + chosen.source[1:])


def _scale() -> None:
    low, high = APP_LIMITS["scale"]
    st.number_input(
        "Scale",
        low,
        high,
        step=0.5,
        format="%g",
        key="scale",
        persist_state="session",
        help="Resize factor of the photo before the network; 1 = the scale of training. The paper"
        " tests 1 to 4; 3 is its main case.",
    )


def _steps() -> None:
    low, high = APP_LIMITS["steps"]
    st.number_input(
        "Steps T",
        int(low),
        int(high),
        step=1,
        key="steps",
        persist_state="session",
        help="Number of updates. Step 0 is the feedforward prediction, step t the one after t"
        " updates. The paper's value: 32.",
    )


def _with(options: tuple[str, ...], one: object) -> tuple[str, ...]:
    """The options, with a typed one among them: a control cannot hold what it does not offer."""
    return options if one is None or one in options else (*options, str(one))
