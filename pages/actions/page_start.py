"""How a page starts: open the address, then run what it or the first visit asks for."""

from collections.abc import Callable

from segviz.adapt import END_TO_END, Settings
from segviz.errors import InputError
from segviz.jobs.run_time import CHEAP, RUN_TIMES
from segviz.viewer import ViewState

from ..state import controls
from ..state.address_bar import open_address
from ..state.photos import update_photo
from ..state.session import session
from ..state.text import sentence
from . import server
from .launch import start_runs

__all__ = ["RUN_ON_CHANGE", "Planner", "run_planned", "start_page"]

RUN_ON_CHANGE = "run_on_change"
"""The name of the control that lets cheap runs start by themselves."""

Planner = Callable[[], list[tuple[str, Settings]]]
"""Returns names and settings of a page's runs; raises InputError if they are not valid."""


def start_page(page: str, planner: Planner | None = None, autostart: bool = True) -> None:
    """Open the address, choose network and photo, and start the runs that the address describes.

    Arguments:
        page: The page's name.
        planner: Plans the page's runs; None for a page without runs.
        autostart: Whether the first visit starts them, too.
    """
    now = session()
    open_address(page)
    server.choose_network()
    if not update_photo():
        # Another photo than the one that the address asks for is not computed.
        now.autorun = None
        now.autostarted.add(page)
        return
    if planner is None or now.request is not None:
        return
    requested, now.autorun = now.autorun, None
    # Runs of the whole network at every step are slow: a visit alone does not start them.
    is_cheap = controls.get("variables") not in END_TO_END
    is_new = page not in now.shown and page not in now.autostarted
    now.autostarted.add(page)
    if requested is not None and requested[0] == page:
        run_planned(page, planner, requested[1])
    elif autostart and is_new and is_cheap:
        run_planned(page, planner)
    elif controls.get(RUN_ON_CHANGE, False):
        _run_changes(page, planner)


def _run_changes(page: str, planner: Planner) -> None:
    """Start the runs of a page if they differ from those shown and are cheap; once if they fail."""
    now = session()
    shown = now.shown.get(page)
    if shown is None or not controls.changed_since(page, shown):
        return
    try:
        values, runs = controls.values(), planner()
    except InputError:  # which the button tells
        return
    height, width = now.chosen_photo.pixels.shape[:2]
    times = [settings for _, settings in runs]
    seconds = RUN_TIMES.total(times, (height, width), now.chosen_network.sha256)
    if values != now.attempted and seconds < CHEAP:
        now.attempted = values
        start_runs(page, runs)


def run_planned(page: str, planner: Planner, view: ViewState | None = None) -> None:
    """Start the runs of a page, or keep the reason why not.

    Arguments:
        page: The page's name.
        planner: Plans the runs.
        view: The state of the viewer to begin with.
    """
    try:
        if session().chosen_network.name != controls.get("checkpoint"):
            server.choose_network()
            update_photo()
        runs = planner()
    except InputError as error:
        session().message = sentence(error)
        return
    start_runs(page, runs, view)
