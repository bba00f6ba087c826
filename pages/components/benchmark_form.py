"""The form of the visitor's own evaluation: choose what to measure on which images; start it."""

import math
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from segviz.adapt import OBJECTIVES, VARIABLES, Settings
from segviz.data import voc
from segviz.errors import InputError
from segviz.evaluation.results import EvaluationResult, ResultFile
from segviz.jobs import catalogue
from segviz.jobs.evaluation_job import EVALUATIONS, Evaluation, rows_folder
from segviz.jobs.evaluation_plan import (
    EvaluationData,
    EvaluationPlan,
    check_plan,
    folder_data,
    voc_data,
)
from segviz.jobs.limits import check_open_to_strangers
from segviz.jobs.queue import Job
from segviz.jobs.run_time import RUN_TIMES
from segviz.runs.describe import duration

from ..actions import server
from ..state import controls
from ..state.photos import data_set, voc_folder
from ..state.session import session
from ..state.text import plain, sentence
from .benchmark_progress import evaluation_end, evaluation_progress
from .settings_form import checkpoint_control, scales_control, steps_control
from .voc_browser import split_control, voc_folder_field

__all__ = ["evaluation_form", "finished"]

VOC = "PASCAL VOC"

TYPICAL_SIZE = 375, 500
"""The size (H, W) of most images of VOC."""

IMAGES = 20
"""The number of images that the form starts with."""


def evaluation_form() -> None:
    """Draw the choices and the button that starts an evaluation, or its progress."""
    job = session().visit.evaluation
    if job is not None and not job.done:
        evaluation_progress()
        return
    try:
        data = _data()
    except InputError as error:
        st.error(sentence(error), icon=":material/folder_off:")
        return
    if data is None:
        return
    chosen = _plan(data)
    plan: EvaluationPlan | None = chosen
    try:
        check_plan(chosen, session().chosen_network.groups)
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
            _start(data, plan)
        if plan is not None:
            count = plan.episodes
            st.caption(
                f"{plan.images:,} images, {count} episode{'s' if count != 1 else ''} each"
                f"{_time(plan)}. Results"
                f" are saved in {plain(rows_folder(data.folder))}; the same or a larger choice"
                " continues from there."
            )
    if job is not None:
        evaluation_end(job)


def _time(plan: EvaluationPlan) -> str:
    """Return how long an evaluation takes, as far as earlier runs tell."""
    network = session().chosen_network
    methods = check_plan(plan, network.groups)
    runs = [Settings.of(each.method, scale) for scale in plan.scales for each in methods]
    seconds = plan.images * RUN_TIMES.total(runs, TYPICAL_SIZE, network.sha256)
    if math.isnan(seconds):
        return "; how long that takes is known after a run of this network on Iterate"
    return f", about {duration(seconds)} if none was measured before"


def finished() -> tuple[ResultFile, EvaluationResult] | None:
    """Return the result of this visit's evaluation, to show and to save; None if there is none."""
    job = session().visit.evaluation
    if job is None or not job.done:
        return None
    data = job.work.result()
    return None if data is None else (data.as_file(), data)


def _data() -> EvaluationData | None:
    """Draw the choice of the images; return them, or None if a folder is missing.

    Raises:
        InputError: If a folder cannot be read.
    """
    folders = {f"folder {name}": name for name in catalogue.data_sets()}
    place, _ = st.columns([3, 9])
    with place:
        source = _source(folders) if folders else VOC
    if source in folders:
        name = folders[source]
        folder = data_set(name)
        if not folder.images.has_truth:
            raise InputError(
                f"the folder {name} has no masks, without which there is nothing to measure; choose"
                " other images."
            )
        return folder_data(name, folder)
    root = _voc_root()
    if root is None:
        return None
    with place:
        split = split_control(
            "bench_split",
            root,
            "A list in ImageSets/Segmentation. Choose settings on train, report on val.",
        )
    return voc_data(root, split)


def _source(folders: Mapping[str, str]) -> str:
    """Draw the choice between VOC and the folders that the server offers, by their labels."""
    sources = [VOC, *folders] if voc_folder() else [*folders, VOC]
    before = controls.get("bench_source", sources[0])
    return st.selectbox(
        "Images",
        sources,
        sources.index(before) if before in sources else 0,
        format_func=lambda source: folders.get(source, source),
        key=controls.key("bench_source"),
        help="PASCAL VOC, or a folder of photos and masks that this server offers.",
    )


def _voc_root() -> Path | None:
    """Draw the field for the VOC folder; return the folder VOC2012, or None without a folder.

    Raises:
        InputError: If the folder does not hold VOC2012.
    """
    given = voc_folder_field(st.container())
    if not given:
        st.info(
            "An evaluation needs VOC 2012, which does not ship with segviz. Give its folder here,"
            " or set SEGVIZ_VOC_ROOT before the start; `python -m segviz download-voc DIR` fetches"
            " it.",
            icon=":material/folder_open:",
        )
        return None
    return voc.find_root(given)


def _plan(data: EvaluationData) -> EvaluationPlan:
    """Draw the choices; return the plan that they make."""
    several = len(catalogue.networks()) > 1
    top = st.columns([6, 3, 3] if several else [6, 3])
    with top[0]:
        methods = _methods()
    offered = controls.offered_variables()
    chosen = [name for name in controls.get("bench_variables", ["both"]) if name in offered]
    variables = top[1].multiselect(
        "Variables",
        offered,
        chosen or offered[:1],
        key=controls.key("bench_variables"),
        help="; ".join(f"`{name}`: {VARIABLES[name]}" for name in offered)
        + f". Every method is measured on each. {controls.missing_variables()}",
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
    place, _ = st.columns([3, 9])
    with place:
        images = _images(data.name, len(data.images.ids))
    return EvaluationPlan(
        images=images,
        methods=tuple(methods),
        variables=tuple(variables),
        scales=tuple(sorted(scales)),
        steps=tuple(sorted(steps)),
    )


def _methods() -> list[str]:
    known = [*controls.offered_methods(), *(f"{name}:centred" for name in OBJECTIVES)]
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


def _images(source: str, count: int) -> int:
    name = f"bench_images_{source}"
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


def _start(data: EvaluationData, plan: EvaluationPlan | None) -> None:
    if plan is None:
        return
    try:
        check_open_to_strangers("an evaluation")
        evaluation = Evaluation(server.trained(session().chosen_network.name), data, plan)
    except InputError as error:
        st.error(sentence(error), icon=":material/tune:")
        return
    visit = session().visit
    # Any tab of the browser may wait for it, also one that shows another page.
    visit.evaluation = Job(evaluation, EVALUATIONS, is_wanted=visit.is_connected).start()
    st.rerun()
