"""Commands and the app open no connection to the outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FORBID = """
import socket, sys

def local(address):
    return not isinstance(address, tuple) or str(address[0]) in ("127.0.0.1", "::1", "localhost")

def refuse(name):
    print("OUTSIDE", name, file=sys.stderr)
    raise OSError("connections to the outside are forbidden")

class Socket(socket.socket):
    def connect(self, address):
        return super().connect(address) if local(address) else refuse(address)
    def connect_ex(self, address):
        return super().connect_ex(address) if local(address) else refuse(address)
    def sendto(self, data, *arguments):
        return super().sendto(data, *arguments) if local(arguments[-1]) else refuse(arguments)

lookup = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    return lookup(host, *arguments, **options) if local((host,)) else refuse(host)

socket.socket, socket.getaddrinfo = Socket, getaddrinfo
"""


def without_network(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", FORBID + code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_guard_works():
    code = "import urllib.request as u; u.urlopen('http://example.org')"
    assert "OUTSIDE example.org" in without_network(code).stderr


def test_commands(checkpoint_path, files, tmp_path):
    code = "from segviz.cli.main import main; sys.exit(main(sys.argv[1:]))"
    run = ["run", files / "photo.png", "--checkpoint", checkpoint_path, "--scale", 0.5]
    done = without_network(code, *run, "--steps", 1, "--out", tmp_path / "out")
    assert (done.returncode, "OUTSIDE" in done.stderr) == (0, False), done.stderr
    done = without_network(code, "export", tmp_path / "out", "--formats", "html,csv")
    assert (done.returncode, "OUTSIDE" in done.stderr) == (0, False), done.stderr


def test_converting_a_network(checkpoint_path, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setenv("SEGVIZ_CACHE", str(tmp_path))
    code = "from segviz.cli.main import main; sys.exit(main(sys.argv[1:]))"
    run = ["run", "sample:cat", "--checkpoint", checkpoint_path, "--scale", 0.5, "--steps", 0]
    done = without_network(code, *run, "--engine", "openvino", "--json")
    assert (done.returncode, "OUTSIDE" in done.stderr) == (0, False), done.stderr
    assert json.loads(done.stdout)["environment"]["engine"] == "openvino"


def test_the_app(checkpoint_path):
    code = """
from streamlit.testing.v1 import AppTest
from segviz.data import samples
from segviz.network import checkpoint

load, path = checkpoint.load, sys.argv[1]
checkpoint.load = lambda *_: load(path)
load_sample = samples.load  # the first screen's run is a large one
samples.load = lambda name: tuple(pixels[::8, ::8].copy() for pixels in load_sample(name))
at = AppTest.from_file("pages/main.py", default_timeout=100).run()
assert not at.exception, at.exception
for page in ("model.py", "benchmark.py", "runs.py"):
    at.switch_page(page).run()
    assert not at.exception, at.exception
print("drawn")
"""
    done = without_network(code, checkpoint_path)
    assert "drawn" in done.stdout and "OUTSIDE" not in done.stderr, done.stderr
