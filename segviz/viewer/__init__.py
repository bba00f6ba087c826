"""The viewer: panels of one or several runs under one time cursor, drawn in the browser."""

from collections.abc import Sequence

from .assets import assets
from .payload import NamedRecord
from .view_state import PANELS, PINS, ViewState

__all__ = ["PANELS", "PINS", "ViewState", "assets", "viewer"]


def viewer(
    runs: Sequence[NamedRecord],
    *,
    key: str,
    view: ViewState = ViewState(),  # noqa: B008, frozen
    live: bool = False,
) -> ViewState:
    """Draw a viewer on a Streamlit page.

    Playing, scrubbing and pointing happen in the browser. The script runs again when the reader
    lets go of the step, pins a pixel or chooses panels.

    Arguments:
        runs: At least one run, all on photos of one size.
        key: The viewer's key in the session state: called again with it, it keeps step, zoom and
            pins, also when the runs have grown; the same records are not sent again.
        view: Where it stands when it comes onto the page.
        live: Whether the runs still grow; the viewer then follows the newest step, unless the
            reader has moved.

    Returns:
        Where the reader has it, as far as it fits these runs.

    Raises:
        InputError: If there is no run, or if the photos differ in size.
    """
    from .component import show  # only pages need Streamlit

    return show(runs, key, view, live)
