"""The lock files hold every requirement, in a version that satisfies it, with hashes."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def required(path):
    """The requirements in a file and in those that it includes."""
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from required(path.with_name(line[3:].strip()))
        elif line.strip():
            yield Requirement(line)


def locked(path):
    """The versions in a lock file, by name; a platform may have its own."""
    found = {}
    for block in re.split(r"\n(?=\S)", path.read_text()):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", block)
        if match:
            assert "--hash=sha256:" in block, match[1]
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_lock_files_satisfy_the_requirements(name):
    versions = locked(ROOT / f"{name}.lock")
    for requirement in required(ROOT / f"{name}.txt"):
        found = versions[canonicalize_name(requirement.name)]
        assert found and all(requirement.specifier.contains(each) for each in found), requirement
