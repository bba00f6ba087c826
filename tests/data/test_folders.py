"""Photos and masks in a pair of folders."""

import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from segviz.data.classes import ClassList
from segviz.data.folders import FolderImages, open_folders
from segviz.errors import InputError
from tests import own_images
from tests.own_images import NAMES


@pytest.fixture
def folders(tmp_path):
    """Seven photos and masks of five classes."""
    return own_images.write(tmp_path, 7)


def test_matching_in_sub_folders_and_suffixes(folders):
    data = open_folders(*folders, ClassList(NAMES))
    assert data.ids == ("north side/p04", "p00", "p01", "p02", "p03", "p05", "p06")
    assert data.has_truth and data.unmatched == "" and data.classes.names == NAMES
    assert data.photo("p00").shape == (60, 80, 3)
    np.testing.assert_array_equal(data.truth("north side/p04"), own_images.labels(4))


def test_large_photos_are_reduced_with_their_masks(folders):
    data = open_folders(*folders, ClassList(NAMES))
    photo, truth = data.photo("p06"), data.truth("p06")
    assert photo.shape == (250, 500, 3) and truth.shape == (250, 500)
    assert set(np.unique(truth)) <= {0, 1, 2, 3, 4, 255}


def test_other_resolutions(folders):
    images, masks = folders
    at_500, native = open_folders(images, masks), open_folders(images, masks, long_side=None)
    id = native.ids[0]
    size = native.mask(id).labels.shape
    assert native.photo(id).shape[:2] == native.truth(id).shape == size
    small = open_folders(images, masks, long_side=32)
    assert max(small.photo(id).shape) == 32 and small.truth(id).shape == small.photo(id).shape[:2]
    assert len({data.row_key(id) for data in (at_500, native, small)}) == 3


def test_without_masks(folders):
    data = open_folders(folders[0])
    assert not data.has_truth and data.truth("p00") is None and len(data.ids) == 7


def test_unmatched_files_are_named_in_one_sentence(folders):
    (folders[1] / "p00.png").unlink()
    (folders[1] / "p01.png").rename(folders[1] / "q01.png")
    data = open_folders(*folders, ClassList(NAMES))
    assert len(data.ids) == 5
    assert data.unmatched == (
        "2 photos have no mask (p00, p01) and 1 mask has no photo (q01), and are left out."
    )


def test_files_of_systems_are_no_images(folders):
    for name in ("._p00.png", ".DS_Store", "Thumbs.db", "notes.txt"):
        (folders[0] / name).write_bytes(b"x")
    assert len(open_folders(*folders, ClassList(NAMES)).ids) == 7


@pytest.mark.parametrize("name", [b"a\nb.png", b"a\xffb.png", b"a\\b.png"])
def test_names_that_do_not_print(folders, name):
    with open(os.path.join(os.fsencode(folders[0]), name), "wb"):
        pass
    with pytest.raises(InputError, match=r"name, or more than 300 characters; rename"):
        open_folders(*folders)


def test_names_match_in_every_form_of_unicode(folders):
    (folders[0] / "p00.png").rename(folders[0] / unicodedata.normalize("NFD", "köln.png"))
    (folders[1] / "p00.png").rename(folders[1] / unicodedata.normalize("NFC", "köln.png"))
    assert unicodedata.normalize("NFC", "köln") in open_folders(*folders, ClassList(NAMES)).ids


@pytest.mark.parametrize("place", [0, 1])
def test_two_files_of_one_stem(folders, place):
    Image.new("L", (80, 60)).save(folders[place] / "p01.tif")
    with pytest.raises(InputError, match=r"two .*s of one name, p01\.\w+ and p01\.\w+; remove"):
        open_folders(*folders)


