"""The wheel, built from the sdist and installed where there is no repository."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("app.py", "pages", "segviz", "checkpoints", "results", ".streamlit", "setup.py",
           "pyproject.toml", "requirements.txt", "README.md", "LICENSE")  # fmt: skip
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The bin folder of a fresh environment with the wheel and the requirements of this one."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:  # a copy: builds leave files behind
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("*.zip"))
        else:
            shutil.copy(ROOT / name, source / name)
    command(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source)
    assert list((folder / "dist").glob("*.tar.gz"))
    (wheel,) = (folder / "dist").glob("*.whl")
    shutil.rmtree(source)

    venv.create(folder / "venv", with_pip=False, symlinks=os.name != "nt")
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    own = command(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    shared = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(own) / "shared.pth").write_text("\n".join(sorted(shared)))
    command(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", wheel,
    )  # fmt: skip
    return scripts


def surroundings():
    """Environment variables that do not lead back to the repository."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def command(*words, cwd=None):
    """Run a command to its end and return its stdout."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_comes_from_the_environment(environment, tmp_path):
    code = "import segviz, sys; print(segviz.__file__, 'torch' in sys.modules)"
    file, torch = command(environment / "python", "-c", code, cwd=tmp_path).split()
    assert Path(file).is_relative_to(environment.parent) and torch == "False"


def test_command_line(environment, tmp_path):
    words = ("run", "sample:cat", "--scale", 1, "--steps", 2, "--json")
    out = command(environment / "segviz", *words, cwd=tmp_path)
    result = json.loads(out)
    assert [step["step"] for step in result["steps"]] == [0, 1, 2]
    assert result["reference"] == "truth" and result["steps"][0]["iou"] > 0.3


@contextmanager
def serve(environment, folder):
    """The address of `segviz app` and its log."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log = folder / "log.txt"
    words = [environment / "segviz", "app", "--headless", "--port", str(port)]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*map(str, words), "--logger.level=info"],
            cwd=folder, env=surroundings(), stdout=output, stderr=output,
        )  # fmt: skip
    try:
        address, end = f"http://localhost:{port}", time.monotonic() + 120
        while not answers(f"{address}/_stcore/health"):
            assert server.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield address, log
    finally:
        server.terminate()
        server.wait(30)


def answers(address):
    """Whether the server is there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.read() == b"ok"
    except OSError:
        return False


def test_app(environment, tmp_path):
    with serve(environment, tmp_path) as (address, log):
        for page in ("", "/compare"):
            with urllib.request.urlopen(address + page, timeout=30) as answer:
                assert answer.status == 200 and b'<div id="root">' in answer.read()
    text = log.read_text()
    assert "Traceback" not in text
    assert "Network URL" not in text  # the configuration binds to localhost


def test_python_and_the_first_page(environment, tmp_path):
    code = """
import sys
from segviz.runtime import resources
sys.path.insert(0, str(resources.folder()))
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(str(resources.folder("pages") / "main.py"), default_timeout=120).run()
assert not app.exception, app.exception
from pages.actions import server
server.opening().stop()  # the first screen's run, of many steps at a large scale
import segviz  # the app has imported torch
print(len(app.sidebar.children), segviz.run("sample:cat", steps=1, scale=1).last)
"""
    children, last = command(environment / "python", "-c", code, cwd=tmp_path).split()
    assert int(children) > 0 and last == "1"
