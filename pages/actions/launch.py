"""From settings to records: start runs, collect their records, report errors."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.queue import Job
from segviz.jobs.run_job import LazyBatch, PlannedRun, RunRequest
from segviz.jobs.run_time import RUN_TIMES
from segviz.runs import verdict
from segviz.runs.record import Record
from segviz.viewer import ViewState

from ..state import controls, query_params
from ..state.photos import choose_photo, load_photo
from ..state.session import Session, ShownRuns, session
from ..state.text import sentence
from ..state.visits import visits
from . import server
from .picture import run_thumbnail

__all__ = [
    "collect_records",
    "error_message",
    "open_run",
    "request_run",
    "show_opening",
    "start_runs",
]

IDLE_TIMEOUT = 120
"""Seconds until the runs of a closed tab stop; browsers wake hidden tabs once a minute."""


def start_runs(
    page: str, runs: Sequence[tuple[str, Settings]], view: ViewState | None = None
) -> None:
    """Start runs on the chosen photo; those in the history are shown again instead.

    Arguments:
        page: The page that shows them.
        runs: A short name and the settings of each, in the order to show them.
        view: The state of the viewer to begin with.
    """
    now = session()
    if now.request is not None:
        now.message = "Runs are in progress already; stop them or wait for their end."
        return
    if view is None:
        now.notices, now.restored = [], None  # they belong to what was there before
    _stop_orphans(now)
    try:
        network, photo, values = now.chosen_network, now.chosen_photo, controls.values()
        side = str(values["long_side"])
        plan = _plan(runs, photo.key, network.sha256, side)
    except InputError as error:
        now.message = sentence(error)
        return
    now.message = None
    shown = ShownRuns(uuid4().hex, tuple((run.name, run.id) for run in plan), values)
    if view is not None:
        now.views[shown.id] = view
    missing = tuple(run.settings for run in plan if run.record is None)
    if not missing:
        _show(page, shown, [(run.name, run.record) for run in plan])
        return
    networks, facts = server.networks(), {"long_side": side}
    batch = LazyBatch(
        partial(networks.load, network.name),
        photo.pixels,
        missing,
        photo.truth,
        photo.title,
        facts,
        networks.encodings,
    )
    size = photo.pixels.shape[0], photo.pixels.shape[1]
    try:
        job = Job(
            batch,
            idle_timeout=IDLE_TIMEOUT,
            is_wanted=now.is_connected,
            expected_items=sum(settings.last_step + 1 for settings in missing),
            expected_seconds=RUN_TIMES.total(missing, size, network.sha256),
            owner=now.visit,
        ).start()
    except InputError as error:
        now.message = sentence(error)
        return
    now.request = RunRequest(page, shown.id, plan, job, photo.key, values)


def collect_records() -> None:
    """Take the records of finished jobs; to be called at the start of every run of the script."""
    now = session()
    for other in visits().gone():
        # Into a history, whose memory is limited.
        _collect(other)
    request = now.request
    if request is None or not request.job.done:
        return
    made = _collect(now)
    error = request.job.error
    if error is not None:
        now.message = error_message(error)
    if made:
        shown = ShownRuns(request.id, tuple((run.name, run.id) for run, _ in made), request.values)
        _show(request.page, shown, [(run.name, record) for run, record in made])
    elif error is None:
        now.message = "Stopped before the first step; nothing has changed."


def _collect(owner: Session) -> list[tuple[PlannedRun, Record]]:
    """Add the runs of a session to the history, if their job is done; return those with steps."""
    request = owner.request
    if request is None or not request.job.done:
        return []
    owner.request = None
    records = zip(request.plan, request.records(), strict=True)
    made = [(run, record) for run, record in records if record]
    for run, record in made:
        if run.record is None:
            RUN_TIMES.observe(record)
            owner.history.add(run.id, request.photo, record, run_thumbnail(record))
    return made


def _stop_orphans(now: Session) -> None:
    """Stop the runs of the visit's tabs that are closed: nobody waits for them."""
    for other in list(now.visit.sessions):
        if other is not now and other.request is not None and not other.is_connected():
            other.request.job.stop()


def error_message(error: Exception) -> str:
    """Return what to show of an error; the traceback of an unexpected one is logged."""
    if not isinstance(error, InputError):
        logging.getLogger("segviz").error("a run failed", exc_info=error)
    return sentence(error)


def request_run(page: str, values: dict[str, Any], view: ViewState) -> None:
    """Let a page start a run when it is drawn next.

    Arguments:
        page: The page's name.
        values: Photo and settings, by the names in `query_params.PARAMETERS`.
        view: The state of the viewer to begin with.
    """
    now = session()
    try:
        if now.photo is None or now.photo.key != values["photo"]:
            choose_photo(partial(load_photo, values["photo"]))
    except InputError:
        now.message = "The photo of this run is no longer available; choose it again."
        return
    controls.apply(values)
    now.autorun = page, view


def show_opening(record: Record) -> None:
    """Show the server's first run on Iterate."""
    now = session()
    photo = query_params.PARAMETERS["photo"].default
    if "opening" not in now.history:
        RUN_TIMES.observe(record)
        now.history.add("opening", photo, record, run_thumbnail(record), keep=False)
    shown = ShownRuns("opening", (("", "opening"),), query_params.defaults())
    _show("iterate", shown, [("", record)])


def open_run(id: str, step: int | None = None) -> bool:
    """Show a run of the history on Iterate, with its settings in the controls.

    Arguments:
        id: The run's id.
        step: The step to show; None = the last.

    Returns:
        Whether the run is still in the history.
    """
    now = session()
    run, record = now.history.get(id), now.history.record(id)
    if run is None or record is None:
        return False
    chosen = query_params.values_of(record.settings)
    with suppress(KeyError, ValueError):  # of records that do not tell it, or say native
        chosen["long_side"] = int(record.environment["long_side"])
    values = {**query_params.defaults(), **chosen, "photo": run.photo}
    shown = ShownRuns(uuid4().hex, (("", id),), values)
    if step is not None:
        now.views[shown.id] = ViewState(step=min(step, record.last))
    controls.apply(chosen)
    _show("iterate", shown, [("", record)])
    return True


def _plan(
    runs: Sequence[tuple[str, Settings]], photo: str, sha256: str, long_side: str
) -> tuple[PlannedRun, ...]:
    plan = []
    for name, settings in runs:
        history = session().history
        found = history.find(photo, settings, sha256, long_side)
        record = history.record(found.id) if found else None
        id = found.id if found and record else uuid4().hex
        plan.append(PlannedRun(name, settings, id, record))
    return tuple(plan)


def _show(page: str, shown: ShownRuns, records: Sequence[tuple[str, Record | None]]) -> None:
    now = session()
    before = now.shown.get(page)
    if before is not None and before.id != shown.id:
        now.views.pop(before.id, None)
    known = [(name, record) for name, record in records if record is not None]
    measure = verdict.score(known[0][1]) or shown.measure
    curves = {name: record.numbers(measure[0]) for name, record in known}
    now.shown[page] = replace(shown, measure=measure, curves=curves)