def test_folders_that_cannot_be_used(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(InputError, match=r"folder .* cannot be read"):
            open_folders(path)
        with pytest.raises(InputError, match=r"folder .* of masks cannot be read"):
            open_folders(folders[0], path)
    with pytest.raises(InputError, match="has no photos"):
        open_folders(tmp_path / "empty")
    with pytest.raises(InputError, match=r"none of the 7 photos .* has a mask: .* has no masks"):
        open_folders(folders[0], tmp_path / "empty")
    (tmp_path / "empty" / "p00_mask.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"1 masks such as p00_mask; name each mask as its photo"):
        open_folders(folders[0], tmp_path / "empty")


def test_lists_of_images(folders, tmp_path):
    list = tmp_path / "some.txt"
    list.write_text("\ufeffp03.jpg\r\nnorth side\\p04\r\n\r\np03\r\n", encoding="utf-8")
    assert open_folders(*folders, split=str(list)).ids == ("p03", "north side/p04")
    assert len(open_folders(*folders, exclude=list).ids) == 5
    list.write_text("p77\n")
    with pytest.raises(InputError, match=r"names 1 images .* such as p77"):
        open_folders(*folders, split=str(list))
    with pytest.raises(InputError, match=r"no split 'val'"):
        open_folders(*folders, split="val")
    with pytest.raises(InputError, match="cannot be read"):
        open_folders(*folders, split="absent.txt")


def test_a_mask_of_another_size_names_the_file(folders):
    Image.new("L", (60, 80)).save(folders[1] / "p01.png")
    data = open_folders(*folders, ClassList(NAMES))
    with pytest.raises(InputError, match=r"p01\.png is 60 x 80 pixels .* photo 80 x 60"):
        data.truth("p01")


def test_turned_photo_and_mask(folders):
    exif = Image.Exif()
    exif[274] = 6
    stored = np.ascontiguousarray(np.rot90(own_images.photo(own_images.labels(1), 1)))
    Image.fromarray(stored).save(folders[0] / "p01.JPG", exif=exif)
    data = open_folders(*folders, ClassList(NAMES))
    assert data.photo("p01").shape[:2] == data.truth("p01").shape == (60, 80)


def test_key_changes_with_files_and_format(folders):
    data = open_folders(*folders, ClassList(NAMES))
    key = data.row_key("p00")
    assert key.startswith("p00 ") and data.row_key("p00") == key
    assert open_folders(*folders, ClassList(NAMES), ignore=4).row_key("p00") != key
    os.utime(folders[1] / "p00.png", ns=(1, 1))
    assert data.row_key("p00") != key
    (folders[1] / "p00.png").unlink()
    with pytest.raises(InputError, match=r"p00\.png cannot be read"):
        data.row_key("p00")


def test_found_files_alone(folders):
    assert FolderImages.find(*folders).ids == open_folders(*folders).ids


@pytest.mark.parametrize(
    "line",
    [
        "{0}.png",
        "./{0}.PNG",
        '"{0}.png"',
        "{0}.png,masks/{0}.png",
        "{0}.png masks/{0}.png",
        "{images}/{0}.png",
        "{masks}/{0}.png",
    ],
)
def test_lists_of_other_programs(folders, tmp_path, line):
    ids = ("p01", "p03")
    path = tmp_path / "list.txt"
    lines = [line.format(id, images=folders[0], masks=folders[1]) for id in ids]
    path.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    assert open_folders(*folders, ClassList(NAMES), split=str(path)).ids == ids
    left = open_folders(*folders, ClassList(NAMES), exclude=path)
    assert len(left.ids) == 5 and not set(ids) & set(left.ids)


def test_names_with_blanks_and_separators_of_windows(folders, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("north side\\p04.png\n")
    assert open_folders(*folders, ClassList(NAMES), split=str(path)).ids == ("north side/p04",)


@pytest.mark.parametrize("name", ["p04", "p99", "image"])
def test_exclusion_lists_name_images_that_are_there(folders, tmp_path, name):
    """Otherwise they would leave in what they are to leave out."""
    path = tmp_path / "list.txt"
    path.write_text(f"p00\n{name}\n")
    with pytest.raises(InputError, match=rf"1 images .* such as {name}"):
        open_folders(*folders, ClassList(NAMES), exclude=path)


def test_a_list_may_exclude_images_of_the_folder_that_the_split_has_not(folders, tmp_path):
    (tmp_path / "split.txt").write_text("p00\np01\n")
    (tmp_path / "exclude.txt").write_text("p01\np02\n")
    split = str(tmp_path / "split.txt")
    assert open_folders(
        *folders, ClassList(NAMES), split=split, exclude=tmp_path / "exclude.txt"
    ).ids == ("p00",)
    (tmp_path / "exclude.txt").write_text("p02\n")
    with pytest.raises(InputError, match="none of the images"):
        open_folders(*folders, ClassList(NAMES), split=split, exclude=tmp_path / "exclude.txt")
