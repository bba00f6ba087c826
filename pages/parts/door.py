"""The app from its beginning, for those who come in by another way than script.py."""

import runpy
from pathlib import Path

__all__ = ["enter_app"]

APP = Path(__file__).parents[2] / "script.py"


def enter_app() -> None:
    """Run script.py, which asks for the page that the address names.

    Until script.py has run once, Streamlit knows only the scripts that lie in pages/ itself; an
    address that none of them answers to would be met with a dialog "Page not found".
    """
    runpy.run_path(str(APP))
