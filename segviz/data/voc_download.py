"""Download PASCAL VOC 2012 and the labels of SBD."""

from pathlib import Path

from ..errors import InputError
from . import sbd
from .voc import LISTS, MASK_FOLDERS, find_root, read_split

__all__ = ["download"]


def download(path: Path, augment: bool = True) -> Path:
    """Download VOC 2012 (2 GB) and the labels of SBD (1.4 GB) through torchvision.

    What is already complete is not downloaded again.

    Arguments:
        path: The folder that will hold `VOCdevkit/VOC2012`; created if needed.
        augment: Whether to download SBD too and to write the split trainaug.

    Returns:
        The folder VOC2012.

    Raises:
        InputError: If a download fails, with its address, the reason and a remedy; or if the folder
            cannot be written.

    Source:
        The PASCAL Visual Object Classes Challenge: A Retrospective (Everingham et al., 2015)
        http://host.robots.ox.ac.uk/pascal/VOC/voc2012/

        Semantic Contours from Inverse Detectors (Hariharan et al., 2011)
        http://home.bharathh.info/pubs/codes/SBD/download.html
    """
    from torchvision.datasets import SBDataset, VOCSegmentation
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    if not _complete(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
            VOCSegmentation(str(path), year="2012", image_set="trainval", download=True)
        except Exception as error:
            raise InputError(
                f"VOC 2012 could not be downloaded from {DATASET_YEAR_DICT['2012']['url']} to "
                f"{path} ({error!r}); check the connection and the disk, or download "
                f"VOCtrainval_11-May-2012.tar from a mirror and unpack it there."
            ) from error
    root = find_root(path)
    trainaug = root / LISTS / "trainaug.txt"
    if augment and not trainaug.is_file():
        folder = path / "sbd"
        if not (folder / "cls").is_dir():
            try:
                folder.mkdir(exist_ok=True)
                SBDataset(str(folder), image_set="train", mode="segmentation", download=True)
            except Exception as error:
                raise InputError(
                    f"VOC 2012 is complete in {root}, but the labels of SBD could not be "
                    f"downloaded from {SBDataset.url} ({error!r}); try again later, or "
                    f"train on the split train."
                ) from error
        ids = sbd.convert(folder, root, read_split(root, "train"), read_split(root, "val"))
        # Written last: where the list is, the labels are.
        trainaug.write_text("\n".join(ids) + "\n", encoding="utf-8")
    return root


def _complete(path: Path) -> bool:
    """Return whether every photo and mask is there: an interrupted download leaves gaps."""
    try:
        root = find_root(path)
        ids = read_split(root, "train") + read_split(root, "val")
    except InputError:
        return False
    return all(
        (root / "JPEGImages" / f"{id}.jpg").is_file()
        and any((root / folder / f"{id}.png").is_file() for folder in MASK_FOLDERS)
        for id in ids
    )
