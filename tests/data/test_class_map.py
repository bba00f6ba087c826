"""Classes of data and of a network, matched by name."""

import numpy as np
import pytest

from segviz.data.class_map import ClassMap, MappedImages, read_class_map
from segviz.data.classes import VOC_CLASSES, ClassList
from segviz.data.voc import VocImages
from segviz.errors import InputError

NETWORK = ClassList(("background", "dining table", "Cat", "road"))
DATA = ClassList(("cat", "Dining_Table", "street", "sky"))


def test_names_match_without_case_and_spaces():
    map = ClassMap.by_name(DATA, NETWORK)
    assert map.targets == (2, 1, 255, 255) and map.ignored == [2, 3] and not map.is_identity
    assert map.describe() == "cat -> Cat, Dining_Table -> dining table"
    labels = np.array([[0, 1], [2, 255]])
    assert map.apply(labels).tolist() == [[2, 1], [255, 255]]


def test_given_names():
    map = ClassMap.by_name(DATA, NETWORK, {"Street": "ROAD", "cat": None})
    assert map.targets == (255, 1, 3, 255)


def test_identity():
    assert ClassMap.by_name(NETWORK, NETWORK).is_identity
    assert not ClassMap.by_name(ClassList(NETWORK.names[:2]), NETWORK).is_identity
    others = ClassList(tuple(f"my {name}" for name in NETWORK.names))
    renamed = ClassMap.by_name(others, NETWORK, dict(zip(others.names, NETWORK.names, strict=True)))
    assert renamed.targets == (0, 1, 2, 3) and not renamed.is_identity


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stret": "road"}, "'stret', which is no class of the data; these are cat, Dining_Table"),
        ({"street": "raod"}, "'raod', which is no class of the network; these are background"),
        ({"cat": None, "Dining_Table": None}, r"no class of the data .* --class-map FILE"),
    ],
)
def test_refused(given, words):
    with pytest.raises(InputError, match=words):
        ClassMap.by_name(DATA, NETWORK, given)


def test_images_in_the_classes_of_a_network(voc_root):
    images = VocImages(voc_root, "val", ["2007_000008"])
    map = ClassMap.by_name(VOC_CLASSES, NETWORK)
    mapped = MappedImages(images, map)
    before, after = images.truth("2007_000008"), mapped.truth("2007_000008")
    assert mapped.ids == images.ids and mapped.name == "val" and mapped.has_truth
    assert mapped.classes == NETWORK and (mapped.photo("2007_000008").shape[:2] == after.shape)
    np.testing.assert_array_equal(after[before == 8], 2)
    np.testing.assert_array_equal(after[(before == 15) | (before == 255)], 255)
    assert mapped.row_key("2007_000008") != images.row_key("2007_000008")


def test_files(tmp_path):
    path = tmp_path / "map.json"
    path.write_text('\ufeff{"street": "road", "sky": null}', encoding="utf-8")
    assert read_class_map(path) == {"street": "road", "sky": None}
    for content in ("{", "[]", '{"street": 3}', "[" * 100_000):
        path.write_text(content)
        with pytest.raises(InputError, match=r"map\.json is no class map .* give JSON such as"):
            read_class_map(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_class_map(tmp_path / "absent.json")
