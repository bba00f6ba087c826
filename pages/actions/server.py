"""What all sessions share: the trained networks, and the run of the first screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import streamlit as st

from segviz.data import sources
from segviz.data.images import LONG_SIDE
from segviz.errors import InputError
from segviz.jobs.networks import Networks
from segviz.jobs.queue import Job
from segviz.jobs.run_job import LazyBatch
from segviz.network import checkpoint
from segviz.pictures import maps

from ..state import controls
from ..state.presets import OPENING
from ..state.session import session
from ..state.text import sentence
from ..state.visits import visits

if TYPE_CHECKING:
    from segviz.network.checkpoint import Checkpoint, NetworkFacts

__all__ = ["choose_network", "lifespan", "networks", "opening", "trained"]


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Load the network and start the first run before the first visit.

    Errors are shown to the visitors.
    """
    networks()
    visits()
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


def choose_network() -> None:
    """Make the network of the controls that of the next run, and fit the controls to it.

    One that cannot be loaded gives way to the default, with a notice.

    Raises:
        InputError: If the default cannot be loaded either.
    """
    now, name = session(), controls.get("checkpoint")
    try:
        now.network = _facts(name)
    except InputError as error:
        if name == checkpoint.DEFAULT:
            raise
        now.notices.append(sentence(error))
        controls.apply({"checkpoint": checkpoint.DEFAULT})
        now.network = networks().facts(checkpoint.DEFAULT)
    controls.fit_network(now.network)


def _facts(name: str) -> NetworkFacts:
    if not checkpoint.is_foreign(name) or networks().ready(name) is not None:
        return networks().facts(name)
    with st.spinner("Loading the network"):
        return networks().facts(name)


@st.cache_resource(show_spinner=False)
def opening() -> Job[LazyBatch]:
    """Return the first run of this server, which all visitors share.

    Raises:
        InputError: If the sample is missing.
    """
    photo = sources.load(f"sample:{OPENING.sample}")
    facts = {"long_side": str(LONG_SIDE)}
    batch = LazyBatch(
        networks().load,
        photo.pixels,
        (OPENING.settings,),
        photo.truth,
        photo.title,
        facts,
        networks().encodings,
    )
    return Job(batch).start()
