import pytest

from segviz.data.splits import split_ids
from segviz.data.voc import read_list
from segviz.errors import InputError
from tests.miniature import SPLITS


@pytest.mark.parametrize("split", SPLITS)
def test_splits(voc_root, split):
    assert split_ids(voc_root, split) == SPLITS[split]


def test_list_in_a_file(voc_root, tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("2007_000003\n\n  2007_000001  \r\n2008_000004")
    assert read_list(path) == ["2007_000003", "2007_000001", "2008_000004"]
    assert split_ids(voc_root, str(path)) == read_list(path)


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
            read_list(path)
    with pytest.raises(InputError, match="list of ids"):
        split_ids(voc_root, str(tmp_path / "absent.txt"))
    with pytest.raises(InputError, match="list of ids"):
        split_ids(voc_root, "train", tmp_path / "absent.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="list of ids"):
        read_list(tmp_path / "binary.txt")


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
    assert read_list(tmp_path / "list.txt") == split_ids(copy, "list") == ids
    assert split_ids(copy, "train", tmp_path / "list.txt") == SPLITS["train"][3:]


@pytest.mark.parametrize(
    "text",
    [
        '"{0}"\n"{1}"\n',
        "{0},{1}",
        "{0}; {1}",
        "# held out\n{0}.JPG\n\n{1}.jpeg\n",
        "D:\\VOC\\JPEGImages\\{0}.jpg\r\n'D:\\VOC\\JPEGImages\\{1}.jpg'\r\n",
        "{0}\t1\n{1}\t1\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_of_other_programs(voc_root, tmp_path, text, encoding):
    ids = SPLITS["train"][:2]
    path = tmp_path / "list.txt"
    path.write_bytes(text.format(*ids).encode(encoding))
    assert split_ids(voc_root, str(path)) == ids
    assert split_ids(voc_root, "train", path) == SPLITS["train"][2:]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("2009_999999\n", "names none of the 6 images of train.*2009_999999"),
        ("", "no ids"),
        ("# nothing\n", "no ids"),
        ("2007_000001 -1\n2007_000002 1\n", "flags"),
        ("2007_000001 the first\n2007$000002", "2007"),
        ("\0\0", "null"),
    ],
)
def test_lists_that_exclude_nothing_or_are_not_understood(voc_root, tmp_path, text, pattern):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=pattern):
        split_ids(voc_root, "train", path)
