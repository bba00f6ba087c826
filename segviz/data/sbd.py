"""The labels of SBD, turned into those of VOC."""

__all__ = ["convert"]

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import InputError
from .classes import IGNORE, PALETTE


def convert(
    sbd: str | Path,
    root: str | Path,
    train: Iterable[str],
    val: Iterable[str],
) -> list[str]:
    r"""Turns the labels of SBD into palette PNGs in `SegmentationClassAug`.

    Images in `SegmentationClass` keep the labels that VOC gave them. Images of val and labels
    whose photo is not there are passed over.

    Arguments:
        sbd: The folder of SBD, with `cls/ID.mat`.
        root: The folder VOC2012, which is written to.
        train: The ids of VOC's train.
        val: The ids of VOC's val.

    Returns:
        The ids of trainaug, that is train and all of SBD less val, sorted.

    Raises:
        InputError: If there are no labels, if a file of them is damaged, or if scipy is missing.

    References:
        Semantic Contours from Inverse Detectors (Hariharan et al., 2011)
        http://home.bharathh.info/pubs/codes/SBD/download.html
    """
    try:
        from scipy.io import loadmat  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError("The labels of SBD need scipy; install it with pip.") from error

    sbd, root = Path(sbd), Path(root)
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
            strange = labels[(labels > 20) & (labels != IGNORE)]
            if strange.size:
                raise ValueError(f"class id {strange[0]}, more than 20")
            image = Image.fromarray(labels, mode="L")
        except Exception as error:
            # scipy raises many types on damaged files.
            raise InputError(
                f"The labels {file} are damaged ({error!r}); download SBD again."
            ) from error
        image.putpalette(PALETTE.tobytes())
        image.save(folder / f"{file.stem}.png")
    return sorted(ids - val)
