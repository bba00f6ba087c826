"""Fixtures for all tests."""

import os
import sys

# Tests run in several processes, and the processes that they start inherit this. Set before numpy
# and torch are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Converting networks takes seconds; the tests of engines ask for them.
os.environ.setdefault("SEGVIZ_ENGINE", "torch")

import numpy as np
import pytest
from PIL import Image, ImageDraw

from segviz.data.classes import IGNORE
from segviz.data.voc_palette import PALETTE
from tests.miniature import COLOURS, CONTENTS, SPLITS, calibrated

BROWSER = "tests/browser/"


def pytest_collection_modifyitems(items):
    """Put the files with slow tests first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(BROWSER), item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one process, and those in a browser, which share a server."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def main_module():
    """Put `__main__` back: Streamlit's AppTest replaces it, and spawned processes run it again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def seed():
    """The same random numbers in every test, whichever tests run."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def voc_root(tmp_path_factory):
    """A folder VOC2012 with 12 images of 96 x 72 (one of 72 x 96). To be read only.

    train, val and trainval have truth in SegmentationClass; trainaug has two more images, whose
    truth is in SegmentationClassAug. Objects are discs and boxes with one colour to each class.
    """
    root = tmp_path_factory.mktemp("voc") / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationClassAug"):
        (root / folder).mkdir(parents=True)
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    for split, ids in SPLITS.items():
        (root / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(ids) + "\n")
    rng = np.random.default_rng(0)
    for id, classes in CONTENTS.items():
        width, height = (72, 96) if id == "2008_000005" else (96, 72)
        photo = rng.integers(110, 150, (height, width, 3), dtype=np.uint8)
        photo, truth = Image.fromarray(photo), Image.new("L", (width, height))
        for place, label in enumerate(classes):
            x, y = 12 + 44 * place + rng.integers(0, 8), 14 + rng.integers(0, 16)
            box = (x, y, x + 28, y + 36)
            draw = "ellipse" if label in (8, 15) else "rectangle"
            getattr(ImageDraw.Draw(truth), draw)(box, fill=label, outline=IGNORE, width=2)
            getattr(ImageDraw.Draw(photo), draw)(box, fill=COLOURS[label])
        truth.putpalette(PALETTE.tobytes())
        photo.save(root / "JPEGImages" / f"{id}.jpg", quality=95)
        folder = "SegmentationClassAug" if id.startswith("2009") else "SegmentationClass"
        truth.save(root / folder / f"{id}.png")
    return root


# Networks. Torch is imported inside the fixtures, so that the other tests start at once.


@pytest.fixture(scope="session")
def tiny_architecture():
    """A light network: stride 16, 16 channels, sigma 0, 1, 2, 4."""
    from segviz.network import Architecture

    # timm's own miniature, but otherwise as the shipped network.
    return Architecture(backbone="test_efficientnet", channels=16, levels=4)


@pytest.fixture(scope="session")
def checkpoint_path(tiny_architecture, tmp_path_factory):
    """The weights file of a tiny random network, its card beside it. To be read only."""
    from segviz.data.classes import CLASSES
    from segviz.network import checkpoint

    path = tmp_path_factory.mktemp("checkpoints") / "tiny.safetensors"
    checkpoint.save(calibrated(tiny_architecture), path, {"name": "tiny", "classes": CLASSES})
    return path


@pytest.fixture(scope="session")
def trained(checkpoint_path):
    """The tiny network as a checkpoint: shared by all tests, so none may write to it."""
    from segviz.network import checkpoint

    return checkpoint.load(str(checkpoint_path))


@pytest.fixture(scope="session")
def foreign():
    """A wrapped module of 4 classes at stride 8, its logits interpolated. To be read only."""
    import torch
    from torch import nn

    import segviz

    class Module(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 6, 3, 8, 1), nn.BatchNorm2d(6), nn.ReLU())
            self.head = nn.Conv2d(6, 4, 3, padding=1)

        def forward(self, x):
            logits = self.head(self.body(x))
            return nn.functional.interpolate(logits, x.shape[-2:], mode="bilinear")

    torch.manual_seed(0)
    classes = ["road", "car", "tree", "sky"]
    return segviz.wrap(Module(), classes, mean=(124, 116, 104), std=(58, 57, 57), name="own")


@pytest.fixture(scope="session")
def network(trained):
    """The tiny network in float32, eval mode."""
    return trained.network


@pytest.fixture
def backbone_inputs(trained):
    """Collect the size (height, width) of each input of the network; traces do not count."""
    sizes = []

    def collect(_, inputs):
        if not inputs[0].is_meta:
            sizes.append(tuple(inputs[0].shape[-2:]))

    handle = trained.network.fast_backbone.register_forward_pre_hook(collect)
    yield sizes
    handle.remove()


@pytest.fixture(scope="session")
def network64(network):
    """The tiny network in float64, eval mode, with an input in float64."""
    import copy

    network64 = copy.deepcopy(network).double()
    network64.normalise = lambda photo: network.normalise(photo).double()
    return network64


@pytest.fixture(scope="session")
def photo():
    """A photo of 72 x 56 (H, W, 3) uint8: two coloured shapes on a textured ground."""
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(60, 160, (56, 72, 3), dtype=np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((6, 8, 36, 44), fill=COLOURS[8])
    draw.rectangle((44, 12, 66, 50), fill=COLOURS[20])
    return np.array(image)


@pytest.fixture(scope="session")
def truth():
    """The labels of `photo`, (H, W) int64, with a border of ignored pixels."""
    image = Image.new("L", (72, 56))
    draw = ImageDraw.Draw(image)
    draw.ellipse((6, 8, 36, 44), fill=8, outline=IGNORE, width=2)
    draw.rectangle((44, 12, 66, 50), fill=20, outline=IGNORE, width=2)
    return np.array(image).astype(np.int64)


@pytest.fixture(scope="session")
def views(network, photo, truth):
    """The views of `photo` and `truth` through the tiny network: shared by all tests."""
    from segviz.adapt.photo_views import PhotoViews, Reference

    return PhotoViews(network, photo, Reference(truth))


@pytest.fixture(scope="session")
def encoded(views):
    """The view at scale 2."""
    return views.encoded(2.0)


@pytest.fixture(scope="session")
def views64(network64, photo, truth):
    """The views in float64."""
    from segviz.adapt.photo_views import PhotoViews, Reference

    return PhotoViews(network64, photo, Reference(truth))


@pytest.fixture(scope="session")
def encoded64(views64):
    """The view at scale 2 in float64."""
    return views64.encoded(2.0)


@pytest.fixture(scope="session")
def record(trained, photo, truth):
    """A run of 3 steps on `photo`, 3 classes or more, with truth. To be read only."""
    from segviz.adapt import Settings
    from segviz.runs.run import Run

    return Run(trained, photo, Settings(scale=1.0, steps=3), truth, "shapes").all()


@pytest.fixture(scope="session")
def unjudged(trained, photo):
    """The same without truth: the 1x prediction stands in."""
    from segviz.adapt import Settings
    from segviz.runs.run import Run

    return Run(trained, photo, Settings(scale=1.0, steps=3), None, "shapes").all()


# The command line


@pytest.fixture
def cli(capsys, checkpoint_path):
    """Run a command in this process: its exit code, stdout and stderr."""

    from segviz.cli.main import main

    def cli(*arguments, trained=True):
        extra = ["--checkpoint", checkpoint_path, "--device", "cpu"] if trained else []
        try:
            code = main([str(a) for a in (*arguments, *extra)])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return cli


@pytest.fixture(scope="session")
def files(tmp_path_factory, photo, truth):
    """photo.png and its mask.png, VOC's palette."""
    folder = tmp_path_factory.mktemp("files")
    Image.fromarray(photo).save(folder / "photo.png")
    mask = Image.fromarray(truth.astype(np.uint8))
    mask.putpalette(PALETTE.tobytes())
    mask.save(folder / "mask.png")
    return folder
