"""The cost of a network on this machine, measured in the queue."""

from collections.abc import Iterator
from typing import Any

import streamlit as st

from segviz.errors import InputError
from segviz.jobs.queue import Job
from segviz.network.checkpoint import Checkpoint
from segviz.profiling import timing
from segviz.profiling.timing import measure_times
from segviz.profiling.workload import benchmark_photo
from segviz.runs.provenance import environment

from ..actions.launch import error_message
from ..state import controls
from ..state.session import connection, session
from ..state.text import plain, sentence

__all__ = ["Measurement", "model_cost"]

IDLE_TIMEOUT = 120
"""Seconds after which the measurement of a closed tab stops."""

INTERVAL = 0.5
"""Seconds between two updates of the progress."""

REPEATS = 3


class Measurement:
    """A measurement of times, as the work of a job.

    Arguments:
        trained: The network.
        scale: The resize factor of the photo.
    """

    def __init__(self, trained: Checkpoint, scale: float) -> None:
        self.trained, self.scale = trained, scale
        self.photo = benchmark_photo()
        self.outcome: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Measure; the only item is the outcome."""
        self.outcome = measure_times(
            self.trained.network, self.photo, self.scale, repeats=REPEATS, with_baselines=False
        )
        yield self.outcome


def model_cost(trained: Checkpoint) -> None:
    """Draw the button that measures, and the outcome.

    Arguments:
        trained: The network.
    """
    job = session().measurement
    busy = job is not None and not job.done
    st.markdown("**Cost here**")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Measure",
            key="model_measure",
            icon=":material/timer:",
            on_click=_measure,
            args=(trained,),
            disabled=busy,
            help="Times forward passes and steps at the scale of the controls, in the queue with"
            " everybody's runs.",
        )
        where = environment(trained)
        threads = where["threads"]
        st.caption(
            f"{plain(where['device'])}, {threads} thread{'s' if threads > 1 else ''},"
            f" torch {plain(where['torch'])}"
        )
    st.fragment(_outcome, run_every=INTERVAL if busy else None)(busy)


def _measure(trained: Checkpoint) -> None:
    work = Measurement(trained, controls.settings().scale)
    try:
        job = Job(
            work, idle_timeout=IDLE_TIMEOUT, is_wanted=connection(), owner=session().visit
        ).start()
    except InputError as error:
        session().message = sentence(error)
        return
    session().measurement = job


def _outcome(was_busy: bool) -> None:
    """Draw the outcome, or the progress; draw the whole page once the measurement has ended."""
    job = session().measurement
    if job is None:
        st.caption("Not measured yet.")
        return
    job.keep_alive()
    if not job.done:
        waiting = f"{job.position} ahead of you" if job.position else "measuring"
        st.progress(0.0, f"Forward pass and steps: {waiting}")
        return
    if was_busy:
        st.rerun()
    if job.error is not None:
        st.error(error_message(job.error), icon=":material/error:")
    if job.work.outcome is None:
        st.caption("Not measured yet.")
    else:
        _times(job.work, job.work.outcome)


def _times(work: Measurement, outcome: dict[str, Any]) -> None:
    times, steps = outcome["times"], timing.STEPS
    metrics = (
        ("forward", "Forward pass, ms", 0, "What no step changes, once for each photo."),
        ("step", "One step, ms", 1, "Update and prediction, without the maps."),
        ("episode", f"{steps} steps, ms", 0, "The whole run: forward pass, steps and maps."),
    )
    for place, (name, title, digits, help) in zip(st.columns(3), metrics, strict=True):
        ms = times[name]
        place.metric(title, f"{ms['median']:.{digits}f}", help=f"{help} Median of {REPEATS}.")
        place.caption(f"{ms['least']:.{digits}f} to {ms['most']:.{digits}f} ms")
    height, width = work.photo.shape[:2]
    ratios = outcome["ratios"]
    st.caption(
        f"A step costs 1 / {1 / ratios['step / forward']:.0f} of the forward pass, where the paper"
        f" reports about 1 / 10; the whole run {ratios['episode / feedforward']:.2f} times"
        f" feedforward. Measured on the cat, {width} x {height}, at {work.scale:g}x."
    )
    known = [part for part in ("backbone", "aggregation", "scale space") if part in times]
    if not known:  # a network of another library
        return
    forward = [(part, times[part]["median"]) for part in known]
    stepwise = [
        (f"{steps} x {part.removeprefix('step: ')}", steps * ms["median"])
        for part, ms in times.items()
        if part.startswith("step: ") or part == "maps"
    ]
    st.bar_chart(
        [{"part": part, "ms": ms} for part, ms in forward + stepwise],
        x="part",
        y="ms",
        horizontal=True,
        sort="-ms",
        height=380,  # with less, every other name is left out
    )
