"""What all sessions share: the trained networks, and the run of the first screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import streamlit as st

from segviz.data import sources
from segviz.errors import InputError
from segviz.jobs.networks import Networks
from segviz.jobs.queue import Job
from segviz.jobs.run_job import LazyBatch
from segviz.network import checkpoint
from segviz.pictures import maps

from ..state.presets import OPENING

if TYPE_CHECKING:
    from segviz.network.checkpoint import Checkpoint

__all__ = ["lifespan", "networks", "opening", "trained"]


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Load the network and start the first run before the first visit.

    Errors are shown to the visitors.
    """
    networks()
    with suppress(InputError):
        opening()
    yield


@st.cache_resource(show_spinner=False)
def networks() -> Networks:
    """Return the networks of this server; the first call starts to load the default one."""
    made = Networks()
    made.warm_up(then=lambda: maps.colour_table("entropy"))  # imports matplotlib
    return made


def trained(name: str = checkpoint.DEFAULT) -> Checkpoint:
    """Return a network, shared and never written to; waits until it is loaded.

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
    """Return the first run of this server, which all visitors share.

    Raises:
        InputError: If the sample is missing.
    """
    photo = sources.load(f"sample:{OPENING.sample}")
    batch = LazyBatch(networks().load, photo.pixels, (OPENING.settings,), photo.truth, photo.title)
    return Job(batch).start()
