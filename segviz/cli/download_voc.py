"""segviz download-voc: fetch VOC 2012."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

__all__ = ["add_options", "run"]


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz download-voc`."""
    command.add_argument("dir", metavar="DIR", help="where to put VOCdevkit")
    command.add_argument("--no-sbd", action="store_true", help="without the SBD labels (1.4 GB)")


def run(options: Namespace) -> int:
    """Fetch VOC 2012."""
    from ..data import voc_download

    print(voc_download.download(Path(options.dir), augment=not options.no_sbd))
    return 0
