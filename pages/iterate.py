"""Iterate: one photo, one run, every step of it."""

import logging
from uuid import uuid4

import streamlit as st

from pages.parts import server
from pages.parts.choose import choose
from pages.parts.pick import pick, sample
from pages.parts.watch import FRAME, Result, go, step_through, watch
from pages.parts.words import measured, plain, sentence
from segviz.adapt import OBJECTIVES, Run
from segviz.errors import InputError
from segviz.images import thumbnail
from segviz.jobs import Job
from segviz.render import maps

PATIENCE = 120  # seconds: browsers wake the timers of hidden tabs once a minute

# === State

state = st.session_state
state.setdefault("iterate_choice", None)  # Choice: the photo of the next run
state.setdefault("iterate_uploaded", None)  # the uploads last looked at
state.setdefault("iterate_upload_error", None)  # what was said of them
state.setdefault("iterate_job", None)  # Job: this session's run
state.setdefault("iterate_result", None)  # Result: one is kept, which bounds the session
state.setdefault("iterate_message", None)
state.setdefault("iterate_at", 0)
state.setdefault("iterate_playing", False)
state.setdefault("iterate_moved", 0.0)  # when play last went on
state.setdefault("iterate_slider", 0)  # which slider this is


def show(result: Result) -> None:
    """Make a result the one shown, at its last step."""
    state.iterate_result = result
    go(result.record.last)


# === Server

try:
    trained = server.trained()
    opening = server.opening()
    if state.iterate_choice is None:
        state.iterate_choice = sample(server.OPENING_SAMPLE)
except InputError as error:
    st.error(sentence(error), icon=":material/error:")
    st.stop()

# === Runs that ended

job: Job | None = state.iterate_job
if job is not None and job.over:
    state.iterate_job = None
    if job.error is not None:
        if not isinstance(job.error, InputError):
            logging.getLogger("segviz").error("a run failed", exc_info=job.error)
        state.iterate_message = sentence(job.error)
    if job.work.steps:
        show(Result(uuid4().hex, job.work.record()))
    elif job.error is None:
        state.iterate_message = "Stopped before the first step; nothing has changed."
    job = None
if state.iterate_result is None and opening.state == "finished":
    show(Result("opening", server.opening_record()))
if opening.error is not None and state.iterate_result is None:
    state.iterate_message = sentence(opening.error)

# === Sidebar: the next run

choice = state.iterate_choice
with st.sidebar:
    photo_place, run_place = st.container(gap="xsmall"), st.container()
    try:
        settings = choose()
    except InputError as error:
        settings = None
        run_place.error(sentence(error), icon=":material/tune:")
    height, width = choice.photo.shape[:2]
    truth = "with truth" if choice.truth is not None else "no truth"
    small = maps.letterbox(thumbnail(choice.photo, 320), 1.5)
    photo_place.image(maps.png(small), width="stretch")
    photo_place.caption(f"{plain(choice.title)} · {width} x {height} · {truth}")
    if choice.note:
        photo_place.caption(sentence(InputError(choice.note)))
    if run_place.button(
        "Run",
        key="iterate_run",
        type="primary",
        icon=":material/play_circle:",
        width="stretch",
        disabled=job is not None or settings is None,
    ):
        run = Run(trained, choice.photo, settings, choice.truth, choice.title)
        state.iterate_job = Job(run, patience=PATIENCE).start()
        state.iterate_message = None
        st.rerun()
    if settings and choice.truth is None:
        stand_in = "the prediction at scale 1 stands in, and agreement with it is not IoU."
        if settings.needs_truth:
            run_place.warning(
                f"{OBJECTIVES[settings.objective].title} needs truth, which this photo does not"
                f" have: {stand_in}",
                icon=":material/rule:",
            )
        else:
            run_place.caption(f"No truth: for comparison {stand_in}")

# === The photo

st.caption(
    "A segmentation network adapts its last layers to one photo, without being told what is on it."
    " Step 0 is its ordinary prediction."
)
with st.expander("Choose a photo", icon=":material/photo_library:"):
    pick()

# === The result

if state.iterate_message:
    st.error(state.iterate_message, icon=":material/info:")
job, result = state.iterate_job, state.iterate_result
if job is not None:
    st.fragment(watch, run_every=FRAME)(job, result, True)
elif result is not None:
    playing = state.iterate_playing
    st.fragment(step_through, run_every=FRAME if playing else None)(result, playing)
elif not opening.over:
    st.fragment(watch, run_every=FRAME)(opening, None, False)

# === Sidebar: what runs here

with st.sidebar:
    facts = [plain(trained.name), measured(trained.card)]
    if result is not None:
        where = result.record.environment
        threads = where["threads"]
        facts.append(f"{plain(where['device'])}, {threads} thread{'s' if threads > 1 else ''}")
        facts.append(f"forward pass {result.record.forward_ms:.0f} ms")
        later = sorted(result.record.numbers("ms")[1:])
        if later:
            facts.append(f"one step {later[len(later) // 2]:.1f} ms")
    st.caption(" · ".join(fact for fact in facts if fact))
