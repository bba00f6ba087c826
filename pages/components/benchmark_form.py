"""An evaluation of one's own: choose, run, watch, stop, go on."""

import math
from pathlib import Path

import streamlit as st

from segviz.adapt import OBJECTIVES, VARIABLES
from segviz.data import voc
from segviz.errors import InputError
from segviz.evaluation.results import EvaluationResult, ResultFile
from segviz.jobs.evaluation_job import (
    EVALUATIONS,
    Evaluation,
    EvaluationPlan,
    check_plan,
    rows_folder,
)
from segviz.jobs.queue import Job
from segviz.network import checkpoint
from segviz.runs.describe import duration

from ..actions import server
from ..actions.launch import said
from ..state import controls
from ..state.session import session
from ..state.text import plain, sentence
from .run_view import stop_button
from .settings_form import checkpoint_control
from .voc_browser import split_control, voc_folder_field

__all__ = ["choose_and_run", "finished"]

PATIENCE = 1800  # seconds without a look, after which an evaluation stops by itself
FRAME = 1.0
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)


def choose_and_run() -> None:
    """Draw the choices and the button, or the progress of what is at work."""
    job = session().evaluation
    if job is not None and not job.done:
        st.fragment(_watch, run_every=FRAME)()
        return
    root = _folder()
    if root is None:
        return
    try:
        asked = _choices(root)
        check_plan(asked)
    except InputError as error:
        st.error(sentence(error), icon=":material/tune:")
        asked = None
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Run the evaluation",
            key="bench_run",
            type="primary",
            icon=":material/play_circle:",
            disabled=asked is None,
            help="In the background, image by image, in the queue with everybody's runs.",
        ):
            _start(root, asked)
        if asked is not None:
            count = asked.episodes
            st.caption(
                f"{asked.images:,} images, {count} episode{'s' if count != 1 else ''} each. What"
                f" is measured is kept in {plain(rows_folder(root))}, so that the same or a larger"
                " choice goes on from there."
            )
    if job is not None:
        _ended(job)


def finished() -> tuple[ResultFile, EvaluationResult] | None:
    """The result of this visit's evaluation, and the same as JSON; None while there is none."""
    job = session().evaluation
    if job is None or not job.done:
        return None
    data = job.work.result()
    return None if data is None else (data.as_file(), data)


def _folder() -> Path | None:
    """The VOC folder, as given here or where photos are chosen."""
    given = voc_folder_field(st.container())
    if not given:
        st.info(
            "An evaluation needs VOC 2012, which does not ship with segviz. Give its folder here,"
            " or set SEGVIZ_VOC_ROOT before the start; `python -m segviz download-voc DIR` fetches"
            " it.",
            icon=":material/folder_open:",
        )
        return None
    try:
        return voc.find_root(given)
    except InputError as error:
        st.error(sentence(error), icon=":material/folder_off:")
        return None


