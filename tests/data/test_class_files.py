"""Files of classes in all their forms."""

import json
import re

import pytest

from segviz.data.class_files import read_classes
from segviz.errors import InputError

COLOURS = ((0, 0, 0), (10, 200, 30))


def written(tmp_path, content, name="classes.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text", ["wall\nfloor\n", "\ufeffwall\r\nfloor\r\n\r\n", "# mine\nwall\nfloor"]
)
def test_one_name_a_line(tmp_path, text):
    classes = read_classes(written(tmp_path, text, "classes.txt"))
    assert classes.names == ("wall", "floor")
    assert classes.colours is None and classes.mask_ids is None


@pytest.mark.parametrize(
    "content",
    [
        ["wall", "floor"],
        {"0": "wall", "1": "floor"},
        {"1": "floor", "0": "wall"},
        {"id2label": {"0": "wall", "1": "floor"}, "num_labels": 2},
        {"wall": 0, "floor": 1},
        {"classes": ["wall", "floor"]},
        [{"name": "floor", "id": 1}, {"name": "wall", "id": 0}],
    ],
)
def test_json_names(tmp_path, content):
    classes = read_classes(written(tmp_path, content))
    assert classes.names == ("wall", "floor") and classes.mask_ids is None
    assert classes.colours is None


@pytest.mark.parametrize(
    "content",
    [
        {"wall": [0, 0, 0], "floor": [10, 200, 30]},
        {"wall": "#000000", "floor": "#0ac81e"},
        [{"name": "wall", "colour": [0, 0, 0]}, {"name": "floor", "color": "#0AC81E"}],
        {"classes": ["wall", "floor"], "colours": [[0, 0, 0], [10, 200, 30]]},
    ],
)
def test_json_colours(tmp_path, content):
    classes = read_classes(written(tmp_path, content))
    assert classes.names == ("wall", "floor") and classes.colours == COLOURS
    assert classes.palette.tolist() == [list(colour) for colour in COLOURS]


def test_ids_of_masks(tmp_path):
    classes = read_classes(written(tmp_path, {"255": "cat", "0": "background"}))
    assert classes.names == ("background", "cat") and classes.mask_ids == (0, 255)


def test_cvat_labelmap_begins_with_background(tmp_path):
    text = "# label:color_rgb:parts:actions\nfloor:10,200,30::\nbackground:0,0,0::\n"
    classes = read_classes(written(tmp_path, text, "labelmap.txt"))
    assert classes.names == ("background", "floor") and classes.colours == COLOURS


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", "", ["2 to 255", "0"]),
        ("a.txt", "only\n", ["2 to 255", "1"]),
        ("a.txt", "wall\n\nfloor\n", ["line 2", "empty"]),
        ("a.txt", "0 wall\n1 floor\n", ["numbers", "0 wall"]),
        ("a.txt", "wall\nWall\n", ["two classes", "wall"]),
        ("a.txt", "a:1,2,3::\nb:4,5::\n", [r"\[4, 5\]", "R, G, B"]),
        ("a.txt", "a:1,2,3::\nb:4,5,600::\n", ["600"]),
        ("a.txt", "a:1,2,3::\nb:1,2,3::\n", ["colour", r"\(1, 2, 3\)"]),
        ("a.json", "{", ["not JSON"]),
        ("a.json", "[" * 100_000, ["a.json"]),
        ("a.json", [1, 2], ["no name"]),
        ("a.json", {"wall": 0, "floor": 0}, ["two classes", "id 0"]),
        ("a.json", {"wall": 0, "floor": -1}, ["-1", "65535"]),
        ("a.json", {"wall": [0, 0], "floor": [1, 1, 1]}, [r"\[0, 0\]", "R, G, B"]),
        ("a.json", {"wall": 0, "floor": "x"}, ["ids and names"]),
        ("a.json", [{"name": "a", "colour": [0, 0, 0]}, {"name": "b"}], ["'b'", "no colour"]),
        ("a.json", {"classes": ["a", "b"], "colours": [[0, 0, 0]]}, ["2 classes", "1 colour"]),
        ("a.json", "3", ["no list"]),
    ],
)
def test_refused(tmp_path, name, content, words):
    path = written(tmp_path, content, name)
    with pytest.raises(InputError) as caught:
        read_classes(path)
    message = str(caught.value)
    assert name in message and message.endswith(".") and "\n" not in message
    for word in words:
        assert re.search(word, message), message


def test_unreadable(tmp_path):
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00wall")
    for path in (tmp_path / "absent.txt", tmp_path, tmp_path / "binary.txt"):
        with pytest.raises(InputError, match=r"file of classes .* cannot be read"):
            read_classes(path)
