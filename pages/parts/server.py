"""What all sessions share: the trained networks, and the run on the first screen."""

import atexit
import gc

import streamlit as st

from segviz import device, images, samples
from segviz.adapt.batch import Batch
from segviz.jobs import Job
from segviz.network import checkpoint

from .presets import OPENING

__all__ = ["opening", "trained"]


@st.cache_resource(show_spinner="Loading the network", max_entries=2)
def trained(name: str = checkpoint.DEFAULT) -> checkpoint.Checkpoint:
    """A network that ships, never written to.

    Raises:
        InputError: If it is missing or damaged.
    """
    loaded = checkpoint.load(name, device.choose())
    # Streamlit collects garbage after every rerun, and no thread runs meanwhile: 0.3 s over all
    # that torch has imported. What is there now stays for good, so it need not be looked at.
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)
    return loaded


@st.cache_resource(show_spinner=False)
def opening() -> Job:
    """The first run of this server, started once; everyone watches the same.

    Raises:
        InputError: If the network or the sample is missing.
    """
    photo, truth = samples.load(OPENING.sample)
    photo, truth, _ = images.fit(photo, truth)
    title = samples.SAMPLES[OPENING.sample].title
    return Job(Batch(trained(), photo, [OPENING.settings], truth, title)).start()
