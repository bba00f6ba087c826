"""The viewer: panels of one or several runs under one time cursor, drawn in the browser."""

from collections.abc import Sequence

from .assets import assets
from .view_state import MAX_PINS, MAX_ZOOM, PANEL_NAMES, NamedRecord, Side, ViewState

__all__ = [
    "MAX_PINS",
    "MAX_ZOOM",
    "PANEL_NAMES",
    "NamedRecord",
    "Side",
    "ViewState",
    "assets",
    "viewer",
]


def viewer(
    runs: Sequence[NamedRecord],
    *,
    key: str,
    view: ViewState = ViewState(),  # noqa: B008, frozen
    growing: bool = False,
) -> ViewState:
    """Draw a viewer on a Streamlit page.

    Playing, scrubbing and pointing happen in the browser. The script runs again when the reader
    lets go of the step, pins a pixel or chooses panels.

    Arguments:
        runs: At least one run, all on photos of one size.
        key: The viewer's key in the session state: with the same key it keeps step, zoom and pins,
            also when the runs have grown, and the same records are not sent again.
        view: The state in which it opens.
        growing: Whether the runs are still at work; the viewer then follows the newest step, unless
            the reader has moved.

    Returns:
        The state that the reader has brought it to, as far as it fits these runs.

    Raises:
        InputError: If there is no run, or if the photos differ in size.
    """
    from .component import render  # only pages need Streamlit

    return render(runs, key, view, growing)
