"""Check that the gate does not read the traces of interpolation: photos enlarged in several ways.

    python benchmarks/gate_controls.py --voc-root DIR [--limit 60] [--out FILE.json]

The gate was trained on photos enlarged bilinearly by the network's own front end. Here photos are
enlarged 3x by other filters, sharpened, compressed and made noisy, and then read as they are. For
each, mIoU of feedforward, of the gate, and of someone who is told the scale and reads 1.5x.
"""

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from tqdm import tqdm

from segviz import metrics
from segviz.adapt import Settings
from segviz.adapt.episode import photo_labels
from segviz.adapt.gate import Gate
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.data import voc
from segviz.data.splits import voc_images
from segviz.evaluation.evaluate import choose_images
from segviz.network import load
from segviz.runs.provenance import environment
from segviz.runtime.files import write_atomically

SCALE = 3
METHODS = {
    "feedforward": Settings(method="feedforward", scale=1.0),
    "pyramid:gate": Settings(method="pyramid:gate", scale=1.0),
    "pyramid:five": Settings(method="pyramid:five", scale=1.0),
    "told the scale": Settings(method="feedforward", scale=0.5),
}


def enlarged(filter: Image.Resampling) -> Callable[[Image.Image], Image.Image]:
    """Return what enlarges a photo with a filter."""
    return lambda photo: photo.resize((SCALE * photo.width, SCALE * photo.height), filter)


def sharpened(photo: Image.Image) -> Image.Image:
    """Enlarge and sharpen a photo."""
    return enlarged(Image.Resampling.BILINEAR)(photo).filter(ImageFilter.UnsharpMask(4, 150, 0))


def compressed(photo: Image.Image) -> Image.Image:
    """Enlarge a photo, and compress it as a JPEG of quality 60."""
    buffer = io.BytesIO()
    enlarged(Image.Resampling.BILINEAR)(photo).save(buffer, "JPEG", quality=60)
    return Image.open(buffer).convert("RGB")


def noisy(photo: Image.Image) -> Image.Image:
    """Enlarge a photo and add Gaussian noise of 8 levels."""
    pixels = np.asarray(enlarged(Image.Resampling.BILINEAR)(photo), np.float32)
    noise = np.random.default_rng(0).normal(0, 8, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "bilinear": enlarged(Image.Resampling.BILINEAR),
    "nearest": enlarged(Image.Resampling.NEAREST),
    "Lanczos": enlarged(Image.Resampling.LANCZOS),
    "bilinear, sharpened": sharpened,
    "bilinear, JPEG 60": compressed,
    "bilinear, noise": noisy,
}


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    images = voc_images(voc.find_root(options.voc_root), options.split)
    ids = choose_images(images, options.limit)
    trained = load()
    gate, count = Gate.of_card(trained.card.get("gate")), trained.network.classes
    matrices = {
        (alteration, method): np.zeros((count, count), np.int64)
        for alteration in ALTERATIONS
        for method in METHODS
    }
    for id in tqdm(ids, unit="photo"):
        photo, truth = Image.fromarray(images.photo(id)), images.truth(id)
        large = truth.repeat(SCALE, 0).repeat(SCALE, 1)
        for alteration, alter in ALTERATIONS.items():
            views = PhotoViews(trained.network, np.asarray(alter(photo)), gate=gate)
            for method, settings in METHODS.items():
                *_, last = optimise(views, settings)
                labels = photo_labels(last, views)
                matrices[alteration, method] += metrics.confusion(large, labels, count)
            views.keep(set())
    results = [
        {"alteration": alteration, "method": method, "miou": metrics.mean_iou(matrix)}
        for (alteration, method), matrix in matrices.items()
    ]
    for alteration in ALTERATIONS:
        found = {r["method"]: 100 * r["miou"] for r in results if r["alteration"] == alteration}
        print(f"{alteration:22}", *(f"{name} {miou:5.1f}" for name, miou in found.items()))
    if options.out:
        facts = {
            "images": len(ids),
            "split": options.split,
            "scale": SCALE,
            "command": f"python benchmarks/gate_controls.py --voc-root DIR --limit {len(ids)}",
            "environment": environment(trained),
            "results": results,
        }
        write_atomically(options.out, json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
