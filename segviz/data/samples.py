"""Photos that come with scikit-image and matplotlib, with truth drawn for this project."""

__all__ = ["SAMPLES", "Sample", "load"]

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..errors import InputError
from .images import load_labels, load_photo

_MASKS = Path(__file__).parent / "sample_masks"
_PROJECTS = {"matplotlib": "matplotlib", "skimage": "scikit-image"}
_CC0 = "CC0"
_PUBLIC = "public domain"


@dataclass(frozen=True)
class Sample:
    r"""A photo in an installed package, and its truth.

    Arguments:
        name: The name to `load` it by.
        title: What is on it, for people.
        package: The package to import that holds the photo.
        file: The path of the photo inside the package.
        credit: Who made the photo.
        licence: Its licence, as the package documents it.
        mask: The file of the truth in `sample_masks`.
        note: What to know about the truth.
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
            "What is too blurred to tell from the cat's body is ignored.",
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
            "No class of VOC is on it: everything is background, the rocket too.",
        ),
        Sample(
            "horse",
            "Silhouette of a horse",
            "skimage",
            "data/horse.png",
            "Andreas Preuss (marauder)",
            _CC0,
            "horse.png",
            "A drawing, which VOC would not label at all; here it is labelled, to see whether a "
            "shape alone will do.",
        ),
    )
}


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    r"""Reads a sample.

    Arguments:
        name: A key of `SAMPLES`.

    Returns:
        The photo (H, W, 3) uint8 RGB and its class ids (H, W) int64, 255 for ignore.

    Raises:
        InputError: If the name is unknown, or if the package or its photo is not installed.
    """
    if name not in SAMPLES:
        raise InputError(f"There is no sample {name!r}; choose one of {', '.join(SAMPLES)}.")
    sample = SAMPLES[name]
    photo = load_photo(_find(sample))
    return photo, load_labels(_MASKS / sample.mask, size=photo.shape[:2])


def _find(sample: Sample) -> Path:
    # Found without being imported: the packages are large, and their own loaders may download.
    spec = find_spec(sample.package)
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / sample.file
        if file.is_file():
            return file
    raise InputError(
        f"The sample {sample.name!r} needs the file {sample.package}/{sample.file}, which is not "
        f"installed; run pip install --force-reinstall {_PROJECTS[sample.package]}."
    )
