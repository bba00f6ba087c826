"""Twenty visitors at once, one who leaves, and hundreds of visits, on a server of the app.

Visitors speak Streamlit's protocol over a websocket and follow its timers, as a browser does; the
network is a tiny one, so that what is measured is the app.

    python benchmarks/load_test.py --out results/trust.json
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # here as on the server: sums in the same order

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from segviz.data.classes import CLASSES
from segviz.data.images import load_photo
from segviz.jobs.visit_store import VisitStore, new_token
from segviz.network import Architecture, checkpoint
from segviz.runs.record import Record
from segviz.runs.run import Run
from segviz.runtime.files import write_atomically
from tests.miniature import calibrated

ROOT = Path(__file__).parents[1]
TIMEOUT = 600.0
"""Seconds that a visitor waits for a result."""

TOGETHER = 5
"""The number of visitors who come and go together."""

SAMPLES = ("cat", "rocket", "coffee", "astronaut")
METHODS = ("entropy", "oracle")


# The server


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, int]]:
    """Start the app on a tiny network; yield its address and its process's id."""
    weights = folder / f"{checkpoint.DEFAULT}.safetensors"
    architecture = Architecture(backbone="test_efficientnet", channels=16, levels=4)
    card = {"name": checkpoint.DEFAULT, "classes": CLASSES}
    checkpoint.save(calibrated(architecture), weights, card)
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    options = ["--server.headless=true", "--server.fileWatcherType=none", f"--server.port={port}"]
    command = [sys.executable, "-m", "streamlit", "run", "tests/browser/miniature_app.py", *options]
    environment = {
        **os.environ,
        "SEGVIZ_TEST_CHECKPOINTS": str(folder),
        "SEGVIZ_RUNS": str(folder / "runs"),
        "SEGVIZ_ENGINE": "torch",
    }
    log = folder / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        while not _answers(f"http://localhost:{port}/_stcore/health"):
            if server.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.2)
        yield f"localhost:{port}", server.pid
        if "Traceback" in log.read_text():
            raise SystemExit(log.read_text())
    finally:
        server.terminate()
        server.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def resident_bytes(pid: int) -> int:
    """Return the memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return 1024 * int(line.split()[1])
    raise SystemExit(f"process {pid} has ended")


# A visitor


class Visitor:
    """A tab of a browser with a cookie of its own.

    Arguments:
        socket: The connection to the server.
        token: The token in the cookie.
    """

    def __init__(self, socket: ClientConnection, token: str) -> None:
        self._socket, self.token = socket, token

    async def open(self, **query: object) -> None:
        """Request a page."""
        await self._rerun(urlencode(query))

    async def wait(self) -> None:
        """Follow the page's timers until it sets none: its runs are made."""
        timers: dict[str, float] = {}
        async with asyncio.timeout(TIMEOUT):
            while True:
                message = ForwardMsg()
                message.ParseFromString(await self._socket.recv(decode=False))
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    announced: dict[str, float] = {}
                elif kind == "auto_rerun":
                    announced[message.auto_rerun.fragment_id] = message.auto_rerun.interval
                elif kind == "script_finished":
                    if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        continue
                    if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        timers = announced  # those of the page before have ended
                    if not timers:
                        return
                    fragment, interval = next(iter(timers.items()))
                    await asyncio.sleep(interval)
                    await self._rerun("", fragment)

    async def _rerun(self, query: str, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        await self._socket.send(message.SerializeToString())


@asynccontextmanager
async def visit(address: str):  # noqa: ANN201
    """Connect a visitor, and disconnect them at the end."""
    token = new_token()
    async with connect(
        f"ws://{address}/_stcore/stream",
        subprotocols=["streamlit"],
        additional_headers={"Cookie": f"segviz_visit={token}"},
        max_size=None,
    ) as socket:
        yield Visitor(socket, token)


def saved_record(folder: Path, token: str) -> Record:
    """Return the newest run of a visitor, as the server has written it."""
    visit = VisitStore(folder / "runs" / "visits").visit(token)
    assert visit is not None
    end = time.monotonic() + 60
    while not (runs := visit.runs()):  # written in the background
        if time.monotonic() > end:
            raise SystemExit("a run was not written")
        time.sleep(0.1)
    return visit.load(runs[-1].id)


# What is measured


async def many_at_once(address: str, folder: Path, count: int) -> dict[str, Any]:
    """Let visitors request different runs at once; compare each with the same run alone."""
    queries = [
        {
            "photo": f"sample:{SAMPLES[n % 4]}",
            "method": METHODS[n // 4 % 2],
            "scale": 1 + n % 5 / 4,
            "steps": 3 + n,
        }
        for n in range(count)
    ]

    async def request(query: dict[str, object]) -> str:
        async with visit(address) as visitor:
            await visitor.open(**query)
            await visitor.wait()
            return visitor.token

    start = time.monotonic()
    tokens = await asyncio.gather(*map(request, queries))
    seconds = time.monotonic() - start
    trained, equal = checkpoint.load(str(folder / f"{checkpoint.DEFAULT}.safetensors")), 0
    for query, token in zip(queries, tokens, strict=True):
        made = saved_record(folder, token)
        alone = Run(trained, made.photo, made.settings, made.truth).all()
        asked = (made.settings.method, made.settings.scale, made.settings.steps)
        equal += asked == (query["method"], query["scale"], query["steps"]) and same(made, alone)
    return {"sessions": count, "equal": equal, "seconds": round(seconds, 1)}


def same(a: Record, b: Record) -> bool:
    """Return whether labels, maps and numbers of two runs are equal, all but the times."""
    timeless = [[{**step, "ms": None} for step in record.steps] for record in (a, b)]
    return (
        timeless[0] == timeless[1]
        and np.array_equal(a.labels, b.labels)
        and np.array_equal(a.entropy.codes, b.entropy.codes)
    )


async def someone_leaves(address: str, count: int = 6) -> dict[str, Any]:
    """Let visitors request long runs and leave; return how long the next one waits."""
    short = {"photo": "sample:cat", "scale": 0.5, "steps": 2}
    alone = time.monotonic()
    async with visit(address) as visitor:
        await visitor.open(**short)
        await visitor.wait()
    alone = time.monotonic() - alone
    for number in range(count):
        async with visit(address) as visitor:
            # No two ask for the same.
            await visitor.open(photo="sample:rocket", scale=4, steps=128 - number)
            await asyncio.sleep(2)  # until the run is requested
    start = time.monotonic()
    async with visit(address) as visitor:
        await visitor.open(**short)
        await visitor.wait()
    waited = time.monotonic() - start
    return {"left": count, "seconds": round(waited, 1), "seconds_alone": round(alone, 1)}


async def many_visits(address: str, pid: int, count: int) -> dict[str, Any]:
    """Let visitors come and go, a few at a time, and watch the memory of the server."""

    async def come_and_go() -> None:
        async with visit(address) as visitor:
            await visitor.open(photo="sample:cat", scale=1, steps=2)
            await visitor.wait()

    memory = []
    for number in range(0, count, TOGETHER):
        await asyncio.gather(*(come_and_go() for _ in range(TOGETHER)))
        memory.append(resident_bytes(pid))
        print(f"{number + TOGETHER} visits, {memory[-1] / 1e6:.0f} MB", file=sys.stderr, flush=True)
    # Means of the visits after the 50th and of the last, as memory comes and goes.
    settled, some = min(50, count // 2) // TOGETHER, max(1, 20 // TOGETHER)
    first, last = memory[settled : settled + some], memory[-some:]
    return {
        "visits": count,
        "megabytes_after_50": round(statistics.mean(first) / 1e6),
        "megabytes_at_end": round(statistics.mean(last) / 1e6),
        "megabytes_most": round(max(memory) / 1e6),
    }


def slow_picture() -> dict[str, Any]:
    """Return what a picture that is slow to decode costs somebody who decodes another meanwhile."""
    noise = np.random.default_rng(0).integers(0, 256, (1800, 2400, 3), dtype=np.uint8)
    slow, quick = (
        _jpeg(pixels, progressive=progressive)
        for pixels, progressive in ((np.tile(noise, (2, 2, 1)), True), (noise[:375, :500], False))
    )
    alone = statistics.median(_seconds(lambda: load_photo(quick)) for _ in range(9))
    other = threading.Thread(target=lambda: load_photo(slow))
    start = time.monotonic()
    other.start()
    beside = statistics.median(_seconds(lambda: load_photo(quick)) for _ in range(9))
    other.join()
    return {
        "slow_seconds": round(time.monotonic() - start, 2),
        "alone_seconds": round(alone, 3),
        "beside_seconds": round(beside, 3),
    }


def _jpeg(pixels: np.ndarray, progressive: bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90, progressive=progressive)
    return buffer.getvalue()


def _seconds(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


async def measure(sessions: int, visits: int) -> dict[str, Any]:
    """Return all measurements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder) as (address, pid):
            return {
                "at_once": await many_at_once(address, folder, sessions),
                "leaving": await someone_leaves(address),
                "visits": await many_visits(address, pid, visits),
                "slow_picture": slow_picture(),
            }


def failures(found: dict[str, Any]) -> list[str]:
    """Return what does not hold."""
    at_once, leaving, visits = found["at_once"], found["leaving"], found["visits"]
    picture = found["slow_picture"]
    checks = {
        "runs at once differ from those alone": at_once["equal"] != at_once["sessions"],
        "somebody waited for those who left": leaving["seconds"] - leaving["seconds_alone"] > 10,
        "the memory grows": visits["megabytes_at_end"] > 1.05 * visits["megabytes_after_50"] + 10,
        "a slow picture holds up others": not math.isfinite(picture["beside_seconds"])
        or picture["beside_seconds"] - picture["alone_seconds"] > 1,
    }
    return [name for name, failed in checks.items() if failed]


def main() -> int:
    """Measure, print JSON, and tell what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--visits", type=int, default=300)
    parser.add_argument("--out", type=Path, help="a JSON file, whose entry `load` is replaced")
    options = parser.parse_args()
    found = asyncio.run(measure(options.sessions, options.visits))
    print(json.dumps(found, indent=1))
    if options.out is not None:
        before = json.loads(options.out.read_text()) if options.out.exists() else {}
        write_atomically(options.out, json.dumps({**before, "load": found}, indent=1) + "\n")
    wrong = failures(found)
    print("\n".join(wrong), file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
