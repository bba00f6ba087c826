"""Sample photos of scikit-image and matplotlib, with truth masks drawn for this project."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["SAMPLES", "Sample", "load"]

_MASKS = Path(__file__).parent / "sample_masks"
_DISTRIBUTIONS = {"skimage": "scikit-image"}  # where it differs from the import name
_CC0 = "CC0"
_PUBLIC = "public domain"


@dataclass(frozen=True)
class Sample:
    """A photo in an installed package, and its truth mask.

    Arguments:
        name: The name to `load` it by.
        title: A description of the photo.
        package: The import name of the package that holds the photo.
        file: The path of the photo inside the package.
        credit: Who made the photo.
        licence: The photo's licence, as the package documents it.
        mask: The file of the mask in `sample_masks`.
        note: A remark on the mask.
    """

    name: str
    title: str
    package: str
    file: str
    credit: str
    licence: str
    mask: str
    note: str


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample(
            "astronaut",
            "Astronaut in a pressure suit",
            "skimage",
            "data/astronaut.png",
            "NASA (Great Images), portrait of Eileen Collins",
            _PUBLIC,
            "astronaut.png",
            "The helmet in her arm is ignored; the model of the shuttle is background.",
        ),
        Sample(
            "cat",
            "Cat, close up",
            "skimage",
            "data/chelsea.png",
            "Stefan van der Walt",
            _CC0,
            "cat.png",
            "Where blur hides the outline of the cat, pixels are ignored.",
        ),
        Sample(
            "motorcycle",
            "Motorcycle in a garage",
            "skimage",
            "data/motorcycle_left.png",
            "Middlebury 2014 stereo benchmark (Nesic, Westling, Wang, Kitajima, Krathwohl, "
            "Scharstein)",
            "none stated",
            "motorcycle.png",
            "Wheels are filled, as in VOC; the bicycle behind the bench is ignored, and the bench "
            "is background, as VOC counts benches out of chairs.",
        ),
        Sample(
            "photographer",
            "Man with a camera, in grey",
            "skimage",
            "data/camera.png",
            "Lav Varshney",
            _CC0,
            "photographer.png",
            "The network was trained on colour; camera and tripod are background.",
        ),
        Sample(
            "officer",
            "Officer in uniform",
            "matplotlib",
            "mpl-data/sample_data/grace_hopper.jpg",
            "U.S. Navy, portrait of Grace Hopper, from Wikimedia Commons",
            "none stated in the package; its authors added it as public domain",
            "officer.png",
            "Hat and uniform belong to the person, as in VOC.",
        ),
        Sample(
            "coffee",
            "Cup of coffee on a table",
            "skimage",
            "data/coffee.png",
            "Rachel Michetti, courtesy of Pikolo Espresso Bar",
            _CC0,
            "coffee.png",
            "VOC has no cups and counts tableware as part of the dining table; whether this is a "
            "dining table is open to doubt.",
        ),
        Sample(
            "rocket",
            "Rocket before its launch",
            "skimage",
            "data/rocket.jpg",
            "SpaceX",
            _PUBLIC,
            "rocket.png",
            "It shows no class of VOC: everything is background, the rocket too.",
        ),
        Sample(
            "horse",
            "Silhouette of a horse",
            "skimage",
            "data/horse.png",
            "Andreas Preuss (marauder)",
            _CC0,
            "horse.png",
            "VOC has no drawings; this one is labelled to see whether the shape alone is enough.",
        ),
    )
}


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Load a sample photo and its truth.

    Arguments:
        name: A key of `SAMPLES`.

    Returns:
        The photo, shape (H, W, 3), uint8 RGB; and its class ids, shape (H, W), int64, 255 = ignore.

    Raises:
        InputError: If the name is unknown, or the package or its photo is not installed.
    """
    if name not in SAMPLES:
        raise InputError(f"there is no sample {name!r}; choose one of {', '.join(SAMPLES)}.")
    from .images import load_photo  # with numpy, which help texts do without
    from .masks import load_labels

    sample = SAMPLES[name]
    photo = load_photo(_find(sample))
    return photo, load_labels(_MASKS / sample.mask, size=photo.shape[:2])


def _find(sample: Sample) -> Path:
    # Located without an import: the packages are large, and their own loaders may download.
    spec = find_spec(sample.package)
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / sample.file
        if file.is_file():
            return file
    distribution = _DISTRIBUTIONS.get(sample.package, sample.package)
    raise InputError(
        f"the sample {sample.name!r} needs the file {sample.package}/{sample.file}, which is not "
        f"installed; run pip install --force-reinstall {distribution}."
    )
