"""From a plan to a result: start runs, collect what ended, say what went wrong."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.queue import Job
from segviz.jobs.run_job import LazyBatch, PlannedRun, RunRequest
from segviz.network import checkpoint
from segviz.runs import verdict
from segviz.runs.record import Record
from segviz.viewer import ViewState

from ..components.photo_picker import of_address
from ..state import controls, query_params
from ..state.session import Result, session
from ..state.text import sentence
from . import server

__all__ = ["ask", "begin", "collect", "open_run", "said", "show_opening"]

PATIENCE = 120  # seconds: browsers wake the timers of hidden tabs once a minute


def begin(page: str, runs: Sequence[tuple[str, Settings]], view: ViewState | None = None) -> None:
    """Make runs on the chosen photo and show them on a page; those made before are not made again.

    Arguments:
        page: The page's name.
        runs: A short name and the settings of each, in the order to show them.
        view: Step, pins and panels to begin with.
    """
    now = session()
    if now.work is not None:
        now.message = "A run is at work already; stop it or wait for its end."
        return
    if view is None:
        now.notices = []  # not those of the address that asks for these runs
    try:
        name = controls.get("checkpoint")
        sha256 = checkpoint.read_card(name)["sha256"]
        choice, of_view = now.choice, controls.values()
        plan = []
        for title, one in runs:
            made = now.history.find(choice.key, one, sha256)
            id = made.id if made else uuid4().hex
            plan.append(PlannedRun(title, one, id, made.record if made else None))
        result = Result(uuid4().hex, tuple((one.name, one.id) for one in plan), of_view)
        if view is not None:
            now.views[result.id] = view
        missing = [one.settings for one in plan if one.record is None]
        now.message = None
        if not missing:
            _show(page, result, [(one.name, one.record) for one in plan])
            return
    except InputError as error:
        now.message = sentence(error)
        return
    load = partial(server.networks().load, name)
    work = LazyBatch(load, choice.photo, tuple(missing), choice.truth, choice.title)
    job = Job(work, idle_timeout=PATIENCE).start()
    now.work = RunRequest(page, result.id, tuple(plan), job, choice.key, of_view)


def collect() -> None:
    """Take what a job produced that ended; at the start of every run of the script."""
    now = session()
    work = now.work
    if work is None or not work.job.done:
        return
    now.work = None
    error = work.job.error
    if error is not None:
        now.message = said(error)
    came = [(one, record) for one, record in zip(work.plan, work.records(), strict=True) if record]
    for one, record in came:
        if one.record is None:
            now.history.add(one.id, work.photo, record)
    if came:
        result = Result(work.id, tuple((one.name, one.id) for one, _ in came), work.values)
        _show(work.page, result, [(one.name, record) for one, record in came])
    elif error is None:
        now.message = "Stopped before the first step; nothing has changed."


def said(error: Exception) -> str:
    """What to show of an error; what is not for users goes to the log."""
    if not isinstance(error, InputError):
        logging.getLogger("segviz").error("a run failed", exc_info=error)
    return sentence(error)


def ask(page: str, wanted: dict[str, Any], view: ViewState) -> None:
    """Let a page make a run when it is drawn next.

    Arguments:
        page: The page's name.
        wanted: Photo and controls, as in an address.
        view: Step, pins and panels.
    """
    now = session()
    try:
        if now.choice is None or now.choice.key != wanted["photo"]:
            now.choice = of_address(wanted["photo"])
    except InputError:
        now.message = "The photo of this run is no longer here; choose it again."
        return
    controls.apply(wanted)
    now.asked = page, view


def show_opening(record: Record) -> None:
    """Put the run of the first screen on Iterate."""
    now = session()
    now.history.add("opening", query_params.PARAMETERS["photo"].default, record)
    _show("iterate", Result("opening", (("", "opening"),), query_params.defaults()), [("", record)])


def open_run(id: str, step: int | None = None) -> bool:
    """Show a run of the history on Iterate, with its settings in the controls.

    Returns:
        Whether it is still there.
    """
    now = session()
    entry = now.history.get(id)
    if entry is None:
        return False
    record = entry.record
    s = record.settings
    chosen = {name: getattr(s, name) for name in query_params.SETTINGS if name != "rate"}
    of_view = {**query_params.defaults(), **chosen, "rate": s.learning_rate, "photo": entry.photo}
    result = Result(uuid4().hex, (("", id),), of_view)
    if step is not None:
        now.views[result.id] = ViewState(step=min(step, record.last))
    controls.apply({**chosen, "rate": s.learning_rate})
    _show("iterate", result, [("", record)])
    return True


def _show(page: str, result: Result, records: Sequence[tuple[str, Record | None]]) -> None:
    now = session()
    before = now.results.get(page)
    if before is not None and before.id != result.id:
        now.views.pop(before.id, None)
    there = [(name, record) for name, record in records if record is not None]
    judged = verdict.score(there[0][1]) or result.judged
    curves = {name: record.numbers(judged[0]) for name, record in there}
    now.results[page] = replace(result, judged=judged, curves=curves)
