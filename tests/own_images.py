"""Folders of synthetic photos and masks with five classes, and a tiny network that knows them."""

import numpy as np
from PIL import Image, ImageDraw

NAMES = ("ground", "road", "sky", "tree", "car")
COLOURS = ((0, 0, 0), (90, 90, 90), (70, 130, 180), (30, 140, 40), (200, 30, 60))


def labels(seed, width=80, height=60):
    """Boxes of classes 1 to 4 on class 0, with an ignored border, (H, W) uint8."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (width, height))
    for label in range(1, 5):
        x, y = rng.integers(0, width - 24), rng.integers(0, height - 24)
        ImageDraw.Draw(image).rectangle((x, y, x + 20, y + 20), fill=label)
    array = np.array(image)
    array[:2] = 255
    return array


def photo(truth, seed):
    """A noisy picture of the classes, (H, W, 3) uint8."""
    colours = np.zeros((256, 3), np.int64)
    colours[: len(COLOURS)] = COLOURS
    noise = np.random.default_rng(seed).integers(-20, 20, (*truth.shape, 3))
    return np.clip(colours[truth] + noise, 0, 255).astype(np.uint8)


def write(root, count, save=lambda truth: Image.fromarray(truth)):
    """Write photos and masks to `root`/images and `root`/masks; return these folders.

    Arguments:
        root: The folder.
        count: The number of images; every fifth is in a sub-folder, every seventh is large.
        save: Returns the image of a mask for labels (H, W) uint8.
    """
    images, masks = root / "images", root / "masks"
    for place in range(count):
        folder = "north side" if place % 5 == 4 else "."
        size = (600, 300) if place % 7 == 6 else (80, 60)
        truth = labels(place, *size)
        for parent in (images, masks):
            (parent / folder).mkdir(parents=True, exist_ok=True)
        suffix = (".png", ".JPG", ".bmp")[place % 3]
        Image.fromarray(photo(truth, place)).save(images / folder / f"p{place:02}{suffix}")
        save(truth).save(masks / folder / f"p{place:02}.png")
    return images, masks


def network(path):
    """Write a tiny random network of these classes and colours to `path`, and return `path`."""
    from segviz.network import Architecture, checkpoint
    from tests.miniature import calibrated

    architecture = Architecture("test_efficientnet", channels=8, levels=3, classes=len(NAMES))
    card = {"name": path.stem, "classes": NAMES, "colours": COLOURS}
    checkpoint.save(calibrated(architecture, seed=2), path, card)
    return path
