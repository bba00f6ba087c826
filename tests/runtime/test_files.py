import os
from pathlib import Path

import pytest

from segviz.errors import InputError
from segviz.runtime.files import check_writable, read_file, write_atomically, write_together
from tests.full_disk import full_disk

REMEDY = "give another"


def refusal(path, limit=100):
    with pytest.raises(InputError) as caught:
        read_file(path, "the list", limit, REMEDY)
    message = str(caught.value)
    assert message.endswith(f"; {REMEDY}.")
    return message


def test_files_are_read_up_to_the_limit(tmp_path):
    (tmp_path / "a").write_bytes(bytes(100))
    assert read_file(tmp_path / "a", "the list", 100, REMEDY) == bytes(100)
    assert "more than 99 bytes" in refusal(tmp_path / "a", 99)


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "device or a pipe" in refusal(tmp_path / "pipe")
    assert "device or a pipe" in refusal(Path(os.devnull))
    assert "folder" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "absent")
    assert "cannot be read" in refusal(tmp_path / "a\0b")
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000))


@pytest.mark.parametrize(
    "content", ["é\n", "é\n".encode(), lambda file: file.write("é\n".encode())]
)
def test_files_are_replaced_whole(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text("before")
    assert write_atomically(path, content) == 3
    assert path.read_bytes() == "é\n".encode()
    assert os.listdir(tmp_path) == ["a.json"]


def test_links_stay(tmp_path):
    (tmp_path / "real").write_text("before")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", "after")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "after"


def test_devices_and_folders_are_not_replaced(tmp_path):
    for path in (Path(os.devnull), tmp_path):
        with pytest.raises(InputError, match="not a regular file"):
            write_atomically(path, "x")


def test_a_failed_write_keeps_the_earlier_file(tmp_path):
    path = tmp_path / "a"
    path.write_text("before")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"No space left on device.*--out"):
        write_atomically(path, fail)
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["a"]


def test_a_full_disk_is_found_before_the_work(tmp_path):
    with full_disk(), pytest.raises(InputError, match=r"cannot be written to .*; choose"):
        check_writable(tmp_path)
    check_writable(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        check_writable(tmp_path / "absent")
    assert not list(tmp_path.iterdir())


def test_files_that_belong_together_are_replaced_together(tmp_path):
    names = [f"{'x' * 60}{suffix}" for suffix in (".npz", ".json")]
    write_together({tmp_path / name: f"before {name}" for name in names})
    with full_disk(), pytest.raises(InputError, match="cannot be written"):
        write_together({tmp_path / names[0]: "short", tmp_path / names[1]: "x" * 101})
    assert [(tmp_path / name).read_text() for name in names] == [f"before {n}" for n in names]
    assert len(os.listdir(tmp_path)) == 2


def test_the_longest_names_can_be_written(tmp_path):
    write_atomically(tmp_path / ("é" * 127), "x")
    assert (tmp_path / ("é" * 127)).read_text() == "x"
