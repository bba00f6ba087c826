"""The settings of the next run."""

import streamlit as st

from segviz.adapt import OBJECTIVES, VARIABLES, Settings
from segviz.errors import InputError

from .server import OPENING

__all__ = ["MAX_STEPS", "choose", "typed_rate"]

MAX_STEPS = 128
"""A record keeps 0.25 MB a step: this bounds what a session can hold."""

RATES = ("1e-05", "3e-05", "0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1")


def choose() -> Settings:
    """Draw the controls.

    Returns:
        The settings, checked here whatever the browser sent.

    Raises:
        InputError: If a value is out of its range.
    """
    objective = st.selectbox(
        "Objective",
        list(OBJECTIVES),
        list(OBJECTIVES).index(OPENING.objective),
        format_func=lambda name: OBJECTIVES[name].title,
        key="iterate_objective",
        help="What every update makes smaller (min) or larger (max), in nats. H is the entropy of"
        " a pixel, S the pixels above the mean entropy, picked anew at every step; y is the truth,"
        " m the mean prediction, f its foreground classes, b its share of background. The paper"
        " minimises entropy over S.",
    )
    chosen = OBJECTIVES[objective]
    # One line for each part: the sidebar is narrow.
    parts = chosen.formula.split(r", \quad ")
    st.markdown("  \n".join(f"$\\small {part}$" for part in parts))
    st.caption(chosen.source[:1].upper() + chosen.source[1:])
    variables = st.selectbox(
        "Variables",
        list(VARIABLES),
        list(VARIABLES).index(OPENING.variables),
        key="iterate_variables",
        help="What the updates change: "
        + "; ".join(f"`{name}`: {meaning}" for name, meaning in VARIABLES.items())
        + ". The paper's choice: both.",
    )
    if variables == "all":
        st.warning(
            "Every step runs the whole network forth and back: slow.",
            icon=":material/hourglass_top:",
        )
    left, right = st.columns(2)
    scale = left.number_input(
        "Scale",
        0.5,
        4.0,
        OPENING.scale,
        0.5,
        format="%g",
        key="iterate_scale",
        help="Resize factor of the photo before the network; 1 = the scale of training. The paper"
        " tests 1 to 4; 3 is its main case.",
    )
    steps = right.number_input(
        "Steps T",
        0,
        MAX_STEPS,
        OPENING.steps,
        1,
        key="iterate_steps",
        help="Number of updates. Step 0 is the feedforward prediction, step t the one after t"
        " updates. The paper's value: 32.",
    )
    with st.expander("Optimiser", icon=":material/tune:"):
        rate = st.selectbox(
            "Learning rate",
            RATES,
            RATES.index(f"{OPENING.learning_rate:g}"),
            accept_new_options=True,
            key="iterate_rate",
            help="Adam's step size, without unit. Choose, or type another. The paper's value:"
            " 0.001; what is large depends on the network's features.",
        )
        tolerance = st.number_input(
            "Tolerance",
            0.0,
            0.5,
            OPENING.tolerance,
            0.001,
            format="%g",
            key="iterate_tolerance",
            help="Stop early once a step changes the loss by less than this fraction; 0 = never."
            " The paper runs a fixed number of steps.",
        )
        centred = st.toggle(
            "Centred updates",
            OPENING.centred,
            key="iterate_centred",
            help="Compensate every change of a weight in the bias, so that it acts on features"
            " centred on the image's mean: without it, the commonest class tends to grow"
            " everywhere. Not in the paper.",
        )
    return Settings(
        scale=scale,
        objective=objective,
        variables=variables,
        steps=_steps(steps),
        learning_rate=typed_rate(rate),
        centred=centred,
        tolerance=tolerance,
    )


def _steps(steps: int) -> int:
    if steps > MAX_STEPS:
        raise InputError(
            f"steps is {steps}, but this page keeps at most {MAX_STEPS};"
            " use `python -m segviz run` for more."
        )
    return steps


def typed_rate(text: str | None) -> float:
    """A learning rate as typed; its range is for `Settings` to check.

    Raises:
        InputError: If it is not a number.
    """
    try:
        return float(text or "")
    except ValueError:
        raise InputError(
            f"the learning rate {text!r} is not a number; type one such as 0.002 or 2e-3."
        ) from None
