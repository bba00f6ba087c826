"""What all sessions share: the trained networks, and the run on the first screen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from segviz.data import images, samples
from segviz.errors import InputError
from segviz.jobs.networks import Networks
from segviz.jobs.queue import Job
from segviz.jobs.run_job import LazyBatch
from segviz.network import checkpoint
from segviz.pictures import maps

from ..state.presets import OPENING

if TYPE_CHECKING:
    from segviz.network.checkpoint import Checkpoint

__all__ = ["begin", "networks", "opening", "trained"]


def begin() -> None:
    """Do what no visitor need wait for; what goes wrong is told to those who come."""
    networks()
    with suppress(InputError):
        opening()


@st.cache_resource(show_spinner=False)
def networks() -> Networks:
    """The networks of this server; the default one begins to load when this is first called."""
    made = Networks()
    made.warm_up(then=lambda: maps.colour_table("entropy"))  # imports matplotlib
    return made


def trained(name: str = checkpoint.DEFAULT) -> Checkpoint:
    """A network that ships, never written to; waits for it.

    Raises:
        InputError: If it is missing or damaged.
    """
    found = networks().ready(name)
    if found is None:
        with st.spinner("Loading the network"):
            found = networks().load(name)
    return found


@st.cache_resource(show_spinner=False)
def opening() -> Job[LazyBatch]:
    """The first run of this server, started once; everyone watches the same.

    Raises:
        InputError: If the sample is missing.
    """
    photo, truth = samples.load(OPENING.sample)
    photo, truth, _ = images.fit(photo, truth)
    title = samples.SAMPLES[OPENING.sample].title
    return Job(LazyBatch(networks().load, photo, (OPENING.settings,), truth, title)).start()
