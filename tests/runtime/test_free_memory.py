from types import SimpleNamespace

import psutil
import pytest

from segviz.runtime import free_memory
from segviz.runtime.free_memory import available_bytes, cgroup_available_bytes, format_bytes


@pytest.fixture
def groups(tmp_path):
    """Make a mount point of control groups, and the file that names those of this process."""

    def make(membership, files):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(f"{content}\n")
        (tmp_path / "membership").write_text(membership)
        return tmp_path, tmp_path / "membership"

    return make


def version2(folder, limit, usage, inactive):
    return {
        f"{folder}memory.max": limit,
        f"{folder}memory.current": usage,
        f"{folder}memory.stat": f"anon 5\ninactive_file {inactive}\nactive_file 9",
    }


def version1(folder, limit, usage, inactive):
    return {
        f"memory/{folder}memory.limit_in_bytes": limit,
        f"memory/{folder}memory.usage_in_bytes": usage,
        f"memory/{folder}memory.stat": f"inactive_file 1\ntotal_inactive_file {inactive}",
    }


def test_version_2(groups):
    assert cgroup_available_bytes(*groups("0::/\n", version2("", 1000, 700, 50))) == 350


def test_the_tightest_group_counts(groups):
    files = version2("outer/inner/", "max", 300, 0) | version2("outer/", 1000, 400, 0)
    assert cgroup_available_bytes(*groups("0::/outer/inner\n", files)) == 600
    files = version2("outer/inner/", 500, 300, 0) | version2("outer/", 1000, 400, 0)
    assert cgroup_available_bytes(*groups("0::/outer/inner\n", files)) == 200


def test_version_1(groups):
    lines = "9:cpu,cpuacct:/x\n4:memory:/x\n0::/\n"
    assert cgroup_available_bytes(*groups(lines, version1("x/", 1000, 900, 30))) == 130


def test_a_path_from_outside_the_container(groups):
    lines = "4:memory:/docker/0123abc\n"
    assert cgroup_available_bytes(*groups(lines, version1("", 1000, 900, 0))) == 100


def test_never_negative(groups):
    assert cgroup_available_bytes(*groups("0::/\n", version2("", 1000, 1200, 0))) == 0


def test_no_limit(groups, tmp_path):
    assert cgroup_available_bytes(*groups("0::/\n", version2("", "max", 700, 50))) is None
    assert cgroup_available_bytes(tmp_path, tmp_path / "none") is None


def test_available_is_the_smaller(monkeypatch):
    left = cgroup_available_bytes()
    for free in (1000, 10**18):
        memory = SimpleNamespace(available=free)
        monkeypatch.setattr(psutil, "virtual_memory", lambda memory=memory: memory)
        assert available_bytes() == available_bytes("cpu") == min(free, left or free)


def test_available_is_unknown_or_that_of_the_containers(monkeypatch):
    def unknown():
        raise NotImplementedError

    monkeypatch.setattr(psutil, "virtual_memory", unknown)
    for limit in (None, 5_000_000):
        monkeypatch.setattr(free_memory, "cgroup_available_bytes", lambda limit=limit: limit)
        assert available_bytes() == limit


@pytest.mark.parametrize(
    ("size", "up", "words"),
    [
        (1.21e9, True, "1.3 GB"),
        (1.29e9, False, "1.2 GB"),
        (41e6, True, "50 MB"),
        (49e6, False, "40 MB"),
        (995e6, True, "1.0 GB"),
        (995e6, False, "990 MB"),
        (23e9, False, "23.0 GB"),
    ],
)
def test_format_bytes(size, up, words):
    assert format_bytes(size, up) == words
