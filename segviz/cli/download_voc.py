"""segviz download-voc: fetch VOC 2012."""

from argparse import Namespace
from pathlib import Path

from ..data import voc_download

__all__ = ["download_voc"]


def download_voc(options: Namespace) -> int:
    """Fetch VOC 2012."""
    print(voc_download.download(Path(options.dir), augment=not options.no_sbd))
    return 0
