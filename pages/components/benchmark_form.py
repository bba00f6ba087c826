"""The form of the visitor's own evaluation: choose what to measure, and start it."""

from pathlib import Path

import streamlit as st

from segviz.adapt import METHODS, OBJECTIVES, VARIABLES
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

from ..actions import server
from ..state import controls
from ..state.session import session
from ..state.text import plain, sentence
from .benchmark_progress import evaluation_end, evaluation_progress
from .settings_form import checkpoint_control, scales_control, steps_control
from .voc_browser import split_control, voc_folder_field

__all__ = ["evaluation_form", "finished"]

IDLE_TIMEOUT = 1800
"""Seconds after which the evaluation of a closed tab stops."""

IMAGES = 20
"""The number of images that the form starts with."""


def evaluation_form() -> None:
    """Draw the choices and the button that starts an evaluation, or its progress."""
    job = session().evaluation
    if job is not None and not job.done:
        evaluation_progress()
        return
    root = _root()
    if root is None:
        return
    plan: EvaluationPlan | None = None
    try:
        plan = _plan(root)
        check_plan(plan)
    except InputError as error:
        st.error(sentence(error), icon=":material/tune:")
        plan = None
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Run the evaluation",
            key="bench_run",
            type="primary",
            icon=":material/play_circle:",
            disabled=plan is None,
            help="Measure in the background, image by image, in the queue shared by all visitors.",
        ):
            _start(root, plan)
        if plan is not None:
            count = plan.episodes
            st.caption(
                f"{plan.images:,} images, {count} episode{'s' if count != 1 else ''} each. Results"
                f" are saved in {plain(rows_folder(root))}; the same or a larger choice continues"
                " from there."
            )
    if job is not None:
        evaluation_end(job)


def finished() -> tuple[ResultFile, EvaluationResult] | None:
    """Return the result of this visit's evaluation, to show and to save; None if there is none."""
    job = session().evaluation
    if job is None or not job.done:
        return None
    data = job.work.result()
    return None if data is None else (data.as_file(), data)


def _root() -> Path | None:
    """Draw the field for the VOC folder; return the folder VOC2012, or None if it is missing."""
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


def _plan(root: Path) -> EvaluationPlan:
    """Draw the choices; return the plan that they make.

    Raises:
        InputError: If the folder's lists cannot be read.
    """
    several = len(checkpoint.names()) > 1
    top = st.columns([6, 3, 3] if several else [6, 3])
    with top[0]:
        methods = _methods()
    variables = top[1].multiselect(
        "Variables",
        list(VARIABLES),
        controls.get("bench_variables", ["both"]),
        key=controls.key("bench_variables"),
        help="; ".join(f"`{name}`: {meaning}" for name, meaning in VARIABLES.items())
        + ". Every method is measured on each.",
    )
    if several:
        with top[2]:
            checkpoint_control()
    left, right = st.columns(2)
    with left:
        scales = scales_control(
            "bench_scales",
            "Resize factors of the photos before the network; 1 = the scale of training. Cost"
            " grows with the square.",
            [1.0, 3.0],
        )
    with right:
        steps = steps_control(
            "bench_steps",
            "Numbers of updates to measure at; one episode of the largest serves all. The paper's"
            " value: 32.",
            [32],
        )
    left, middle, _ = st.columns([3, 3, 6])
    with left:
        split = split_control(
            "bench_split",
            root,
            "A list in ImageSets/Segmentation. Choose settings on train, report on val.",
        )
    with middle:
        images = _images(split, len(voc.read_split(root, split)))
    return EvaluationPlan(
        split=split,
        images=images,
        methods=tuple(methods),
        variables=tuple(variables),
        scales=tuple(sorted(scales)),
        steps=tuple(sorted(steps)),
    )


def _methods() -> list[str]:
    known = [*METHODS, *(f"{name}:centred" for name in OBJECTIVES)]
    chosen = controls.get("bench_methods", ["entropy"])
    methods = st.multiselect(
        "Methods",
        [*known, *(method for method in chosen if method not in known)],
        chosen,
        key=controls.key("bench_methods"),
        accept_new_options=True,
        help="Methods; with :centred, every change of a weight is compensated in the bias. Type"
        " others, such as entropy:lr=0.0003 (the learning rate, without unit). Feedforward is"
        " always measured.",
    )
    return [method.strip() for method in methods]


def _images(split: str, count: int) -> int:
    name = f"bench_images_{split}"
    images = st.number_input(
        f"Images, of {count:,}",
        1,
        count,
        min(controls.get(name, IMAGES), count),
        key=controls.key(name),
        help="A fixed random subset: the same images for the same number, and part of every larger"
        " subset.",
    )
    return int(images or 1)


def _start(root: Path, plan: EvaluationPlan | None) -> None:
    if plan is None:
        return
    try:
        evaluation = Evaluation(server.trained(controls.get("checkpoint")), root, plan)
    except InputError as error:
        st.error(sentence(error), icon=":material/tune:")
        return
    session().evaluation = Job(evaluation, EVALUATIONS, IDLE_TIMEOUT).start()
    st.rerun()
