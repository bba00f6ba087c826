"""One folder with photos, masks and classes, found by their names."""

import json

import pytest

from segviz.data.classes import VOC_CLASSES
from segviz.data.dataset_folder import find_images
from segviz.errors import InputError
from tests import own_images


def test_photos_masks_and_classes(tmp_path):
    own_images.write(tmp_path, 3)
    found = find_images(tmp_path)
    assert not found.has_classes and found.images.has_truth
    assert found.images.ids == ("p00", "p01", "p02")
    (tmp_path / "id2label.json").write_text(json.dumps(dict(enumerate(own_images.NAMES))))
    found = find_images(tmp_path)
    assert found.has_classes and found.images.classes.names == own_images.NAMES


def test_photos_alone(tmp_path):
    images, _ = own_images.write(tmp_path, 2)
    found = find_images(images)
    assert found.images.ids == ("p00", "p01") and not found.images.has_truth
    assert found.images.classes == VOC_CLASSES and not found.has_classes


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        find_images(tmp_path / "absent")
    with pytest.raises(InputError, match="has no photos"):
        find_images(tmp_path)
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match="no folder images"):
        find_images(tmp_path)
