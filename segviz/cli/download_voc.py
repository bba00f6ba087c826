"""segviz download-voc: fetch VOC 2012."""

from argparse import Namespace

from ..data import voc

__all__ = ["download"]


def download(options: Namespace) -> int:
    """Fetch VOC 2012."""
    print(voc.download(options.dir, augment=not options.no_sbd))
    return 0
