"""The app on a tiny network, with samples at a quarter of their size, so that runs take no time.

The environment variable SEGVIZ_TEST_CHECKPOINTS names the folder of the network.
"""

import os
from pathlib import Path

import numpy as np
import streamlit as st

from pages.actions import launch, server
from pages.actions.middleware import MIDDLEWARE
from segviz.data import samples
from segviz.network import checkpoint

load = samples.load


def load_small(name):
    """Load every fourth pixel of a sample and of its truth."""
    return tuple(np.ascontiguousarray(pixels[::4, ::4]) for pixels in load(name))


samples.load = load_small
launch.IDLE_TIMEOUT = 20  # the runs of tabs that tests have closed take the time of others
checkpoint.CHECKPOINTS = Path(os.environ["SEGVIZ_TEST_CHECKPOINTS"])

app = st.App(
    Path(__file__).parents[2] / "pages" / "main.py", lifespan=server.lifespan, middleware=MIDDLEWARE
)
