"""How long a first visitor waits, and those after: seconds from a command to what is seen.

    python benchmarks/cold_start.py [--repeats 3] [--out results/cold-start.json] [--name after]

Starts the app in a fresh process and opens it in a headless Chromium with a fresh profile; then
comes a second visitor, who also presses Run at another scale. The imports, the command line and
the same run without a browser are timed in fresh processes too. Needs Playwright and Chromium; run
it on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCALE, STEPS = 2, 32
IMPORTS = {
    "the library": "import segviz.runs.run",
    "what a page needs": (
        "from pages.actions import launch\nfrom pages.components import run_view, sidebar"
    ),
}
COMMANDS = {
    "help": ["--help"],
    "run, 1 step": ["run", "sample:cat", "--scale", "1", "--steps", "1", "--json"],
    "run, 32 steps": ["run", "sample:astronaut", "--scale", str(SCALE), "--json"],
}
SCRIPT = """
window.viewer = () => {
  for (const host of document.querySelectorAll("*")) {
    const node = host.shadowRoot?.querySelector(".segviz");
    if (node?.segviz) return node.segviz;
  }
  return document.querySelector(".segviz")?.segviz ?? null;
};
window.controls = () => Boolean(document.querySelector(".st-key-iterate_run button"));
window.picture = () => {
  const found = viewer();
  return found !== null && found !== window.old && found.step !== null;
};
window.finished = (steps) =>
  picture() && viewer().steps === steps + 1 && viewer().loaded
  && !document.querySelector("[data-testid=stProgress]")
  && document.querySelector("[data-testid=stApp]").dataset.testScriptState !== "running";
"""


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds that a process takes, and what it prints."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def without_browser() -> dict[str, float]:
    """Imports and commands, each in a process of its own, in seconds; and a step's milliseconds."""
    clock = "import time; s = time.perf_counter(); {}; print(time.perf_counter() - s)"
    found = {
        f"import {name}": float(timed([sys.executable, "-c", clock.format(code)])[1])
        for name, code in IMPORTS.items()
    }
    for name, arguments in COMMANDS.items():
        seconds, printed = timed([sys.executable, "-m", "segviz", *arguments])
        found[f"command {name}"] = seconds
    steps = json.loads(printed)["steps"]
    found["command step ms"] = statistics.median(step["ms"] for step in steps[1:])
    found["command forward ms"] = json.loads(printed)["forward_ms"]
    return found


@contextmanager
def server(port: int) -> Iterator[Callable[[], float]]:
    """The app; gives a clock that began with its process."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.fileWatcherType=none"]
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield lambda: time.perf_counter() - start
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> None:
    """Wait until the app does."""
    while True:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health") as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.02)


def watched(page: Any, clock: Callable[[], float], steps: int, who: str) -> dict[str, float]:  # noqa: ANN401
    """When the controls, the first picture and the whole run are there."""
    found = {}
    for what, condition in (
        ("controls", "() => controls()"),
        ("first picture", "() => picture()"),
        ("run finished", f"() => finished({steps})"),
    ):
        page.wait_for_function(condition, polling=20)
        found[f"{who}: {what}"] = clock()
    return found


def with_browser(sync_playwright: Callable[[], Any], idle: float) -> dict[str, float]:
    """One server and two visitors, in seconds.

    Arguments:
        sync_playwright: Playwright's.
        idle: Seconds between the server's answer and the first visitor.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    address = f"http://localhost:{port}"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            viewport={"width": 1440, "height": 900},
        )
        browser.set_default_timeout(120_000)
        browser.add_init_script(SCRIPT)
        page = browser.new_page()
        with server(port) as clock:
            answers(port)
            found = {"server answers": clock()}
            time.sleep(idle)
            page.goto(address, wait_until="commit")
            found |= watched(page, lambda: clock() - idle, STEPS, "first visitor")
            page.close()

            page = browser.new_page()
            start = time.perf_counter()
            page.goto(address, wait_until="commit")
            found |= watched(page, lambda: time.perf_counter() - start, STEPS, "second visitor")

            page.evaluate("window.old = viewer()")
            box = page.get_by_label("Scale", exact=True)
            box.fill(str(SCALE))
            box.press("Enter")
            page.wait_for_timeout(1000)
            start = time.perf_counter()
            page.locator(".st-key-iterate_run button").click()
            found |= watched(page, lambda: time.perf_counter() - start, STEPS, "Run pressed")
            del found["Run pressed: controls"]
            costs = page.get_by_text("one step").last.inner_text()
            found["app step ms"] = float(costs.split("one step ")[1].split(" ms")[0])
            found["app forward ms"] = float(costs.split("forward pass ")[1].split(" ms")[0])
        browser.close()
    return found


def main() -> None:
    """Measure, print JSON, and put it into a file beside what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--idle", type=float, default=0.0, help="seconds before anyone comes")
    parser.add_argument("--name", default="now", help="what to call it in the file")
    parser.add_argument("--note", default="", help="what else ran on the machine")
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sys.exit("Playwright is not installed; run pip install -r requirements-dev.txt.")
    if options.repeats < 1:
        sys.exit(f"--repeats is {options.repeats}, but must be at least 1.")

    rounds: list[dict[str, float]] = []
    for number in range(options.repeats):
        rounds.append({**without_browser(), **with_browser(sync_playwright, options.idle)})
        print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    numbers = {
        name: {
            "median": round(statistics.median(one[name] for one in rounds), 2),
            "all": [round(one[name], 2) for one in rounds],
        }
        for name in rounds[0]
    }
    measured = {
        "command": " ".join(["python", "benchmarks/cold_start.py", *sys.argv[1:]]),
        "unit": "seconds, but for those named ms",
        "scale": {"first screen": 3, "Run pressed, command run of 32 steps": SCALE},
        "steps": STEPS,
        "idle": options.idle,
        "numbers": numbers,
        "machine": {
            "cpus": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            "note": options.note,
        },
    }
    text = json.dumps(measured, indent=1)
    print(text)
    if options.out:
        there = json.loads(options.out.read_text()) if options.out.exists() else {}
        options.out.write_text(json.dumps({**there, options.name: measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
