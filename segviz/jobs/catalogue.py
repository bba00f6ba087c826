"""What the operator of a server offers to its visitors: networks, and folders of photos."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..data.dataset_folder import find_images
from ..errors import InputError
from ..network import checkpoint

__all__ = ["DATA_SETS", "NETWORKS", "data_sets", "network_label", "networks", "offer"]

NETWORKS = "SEGVIZ_NETWORKS"
"""The environment variable that holds names and spellings of networks, separated by commas."""

DATA_SETS = "SEGVIZ_DATA"
"""The environment variable that holds folders as NAME=DIR, separated by commas."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,30}")
"""What a folder may be called: the name is part of addresses."""


def networks() -> list[str]:
    """Return the names of the shipped networks, the default first, and those offered beside them.

    Visitors choose one of these: whatever else an address or a browser names is not loaded.
    """
    return list(dict.fromkeys([*checkpoint.names(), *_listed(NETWORKS)]))


def data_sets() -> dict[str, Path]:
    """Return the folders that are offered, by name.

    Raises:
        InputError: If the environment variable holds something else.
    """
    return dict(map(_named_folder, _listed(DATA_SETS)))


def offer(spellings: Sequence[str] = (), folders: Sequence[str] = ()) -> None:
    """Check networks and folders, and add them to what this process offers.

    Arguments:
        spellings: Networks, as `checkpoint.load` takes them; none is loaded yet.
        folders: Folders as NAME=DIR.

    Raises:
        InputError: If a network or a folder is not there, or its spelling has a comma.
    """
    given = ((NETWORKS, "--checkpoint", spellings), (DATA_SETS, "--data", folders))
    for variable, option, added in given:
        for text in added:
            if "," in text:
                raise InputError(
                    f"{option} {text!r} has a comma, which separates entries in {variable}; rename"
                    " the file or folder."
                )
    for spelling in spellings:
        if spelling.startswith("py:"):
            file = spelling[3:].rpartition(":")[0]
            if not Path(file).is_file():
                raise InputError(f"{spelling} names no file; write py:FILE.py:FUNCTION.")
        elif not checkpoint.is_foreign(spelling):
            checkpoint.read_card(spelling)
    for folder in folders:
        find_images(_named_folder(folder)[1])
    for variable, _, added in given:
        if added:
            os.environ[variable] = ",".join([*_listed(variable), *added])


def network_label(name: str) -> str:
    """Return what to call a network: its spelling without the folders of paths."""
    return re.sub(r"[^:]*[/\\]", "", name)


def _listed(variable: str) -> list[str]:
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


def _named_folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not equals or not folder or not NAME.fullmatch(name):
        raise InputError(
            f"{text!r} is no folder with a name; write NAME=DIR, where NAME is 1 to 30 letters,"
            " digits, hyphens or underscores."
        )
    return name, Path(folder)