def _choices(root: Path) -> EvaluationPlan:
    """Draw the controls.

    Raises:
        InputError: If the folder's lists cannot be read.
    """
    known = [*OBJECTIVES, *(f"{name}:centred" for name in OBJECTIVES)]
    methods_before = controls.get("bench_methods", ["entropy"])
    names = checkpoint.names()
    top = st.columns([6, 3] if len(names) < 2 else [6, 3, 3])
    chosen = top[0].multiselect(
        "Methods",
        [*known, *(one for one in methods_before if one not in known)],
        methods_before,
        key=controls.key("bench_methods"),
        accept_new_options=True,
        help="What is adapted by: an objective, with :centred where every change of a weight is"
        " compensated in the bias. Others may be typed, such as entropy:lr=0.0003, the learning"
        " rate without unit. Feedforward is always measured too.",
    )
    variables = top[1].multiselect(
        "Variables",
        list(VARIABLES),
        controls.get("bench_variables", ["both"]),
        key=controls.key("bench_variables"),
        help="; ".join(f"`{name}`: {meaning}" for name, meaning in VARIABLES.items())
        + ". Every method is measured on each.",
    )
    if len(names) > 1:
        with top[2]:
            checkpoint_control()
    scales_place, steps_place = st.columns(2)
    scales = scales_place.pills(
        "Scales",
        SCALES,
        selection_mode="multi",
        format_func=lambda scale: f"{scale:g}x",
        default=controls.get("bench_scales", [1.0, 3.0]),
        key=controls.key("bench_scales"),
        wrap=True,
        help="Resize factors of the photos before the network; 1 = the scale of training. Cost"
        " grows with the square.",
    )
    steps = steps_place.pills(
        "Steps",
        STEPS,
        selection_mode="multi",
        default=controls.get("bench_steps", [32]),
        key=controls.key("bench_steps"),
        wrap=True,
        help="Numbers of updates to measure at; one episode of the largest serves all. The paper's"
        " value: 32.",
    )
    split_place, images_place, _ = st.columns([3, 3, 6])
    splits = sorted(voc.splits(root), key=lambda name: name != "val")
    split_before = controls.get("bench_split")
    split = split_place.selectbox(
        "Split",
        splits,
        splits.index(split_before) if split_before in splits else 0,
        key=controls.key("bench_split"),
        help="A list in ImageSets/Segmentation. Choose settings on train, report on val.",
    )
    count = len(voc.read_split(root, split or "val"))
    images = images_place.number_input(
        f"Images, of {count:,}",
        1,
        count,
        min(controls.get(f"bench_images_{split}", 20), count),
        key=controls.key(f"bench_images_{split}"),
        help="A fixed random subset: the same images whenever it is of this size, and part of"
        " every larger one.",
    )
    return EvaluationPlan(
        split=split or "val",
        images=int(images or 1),
        methods=tuple(one.strip() for one in chosen),
        variables=tuple(variables),
        scales=tuple(sorted(scales)),
        steps=tuple(sorted(steps)),
    )


def _start(root: Path, asked: EvaluationPlan | None) -> None:
    if asked is None:
        return
    try:
        evaluation = Evaluation(server.trained(controls.get("checkpoint")), root, asked)
    except InputError as error:
        st.error(sentence(error), icon=":material/tune:")
        return
    session().evaluation = Job(evaluation, EVALUATIONS, PATIENCE).start()
    st.rerun()


def _watch() -> None:
    """Progress, looked at again and again."""
    job = session().evaluation
    if job is None or job.done:
        st.rerun()
    job.keep_alive()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(*_progress(job))
        stop_button(
            job, "bench_stop", "Keeps what is measured; the same choice goes on from there."
        )
    work: Evaluation = job.work
    if work.progress.miou:
        parts = (f"{plain(name)} **{value:.1f}**" for name, value in work.progress.miou)
        st.markdown("mIoU in % so far: " + " · ".join(parts))
    if work.failed:
        st.caption(f"{len(work.failed)} could not be measured so far.")
    st.caption(
        f"Other pages can be used meanwhile. It measures what this does: `{work.plan.command}`"
    )


def _progress(job: Job[Evaluation]) -> tuple[float, str]:
    """How far an evaluation is, 0 to 1, and in words."""
    now, total = job.work.progress, len(job.work.ids)
    if job.position:
        ahead = f"{job.position} evaluation{'s' if job.position != 1 else ''}"
        return 0.0, f"Waiting: {ahead} ahead of you"
    words = [f"{now.images:,} of {total:,} images"]
    if now.reused:
        words.append(f"{now.reused:,} kept from before")
    if math.isfinite(now.images_per_second):
        words.append(f"{now.images_per_second:.2g} images a second")
        words.append(f"{duration(now.seconds_left)} left")
    elif not now.images and not now.position:
        words.append("the first is at work")
    if now.position:
        words.append(f"{now.position} {'run' if now.position == 1 else 'runs'} ahead of the next")
    return now.images / total, ", ".join(words)


def _ended(job: Job) -> None:
    """What to know of an evaluation that ended."""
    work: Evaluation = job.work
    done = len(work.measurements[0].images)
    if job.error is not None:
        st.error(said(job.error), icon=":material/error:")
    elif job.state == "stopped":
        st.info(
            f"Stopped after {work.progress.images:,} of {len(work.ids):,} images; they are kept."
            " Run the same choice again to go on.",
            icon=":material/pause_circle:",
        )
    if not done and work.failed:
        st.error(
            f"None of the images could be used: {plain(next(iter(work.failed.values())))}",
            icon=":material/image_not_supported:",
        )
