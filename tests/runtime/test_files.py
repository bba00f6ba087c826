import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segviz.errors import InputError
from segviz.runtime.files import check_writable, read_file, write_atomically

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


def limited(code, folder):
    """Run code whose files may have at most 1,000 bytes, as on a full disk."""

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_is_found_before_the_work(tmp_path):
    code = (
        "import sys; from pathlib import Path; from segviz.runtime.files import check_writable\n"
        "check_writable(Path(sys.argv[1]))"
    )
    assert "cannot be written to" in limited(code, tmp_path).stderr
    check_writable(tmp_path)
    with pytest.raises(InputError, match="No such file"):
        check_writable(tmp_path / "absent")
    assert not list(tmp_path.iterdir())
