"""A result step by step, and a run while it works: fragments, so that only they rerun."""

import time
from dataclasses import dataclass

import streamlit as st

from segviz.adapt import Record
from segviz.jobs import Job
from segviz.render import charts, export, maps

from . import panels
from .words import described, duration, plain

__all__ = ["FRAME", "Result", "go", "step_through", "watch"]

FRAME = 0.25
"""Seconds from picture to picture, of a run and of play."""


@dataclass(frozen=True)
class Result:
    """A record and the name its pictures are cached under."""

    key: str
    record: Record


def stopped(record: Record) -> bool:
    """Whether a run was broken off before its last step."""
    return not record.complete and record.last < record.settings.steps


# === A run at work


def watch(job: Job, before: Result | None, stoppable: bool) -> None:
    """Progress, and the newest step as soon as there is one.

    Arguments:
        job: A job whose work is a `Run`.
        before: The earlier result, shown until the first step comes.
        stoppable: Whether this session may stop it.
    """
    job.seen()
    if job.over:
        st.rerun()
    run = job.work
    record = run.record() if run.steps else None
    if record is None and before is not None:
        _heading(before.record.title, before.record)
    else:
        _heading(run.title, record, live=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(*_progress(job))
        if stoppable:
            st.button(
                "Stopping" if job.stopping else "Stop run",
                key="iterate_stop",
                icon=":material/stop_circle:",
                on_click=job.stop,
                disabled=job.stopping,
                help="Keeps the steps that are there; while waiting, leaves the line.",
            )
    if record is not None:
        _body(record, record.last, None)
    elif before is not None:
        _body(before.record, min(st.session_state.iterate_at, before.record.last), before.key)
    else:
        panels.look()


def _progress(job: Job) -> tuple[float, str]:
    """How far a job is, 0 to 1, and in words."""
    run = job.work
    steps = run.settings.steps
    if job.ahead:
        return 0.0, f"Waiting: {job.ahead} {'run' if job.ahead == 1 else 'runs'} ahead of you"
    if not job.items:
        return 0.0, f"{plain(run.title)}: forward pass at scale {run.settings.scale:g}"
    step = job.items - 1
    text = f"Step {step} of {steps}"
    if step:
        left = job.seconds_each * (steps - step)
        text += f", {duration(job.seconds_each)} each, {duration(left)} left"
    return min(job.items / (steps + 1), 1.0), text


# === A result


def step_through(result: Result, playing: bool) -> None:
    """Every step of a result.

    Arguments:
        result: The result.
        playing: Whether a timer reruns this fragment; it ends with a full rerun.
    """
    state, last = st.session_state, result.record.last
    if state.iterate_playing != playing:
        st.rerun()
    # Other controls rerun this too: only the clock may advance it.
    if playing and time.monotonic() - state.iterate_moved > 0.8 * FRAME:
        state.iterate_at, state.iterate_moved = state.iterate_at + 1, time.monotonic()
    step = state.iterate_at = min(max(state.iterate_at, 0), last)
    if step == last and playing:
        go(last)
    _heading(result.record.title, result.record)
    _transport(step, last, playing)
    _body(result.record, step, result.key)
    _downloads(result.record, step)


def go(step: int) -> None:
    """Show a step; ends play."""
    state = st.session_state
    state.iterate_at, state.iterate_playing = step, False
    # A slider moved from here is a new slider. Otherwise a rerun that the browser asked for just
    # before it heard of the move would bring the old position back, as if somebody had slid there.
    state.iterate_slider = state.iterate_slider + 1


def _move(by: int) -> None:
    go(st.session_state.iterate_at + by)


def _slid() -> None:
    state = st.session_state
    state.iterate_at = state[f"iterate_slider_{state.iterate_slider}"]


def _play(last: int) -> None:
    state = st.session_state
    go(state.iterate_at if state.iterate_at < last else 0)
    state.iterate_playing, state.iterate_moved = True, time.monotonic()


def _pause() -> None:
    go(st.session_state.iterate_at)


def _transport(step: int, last: int, playing: bool) -> None:
    # Two buttons in one place: a click that comes twice, as it may when it meets the timer, must
    # not undo itself.
    play = ("play", "Play", "play_arrow", "Space", _play, (last,))
    pause = ("pause", "Pause", "pause", "Space", _pause, ())
    buttons = (
        ("first", "First", "first_page", "Home", go, (0,)),
        ("previous", "Previous", "chevron_left", "Left", _move, (-1,)),
        pause if playing else play,
        ("next", "Next", "chevron_right", "Right", _move, (1,)),
        ("last", "Last", "last_page", "End", go, (last,)),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        for key, label, icon, shortcut, action, arguments in buttons:
            st.button(
                label,
                key=f"iterate_{key}",
                icon=f":material/{icon}:",
                shortcut=shortcut,
                on_click=action,
                args=arguments,
                disabled=last == 0,
            )
        if playing:
            st.progress(step / last, f"step {step} of {last}")
        elif last:
            st.slider(
                "Step",
                0,
                last,
                step,
                key=f"iterate_slider_{st.session_state.iterate_slider}",
                on_change=_slid,
                format=f"step %d of {last}",
                label_visibility="collapsed",
            )


def _downloads(record: Record, step: int) -> None:
    stem = "segviz-" + "".join(c if c.isalnum() else "-" for c in record.title.lower())[:40]
    with st.container(horizontal=True):
        st.download_button(
            "Record",
            lambda: export.record_zip(record, stem),
            f"{stem}.zip",
            "application/zip",
            key="iterate_download_record",
            icon=":material/download:",
            help="All steps: settings, numbers and maps, .npz and .json in one ZIP. Read it back"
            " with `segviz.adapt.Record.load`.",
            on_click="ignore",
        )
        st.download_button(
            "Curves",
            lambda: export.curves_text(record),
            f"{stem}.csv",
            "text/csv",
            key="iterate_download_curves",
            icon=":material/download:",
            help="The numbers of every step as CSV.",
            on_click="ignore",
        )
        st.download_button(
            f"Pictures of step {step}",
            lambda: maps.png(export.step_picture(record, step)),
            f"{stem}-step-{step:03d}.png",
            "image/png",
            key="iterate_download_step",
            icon=":material/download:",
            help="Photo, prediction, entropy, receptive field and truth side by side, PNG.",
            on_click="ignore",
        )


# === What both show


def _heading(title: str, record: Record | None, live: bool = False) -> None:
    text = f"**{plain(title)}** :gray[ · {described(record)}]" if record else f"**{plain(title)}**"
    if record and record.reference != "truth":
        text += " :orange-badge[no truth: compared with the 1x prediction]"
    if record and stopped(record) and not live:
        text += f" :orange-badge[stopped at step {record.last}]"
    elif record and record.complete and record.last < record.settings.steps:
        text += f" :blue-badge[within tolerance at step {record.last}]"
    st.markdown(text)


def _body(record: Record, step: int, key: str | None) -> None:
    panels.numbers(record, step)
    # The controls are below the pictures, but the pictures need their values.
    above, below = st.container(), st.container()
    with below:
        panels.legend(record, key)
        look = panels.look()
    with above:
        panels.pictures(record, step, look, key)
    st.markdown(charts.verdict(record))
    st.plotly_chart(
        charts.curves(record, step), key="iterate_curves", config={"displaylogo": False}
    )
