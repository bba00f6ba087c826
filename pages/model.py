"""Model: what the network is, what it costs here, and where the limits are."""

import streamlit as st

from pages.actions import server
from pages.actions.page_start import start_page
from pages.components.model_card import fact_table, measured_table, model_card
from pages.components.model_cost import model_cost
from pages.components.notices import show_notices
from pages.state import controls
from segviz.adapt import VARIABLES
from segviz.adapt.parameters import count_parameters
from segviz.adapt.settings import LIMITS
from segviz.data import decode
from segviz.glossary import CONTROLS
from segviz.jobs.history import MAX_BYTES, MAX_RUNS
from segviz.jobs.limits import APP_LIMITS, KEEP_BYTES, KEEP_DAYS
from segviz.network.checkpoint import Checkpoint
from segviz.runtime.free_memory import available_bytes, format_bytes

PAGE = "model"


def adapted(trained: Checkpoint) -> None:
    """Draw how many parameters each choice of variables adapts."""
    counts = count_parameters(trained.network)
    st.markdown(
        "**What is adapted**",
        help="The weights that the updates of each choice of variables change.",
    )
    st.dataframe(
        [
            {
                "Variables": name,
                "Parameters": count,
                "Of all": 100 * count / counts["all"],
                "What": VARIABLES[name],  # last, as it is cut where the page is narrow
            }
            for name, count in counts.items()
        ],
        hide_index=True,
        column_config={
            "Variables": st.column_config.TextColumn(help=CONTROLS["variables"].help),
            "Parameters": st.column_config.NumberColumn(
                format="localized", help="How many weights the updates change."
            ),
            "Of all": st.column_config.NumberColumn(
                format="%.3g %%", help="Their share of all weights of the network."
            ),
        },
    )


def limits(trained: Checkpoint) -> None:
    """Draw the limits of photos, settings, memory and the queue."""
    free = available_bytes(trained.network.device)
    fact_table(
        "Limits",
        {
            "Memory": ("" if free is None else f"{format_bytes(free, up=False)} free; ")
            + "the need of a run is estimated before it starts",
            "Scale": "{:g} to {:g}".format(*APP_LIMITS["scale"]),
            "Steps": f"up to {APP_LIMITS['steps'][1]:g} here,"
            f" {LIMITS['steps'][1]} on the command line",
            "Upload": f"{decode.MAX_BYTES / 1e6:g} MB and {decode.MAX_PIXELS / 1e6:g} million"
            " pixels; reduced to the resolution of VOC, long side 500",
            "Runs kept": f"{MAX_RUNS} a visit, of these {MAX_BYTES / 1e6:g} MB in memory;"
            f" {KEEP_DAYS:g} days on disk, {KEEP_BYTES / 1e6:,.0f} MB of all visits",
            "Runs at once": "one, shared by all visitors",
        },
        help="What this server takes. Scales and steps are larger on the command line.",
    )


start_page(PAGE)
show_notices(PAGE)
trained = server.trained(controls.get("checkpoint"))
left, right = st.columns(2, gap="large")
with left:
    model_card(trained)
with right:
    model_cost(trained)
    adapted(trained)
    measured_table(trained.card)
    limits(trained)
if trained.card.get("training"):
    with st.expander("Training", icon=":material/school:"):
        fact_table(
            "Settings of the training",
            trained.card["training"],
            help="The recipe as `segviz train` takes it; docs/training.md explains each field.",
        )
