"""One folder with photos, masks and classes, found by their names."""

import json

import numpy as np
import pytest

from segviz.data.classes import VOC_CLASSES, ClassList
from segviz.data.dataset_folder import find_images
from segviz.data.sources import from_folder
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


def test_names_that_differ_from_those_of_networks(tmp_path):
    own_images.write(tmp_path, 2)
    (tmp_path / "classes.txt").write_text("\n".join(own_images.NAMES))
    network = ClassList(("street", "lamp"))
    found = find_images(tmp_path)
    with pytest.raises(InputError, match="no class of the data"):
        found.class_map(network)
    photo = from_folder(found, "p00", "data:own/p00", network)
    assert photo.truth is None and "class-map.json" in photo.note
    names = {"road": "Street", "tree": "of another network", "car": None}
    (tmp_path / "class-map.json").write_text(json.dumps(names))
    found = find_images(tmp_path)
    assert found.class_map(network).targets == (255, 0, 255, 255, 255)
    photo = from_folder(found, "p00", "data:own/p00", network)
    assert set(np.unique(photo.truth)) == {0, 255} and photo.note == ""
    (tmp_path / "class-map.json").write_text("[]")
    with pytest.raises(InputError, match=r"class-map\.json"):
        find_images(tmp_path)


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
