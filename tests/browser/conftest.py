"""A server of the app on a tiny network, and a Chromium to open it in."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from segviz.data.classes import CLASSES
from segviz.network import checkpoint
from tests import own_images
from tests.foreign_network import write_network
from tests.miniature import SPLITS, calibrated
from tests.outcomes import table

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-features=Translate,MediaRouter,WebUITabStrip,PreloadTopChromeWebUI",
]

VIEWPORT = {"width": 1440, "height": 900}


def chromium():
    places = ["/usr/bin/chromium", *map(shutil.which, ("chromium", "chromium-browser"))]
    return next((place for place in places if place and Path(place).exists()), None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@contextmanager
def serve(folder, script="app.py", port=None, **environment):
    """Start the app and return its address; stop it at the end.

    Arguments:
        folder: Where its log is written.
        script: The script to run, relative to the root of the repository.
        port: The TCP port; None = a free one.
        environment: Environment variables to add.
    """
    port = port or free_port()
    log = folder / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", script]
    command += ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none"]
    inherited = {key: value for key, value in os.environ.items() if key != "SEGVIZ_VOC_ROOT"}
    environment = inherited | environment
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    address = f"http://localhost:{port}"
    try:
        for _ in range(1200):
            assert server.poll() is None, log.read_text()
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                    if answer.read() == b"ok":
                        break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail(f"the server does not answer: {log.read_text()}")
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="session")
def environment(tmp_path_factory, tiny_architecture, voc_root):
    """The environment of the app on a tiny network, with the miniature VOC and made-up results.

    It also offers a network as users bring it, and a folder of photos called street.
    """
    folder = tmp_path_factory.mktemp("server")
    card = {"name": checkpoint.DEFAULT, "classes": CLASSES}
    weights = folder / f"{checkpoint.DEFAULT}.safetensors"
    checkpoint.save(calibrated(tiny_architecture), weights, card)
    results = folder / "results"
    results.mkdir()
    for name, scales in (("1", None), ("3", (1.0,))):
        data = table(name, SPLITS["val"], ["w/ aug"], scales=scales)
        (results / f"table-{name}.json").write_text(json.dumps(data))
    places = {
        "SEGVIZ_TEST_CHECKPOINTS": folder,
        "SEGVIZ_RESULTS": results,
        "SEGVIZ_RUNS": folder / "runs",
        "SEGVIZ_VOC_ROOT": voc_root,
    }
    environment = {key: str(place) for key, place in places.items()}
    own_images.write(folder / "street", 3)
    (folder / "street" / "classes.txt").write_text("\n".join(own_images.NAMES))
    environment["SEGVIZ_NETWORKS"] = write_network(folder)
    environment["SEGVIZ_DATA"] = f"street={folder / 'street'}"
    return environment


@pytest.fixture(scope="session")
def address(tmp_path_factory, environment):
    """The address of the app in that environment."""
    folder = tmp_path_factory.mktemp("log")
    with serve(folder, "tests/browser/miniature_app.py", **environment) as address:
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A Chromium with a fresh profile."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=executable,
            args=ARGUMENTS,
            viewport=VIEWPORT,
            reduced_motion="reduce",  # animations are drawn by the CPU
            accept_downloads=True,
        )
        # The tour is offered once in a browser; pages without an origin have no storage.
        context.add_init_script("try { localStorage.setItem('segviz tour', 'done') } catch {}")
        yield context
        context.close()


class Tabs:
    """The tabs of a browser, used again by one test after another.

    A new tab has a new process, which compiles all JavaScript of the app from its source; that
    takes longer than most tests.
    """

    def __init__(self, browser):
        self._browser = browser
        self._free = []

    @contextmanager
    def open(self, strict=True):
        """Open an empty tab.

        Arguments:
            strict: Whether an error in the console or a failed request fails the test; an exception
                that the app shows always does.
        """
        page = self._free.pop() if self._free else self._browser.new_page()
        page.set_default_timeout(30_000)
        complaints = Complaints(page)
        try:
            yield page
            exceptions = page.get_by_test_id("stException").count()
        finally:
            with suppress(Exception):  # such as on an empty page
                page.evaluate("sessionStorage.clear()")
            page.goto("about:blank")
            self._browser.clear_cookies()  # the next test is another visit
            complaints.stop()
            page.set_viewport_size(VIEWPORT)
            page.emulate_media(color_scheme="light")
            self._free.append(page)
        assert exceptions == 0
        assert not strict or complaints.texts == []


class Complaints:
    """What a tab complains about, from now until `stop`."""

    def __init__(self, page):
        self.texts = []
        self._page = page
        self._listeners = {
            "console": self._on_message,
            "pageerror": lambda error: self.texts.append(str(error)),
            "requestfailed": self._on_failure,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def stop(self):
        for event, listener in self._listeners.items():
            self._page.remove_listener(event, listener)

    def _on_message(self, message):
        if message.type == "error":
            self.texts.append(message.text)

    def _on_failure(self, request):
        if request.failure != "net::ERR_ABORTED":  # as when a test goes on to another address
            self.texts.append(f"failed: {request.url}")


@pytest.fixture(scope="session")
def tabs(browser):
    """The tabs that tests share, one at a time."""
    return Tabs(browser)


@pytest.fixture
def page(tabs):
    """An empty tab, which must not complain; the test opens an address."""
    with tabs.open() as page:
        yield page


def pytest_collection_modifyitems(items):
    """Run a failed browser test once more: on a busy machine a wait can be too short."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))
