"""Convert the labels of the Semantic Boundaries Dataset (SBD) to VOC's format."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError
from .classes import CLASSES, IGNORE
from .masks import palette_image

__all__ = ["convert"]


def convert(sbd: Path, root: Path, train: Iterable[str], val: Iterable[str]) -> list[str]:
    """Write SBD's labels as palette PNGs to `SegmentationClassAug`.

    Images in `SegmentationClass` keep VOC's own labels. Images of val, and labels whose photo is
    missing, are skipped.

    Arguments:
        sbd: The folder of SBD, with `cls/ID.mat`.
        root: The folder VOC2012, which is written to.
        train: The ids of VOC's train.
        val: The ids of VOC's val.

    Returns:
        The ids of trainaug, that is train and all of SBD less val, sorted.

    Raises:
        InputError: If there are no labels, or a label file is damaged.

    Source:
        Semantic Contours from Inverse Detectors (Hariharan et al., 2011)
        http://home.bharathh.info/pubs/codes/SBD/download.html
    """
    from scipy.io import loadmat

    files = sorted((sbd / "cls").glob("*.mat"))
    if not files:
        raise InputError(f"SBD has no labels in {sbd / 'cls'} (0 .mat files); download it again.")
    ids, val = set(train), set(val)
    folder = root / "SegmentationClassAug"
    folder.mkdir(exist_ok=True)
    for file in files:
        if file.stem in val or not (root / "JPEGImages" / f"{file.stem}.jpg").is_file():
            continue
        ids.add(file.stem)
        if (root / "SegmentationClass" / f"{file.stem}.png").is_file():
            continue
        try:
            labels = np.asarray(loadmat(file)["GTcls"][0]["Segmentation"][0], dtype=np.uint8)
            unknown = labels[(labels >= len(CLASSES)) & (labels != IGNORE)]
            if unknown.size:
                raise ValueError(f"class id {unknown[0]}, more than {len(CLASSES) - 1}")
            image = palette_image(labels)
        except Exception as error:
            # SciPy raises many types of errors on damaged files.
            raise InputError(
                f"the labels {file} are damaged ({error!r}); download SBD again."
            ) from error
        image.save(folder / f"{file.stem}.png")
    return sorted(ids - val)
