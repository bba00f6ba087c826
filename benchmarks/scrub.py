"""Measure how fast the viewer scrubs in a headless Chromium, and the size of its message.

    python benchmarks/scrub.py [--scale 3] [--steps 32] [--record PATH] > result.json

Adapts the network to a photo of 500 x 375 (or takes a record), opens the viewer with four panels
on a page of its own, and moves the step from 0 to the last and back, a step per frame of the
browser, twice: with pictures that have yet to be drawn, and with pictures that are kept. Needs
Playwright and Chromium; run it on a machine that does nothing else.
"""

import argparse
import base64
import json
import os
import platform
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from segviz.adapt import Settings
from segviz.data import samples
from segviz.network import checkpoint
from segviz.runs.record import Record
from segviz.runs.run import Run
from segviz.viewer import NamedRecord, assets
from segviz.viewer.payload import payload

SIZE = (500, 375)
PANELS = ["photo", "prediction", "entropy", "receptive-field"]
PAGE = """<!doctype html><meta charset="utf-8"><style>{css}</style><div id="place"></div>
<script type="module">{js}
const frame = () => new Promise(requestAnimationFrame);
const find = (name) => document.querySelector(`.segviz ${{name}}`);
const shown = (step) => find(`.layer[data-step="${{step}}"]`);
window.open_viewer = async (head, frames, options) => {{
  const bytes = Uint8Array.from(atob(frames), (c) => c.charCodeAt(0));
  const last = head.runs[0].steps.length - 1;
  await frame();
  const start = performance.now();
  mount(document.getElementById("place"), head, bytes, options);
  while (!shown(last)) await frame();
  const first = performance.now() - start;
  while (document.querySelector(".segviz").ariaBusy !== "false") await frame();
  return {{ first, all: performance.now() - start }};
}};
window.scrub = async () => {{
  const scrubber = find(".scrubber");
  const last = Number(scrubber.max);
  const path = [...Array(last + 1).keys()];
  path.push(...path.slice(0, -1).reverse());
  const times = [];
  await frame();
  let before = performance.now();
  for (const step of path) {{
    scrubber.value = String(step);
    scrubber.dispatchEvent(new Event("input"));
    do await frame(); while (!shown(step));
    times.push(performance.now() - before);
    before = performance.now();
  }}
  return times;
}};
</script>"""


def adapted(scale: float, steps: int) -> Record:
    """Return a run on a sample, cropped to 4:3 and resized to `SIZE`."""
    photo, truth = samples.load("motorcycle")
    height, width = photo.shape[:2]
    left = (width - height * 4 // 3) // 2
    box = (left, 0, left + height * 4 // 3, height)
    small = Image.fromarray(photo).crop(box).resize(SIZE, Image.Resampling.LANCZOS)
    labels = Image.fromarray(truth.astype(np.uint8)).crop(box)
    labels = labels.resize(SIZE, Image.Resampling.NEAREST)
    settings = Settings(scale=scale, steps=steps)
    return Run(checkpoint.load(), np.array(small), settings, np.array(labels), "motorcycle").all()


def main() -> None:
    """Measure and print JSON."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    record = (
        Record.load(options.record) if options.record else adapted(options.scale, options.steps)
    )

    start = time.perf_counter()
    made = payload([NamedRecord(record, "run")])
    encoding = time.perf_counter() - start
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_content(PAGE.format(**assets()))
        page.wait_for_function("() => Boolean(window.scrub)")
        opened = page.evaluate(
            "([head, frames, options]) => open_viewer(head, frames, options)",
            [made.head, base64.b64encode(made.frames).decode(), {"view": {"panels": PANELS}}],
        )
        passes = [np.array(page.evaluate("scrub()")) for _ in range(2)]
        version = browser.version
        browser.close()
    height, width = record.photo.shape[:2]
    probabilities = made.head["runs"][0]["probabilities"]["steps"]
    result = {
        "photo": [width, height],
        "steps": len(record.steps),
        "grid": list(record.entropy.codes.shape[1:]),
        "panels": PANELS,
        "bytes": {
            "all": len(json.dumps(made.head)) + len(made.frames),
            "probabilities": sum(length for _, length in probabilities),
        },
        "encoding_s": round(encoding, 3),
        "first_picture_ms": round(opened["first"]),
        "all_decoded_ms": round(opened["all"]),
        "scrub": {
            name: {
                "frames_per_second": round(1e3 * len(times) / times.sum(), 1),
                "median_ms": round(float(np.median(times)), 1),
                "slowest_ms": round(float(times.max()), 1),
            }
            for name, times in zip(("first", "again"), passes, strict=True)
        },
        "machine": {
            "cpus": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 1),
            "chromium": version,
            "python": platform.python_version(),
        },
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
