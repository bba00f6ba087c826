"""Draw the progress of an evaluation, and its errors at the end."""

import math

import streamlit as st

from segviz.jobs.evaluation_job import Evaluation
from segviz.jobs.queue import Job
from segviz.runs.describe import duration

from ..actions.launch import error_message
from ..state.session import session
from ..state.text import plain
from .run_view import stop_button

__all__ = ["evaluation_end", "evaluation_progress"]

INTERVAL = 1.0
"""Seconds between two updates."""


def evaluation_progress() -> None:
    """Draw the progress of this visit's evaluation until it ends."""
    st.fragment(_update, run_every=INTERVAL)()


def evaluation_end(job: Job[Evaluation]) -> None:
    """Draw the errors of an evaluation that has ended, and how to continue after a stop."""
    work = job.work
    done = len(work.measurements[0].images)
    if job.error is not None:
        st.error(error_message(job.error), icon=":material/error:")
    elif job.state == "stopped":
        st.info(
            f"Stopped after {work.progress.images:,} of {len(work.ids):,} images; their results"
            " are saved. Run the same choice again to continue.",
            icon=":material/pause_circle:",
        )
    if not done and work.failed:
        st.error(
            f"None of the images could be used: {plain(next(iter(work.failed.values())))}",
            icon=":material/image_not_supported:",
        )


def _update() -> None:
    job: Job[Evaluation] | None = session().visit.evaluation
    if job is None or job.done:
        st.rerun()
    job.keep_alive()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(*_progress(job))
        stop_button(
            job, "bench_stop", "Save what was measured; the same choice continues from there."
        )
    work = job.work
    if work.progress.miou:
        parts = (f"{plain(name)} **{value:.1f}**" for name, value in work.progress.miou)
        st.markdown("mIoU in % so far: " + " · ".join(parts))
    for note in work.notes:
        st.caption(f"{plain(note[:1].upper() + note[1:])}")
    if work.failed:
        st.caption(f"{len(work.failed)} images could not be measured so far.")
    st.caption(f"Other pages can be used meanwhile. The same as a command: `{work.command}`")


def _progress(job: Job[Evaluation]) -> tuple[float, str]:
    """Return the progress as a fraction, 0..1, and as text."""
    now, total = job.work.progress, len(job.work.ids)
    if job.position:
        ahead = f"{job.position} evaluation{'s' if job.position != 1 else ''}"
        return 0.0, f"Waiting: {ahead} ahead of you"
    parts = [f"{now.images:,} of {total:,} images"]
    if now.reused:
        parts.append(f"{now.reused:,} measured before")
    if math.isfinite(now.images_per_second):
        parts.append(f"{now.images_per_second:.2g} images a second")
        parts.append(f"{duration(now.seconds_left)} left")
    elif not now.images and not now.position:
        parts.append("the first is in progress")
    if now.position:
        parts.append(f"{now.position} {'run' if now.position == 1 else 'runs'} ahead of the next")
    return now.images / total, ", ".join(parts)
