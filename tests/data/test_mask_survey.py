"""Masks looked over before the start."""

import numpy as np
import pytest
from PIL import Image

from segviz.data.classes import ClassList
from segviz.data.folders import open_folders
from segviz.data.mask_survey import survey_masks
from segviz.errors import InputError
from tests import own_images
from tests.own_images import NAMES


def test_histogram(tmp_path):
    data = open_folders(*own_images.write(tmp_path, 3), ClassList((*NAMES, "plane")))
    survey = survey_masks(data)
    truth = np.stack([own_images.labels(place) for place in range(3)])
    counts = np.bincount(truth.ravel(), minlength=256)
    assert survey.masks == 3 and survey.pixels.tolist() == [*counts[:6], counts[255]]
    text = survey.describe()
    assert text.startswith(f"classes in 3 masks: 0 ground {counts[0] / truth.size:.1%}, ")
    assert f"ignored {counts[255] / truth.size:.1%}; in no mask: plane." in text
    assert survey_masks(data, ["p01"]).describe().startswith("classes in 1 of 3 masks: ")


def binary(truth):
    return Image.fromarray(np.where((truth > 0) & (truth < 255), 255, 0).astype(np.uint8))


@pytest.mark.parametrize("last", ["object", "nothing"])
def test_binary_masks_are_named(tmp_path, last):
    """Even if some photos show no object."""
    folders = own_images.write(tmp_path, 3, binary)
    if last == "nothing":
        Image.new("L", (80, 60)).save(folders[1] / "p02.png")
    with pytest.raises(InputError, match=r"only 0 and 255, .* binary .* --classes FILE"):
        survey_masks(open_folders(*folders, ClassList(NAMES)))
    with_ids = ClassList(("background", "thing"), mask_ids=(0, 255))
    survey = survey_masks(open_folders(*folders, with_ids))
    assert survey.pixels[:2].all() and survey.pixels[-1] == 0
    survey = survey_masks(open_folders(*folders, ClassList(NAMES), ignore=255))
    assert survey.pixels[0] and survey.pixels[-1]


def test_unknown_id_names_the_mask(tmp_path):
    data = open_folders(*own_images.write(tmp_path, 3), ClassList(NAMES[:4]))
    pattern = r"p00\.png holds the class ids 4, .* 0 to 3 nor 255 .*--classes .*--ignore"
    with pytest.raises(InputError, match=pattern):
        survey_masks(data)


def test_all_ignored(tmp_path):
    folders = own_images.write(tmp_path, 2, lambda truth: Image.new("L", truth.shape[::-1], 9))
    with pytest.raises(InputError, match=r"all pixels .* are ignored; check --ignore"):
        survey_masks(open_folders(*folders, ClassList(NAMES), ignore=9))
