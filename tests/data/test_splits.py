import pytest

from segviz.data.splits import read_ids, split_ids
from segviz.errors import InputError
from tests.miniature import SPLITS


@pytest.mark.parametrize("split", SPLITS)
def test_splits(voc_root, split):
    assert split_ids(voc_root, split) == SPLITS[split]


def test_list_in_a_file(voc_root, tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("2007_000003\n\n  2007_000001  \r\n2008_000004")
    assert read_ids(path) == ["2007_000003", "2007_000001", "2008_000004"]
    assert split_ids(voc_root, str(path)) == read_ids(path)


def test_exclude(voc_root, tmp_path):
    path = tmp_path / "held-out.txt"
    path.write_text("2007_000002\n2007_999999\n")
    expected = [name for name in SPLITS["train"] if name != "2007_000002"]
    assert split_ids(voc_root, "train", path) == expected
    path.write_text("\n".join(SPLITS["train"]))
    assert split_ids(voc_root, "train", path) == []


def test_unknown_split(voc_root):
    with pytest.raises(InputError, match=r"'trian' is not in .*train"):
        split_ids(voc_root, "trian")


def test_unreadable_lists(voc_root, tmp_path):
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(InputError, match=r"^the list of ids .* cannot be read"):
            read_ids(path)
    with pytest.raises(InputError, match="list of ids"):
        split_ids(voc_root, str(tmp_path / "absent.txt"))
    with pytest.raises(InputError, match="list of ids"):
        split_ids(voc_root, "train", tmp_path / "absent.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="list of ids"):
        read_ids(tmp_path / "binary.txt")


@pytest.mark.parametrize(
    "line",
    [
        "{id}.jpg",
        "JPEGImages\\{id}.jpg SegmentationClass\\{id}.png",
        "/JPEGImages/{id}.jpg /SegmentationClassAug/{id}.png",
    ],
)
def test_lists_of_paths_and_of_other_systems(copy, tmp_path, line):
    ids = SPLITS["train"][:3]
    text = "\ufeff" + "".join(line.format(id=id) + "\r\n" for id in ids)
    for path in (tmp_path / "list.txt", copy / "ImageSets" / "Segmentation" / "list.txt"):
        path.write_bytes(text.encode())
    assert read_ids(tmp_path / "list.txt") == split_ids(copy, "list") == ids
    assert split_ids(copy, "train", tmp_path / "list.txt") == SPLITS["train"][3:]
