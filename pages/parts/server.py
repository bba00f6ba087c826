"""What all sessions share: the trained network, and the run on the first screen."""

import atexit
import gc

import streamlit as st

from segviz import device, images, samples
from segviz.adapt import Record, Run, Settings
from segviz.jobs import Job
from segviz.network import checkpoint

# The run that greets everyone, and the settings that the controls start from.
OPENING_SAMPLE = "photographer"
OPENING = Settings(scale=3.0, steps=32, objective="entropy")


@st.cache_resource(show_spinner="Loading the network")
def trained() -> checkpoint.Checkpoint:
    """The network, never written to.

    Raises:
        InputError: If it is missing or damaged.
    """
    loaded = checkpoint.load(checkpoint.DEFAULT, device.choose())
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
    photo, truth = samples.load(OPENING_SAMPLE)
    photo, truth, _ = images.fit(photo, truth)
    title = samples.SAMPLES[OPENING_SAMPLE].title
    return Job(Run(trained(), photo, OPENING, truth, title)).start()


@st.cache_resource(show_spinner=False)
def opening_record() -> Record:
    """What `opening` produced; to be asked for once that is over."""
    return opening().work.record()
