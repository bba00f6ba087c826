"""The app on a tiny network, with samples at an eighth of their size, so that runs take no time.

The environment variable SEGVIZ_TEST_CHECKPOINTS names the folder of the network.
"""

import os
from pathlib import Path

import numpy as np
import streamlit as st

from pages.actions import launch, server
from pages.actions.middleware import MIDDLEWARE
from segviz.data import samples
from segviz.jobs import queue
from segviz.network import checkpoint
from segviz.profiling import workload

load = samples.load


def load_small(name):
    """Load every eighth pixel of a sample and of its truth."""
    return tuple(np.ascontiguousarray(pixels[::8, ::8]) for pixels in load(name))


samples.load = load_small
# What the page Model measures: as small.
workload.benchmark_photo = lambda: load_small("cat")[0]
# The runs of pages that tests have left take the time of others.
launch.IDLE_TIMEOUT, queue.GONE_TIMEOUT = 20, 2
checkpoint.CHECKPOINTS = Path(os.environ["SEGVIZ_TEST_CHECKPOINTS"])

app = st.App(
    Path(__file__).parents[2] / "pages" / "main.py", lifespan=server.lifespan, middleware=MIDDLEWARE
)
