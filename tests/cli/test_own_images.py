"""Commands on folders of photos and masks."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from segviz.data.classes import ClassList
from segviz.data.folders import open_folders
from segviz.data.voc_palette import PALETTE
from segviz.network import checkpoint
from segviz.runs.run import Run, Settings
from tests import own_images
from tests.cli.output import assert_refused, parse_json
from tests.own_images import COLOURS, NAMES

FEEDFORWARD = ("--scales", "1", "--methods", "feedforward", "--device", "cpu")


@pytest.fixture(scope="session")
def five(tmp_path_factory):
    """The weights file of a network with five classes. To be read only."""
    return own_images.network(tmp_path_factory.mktemp("five") / "five.safetensors")


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Twenty photos and masks of five classes. To be read only."""
    return own_images.write(tmp_path_factory.mktemp("own"), 20)


@pytest.fixture
def few(tmp_path):
    """Three photos and masks, to be changed."""
    return own_images.write(tmp_path / "few", 3)


@pytest.fixture
def evaluate(cli, five):
    """Run `segviz evaluate` on folders; return its exit code, stdout and stderr."""

    def evaluate(images, masks, *options, network=five, method=FEEDFORWARD):
        folders = ["--images", images, *([] if masks is None else ["--masks", masks])]
        return cli("evaluate", *folders, *method, "--checkpoint", network, *options, trained=False)

    return evaluate


@pytest.mark.parametrize(("long_side", "width"), [("500", 500), ("native", 600)])
def test_miou_is_that_of_torchmetrics(evaluate, five, folders, long_side, width):
    classification = pytest.importorskip("torchmetrics.classification")
    metric = classification.MulticlassJaccardIndex(len(NAMES), average="macro", ignore_index=255)
    trained = checkpoint.load(str(five))
    side = None if long_side == "native" else int(long_side)
    data = open_folders(*folders, ClassList(NAMES), long_side=side)
    assert data.photo("p06").shape == (width // 2, width, 3)
    for id in data.ids:
        record = Run(trained, data.photo(id), Settings(scale=1.0, steps=0)).all()
        truth = torch.from_numpy(data.truth(id))
        metric.update(torch.from_numpy(record.labels[0].astype(np.int64)), truth)
    code, out, err = evaluate(*folders, "--json", "--long-side", long_side)
    result = parse_json(out)
    assert code == 0 and result["images"] == 20 and result["failed"] == []
    assert result["results"][0]["miou"] == pytest.approx(metric.compute().item(), abs=1e-6)
    assert result["classes"] == list(NAMES) and len(result["results"][0]["class_iou"]) == 5
    assert err.startswith("segviz: classes in 20 masks: 0 ground ")


def by_colour(truth):
    table = np.zeros((256, 3), np.uint8)
    table[: len(COLOURS)], table[255] = COLOURS, PALETTE[255]
    return Image.fromarray(table[truth])


def by_palette(truth):
    order = np.array([3, 1, 4, 0, 2])  # the palette's order is not that of the classes
    indices = np.full(256, 5, np.uint8)
    indices[order] = np.arange(5)
    image = Image.fromarray(indices[truth])
    image.putpalette([*np.array(COLOURS)[order].ravel().tolist(), *PALETTE[255].tolist()])
    return image


def one_more(truth):
    return Image.fromarray(np.where(truth == 255, 0, truth + 1).astype(np.uint8))


@pytest.mark.parametrize(
    ("save", "options"),
    [
        (by_colour, ()),
        (by_palette, ()),
        (one_more, ("--reduce-zero-label",)),
        (lambda truth: Image.fromarray(np.where(truth == 255, 77, truth).astype(np.uint8)),
         ("--ignore", 77)),
        (lambda truth: Image.fromarray(truth.astype(np.uint16)), ()),
    ],
    ids=["colours", "palette", "reduce-zero-label", "ignore", "16 bits"],
)  # fmt: skip
def test_every_form_of_masks_gives_the_same_numbers(evaluate, few, tmp_path, save, options):
    other = own_images.write(tmp_path / "other", 3, save)
    rows = [parse_json(evaluate(*each, *more, "--json")[1])["results"][0]
            for each, more in ((few, ()), (other, options))]  # fmt: skip
    for key in ("miou", "accuracy", "entropy", "class_iou"):
        assert rows[0][key] == rows[1][key]


def test_classes_are_mapped_by_name(evaluate, few, tmp_path):
    """The data have other ids for the same classes, and one that the network does not know."""
    plain = parse_json(evaluate(*few, "--json", "--ignore", 255)[1])["results"][0]
    turned = own_images.write(
        tmp_path / "turned", 3, lambda truth: Image.fromarray(np.where(truth == 255, 5, 4 - truth))
    )
    (tmp_path / "classes.txt").write_text("Car\ntree\nSKY\nlane\nground\nunknown thing\n")
    (tmp_path / "map.json").write_text(json.dumps({"lane": "road"}))
    options = ("--classes", tmp_path / "classes.txt", "--class-map", tmp_path / "map.json")
    code, out, err = evaluate(*turned, *options, "--json")
    row = parse_json(out)["results"][0]
    assert code == 0 and row["miou"] == plain["miou"] and row["class_iou"] == plain["class_iou"]
    assert "Car -> car, tree -> tree, SKY -> sky, lane -> road, ground -> ground" in err
    assert "does not know 1 of the 6 classes" in err and "unknown thing (3.3% of the" in err


def test_rows_are_measured_again_where_masks_change(evaluate, few, tmp_path):
    options = ("--out", tmp_path / "out", "--json")
    before = parse_json(evaluate(*few, *options)[1])
    assert parse_json(evaluate(*few, *options)[1])["results"] == before["results"]
    Image.new("L", (80, 60), 4).save(few[1] / "p01.png")
    after = parse_json(evaluate(*few, *options)[1])["results"][0]
    assert after["class_iou"] != before["results"][0]["class_iou"]


def test_without_masks_only_entropy_is_measured(evaluate, few):
    code, out, err = evaluate(few[0], None, "--json", method=("--scales", "1", "--steps", 1))
    rows = parse_json(out)["results"]
    assert code == 0 and [row["method"] for row in rows] == ["feedforward", "entropy"]
    assert all(row["miou"] is None and row["accuracy"] is None for row in rows)
    assert rows[1]["entropy"] < rows[0]["entropy"] and "Traceback" not in err
    assert_refused(
        evaluate(few[0], None, method=("--methods", "oracle")), "oracle", "truth", "--masks"
    )


def test_unmatched_images_are_named(evaluate, few):
    (few[1] / "p02.png").unlink()
    code, out, err = evaluate(*few, "--json")
    assert code == 0 and parse_json(out)["images"] == 2
    assert "segviz: 1 photo has no mask (p02), and is left out." in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--classes", "absent.txt"], [r"absent\.txt", "one name a line"]),
        (["--classes", "{three}"], [r"p00\.png", "class ids 3, 4", "0 to 2", "--classes"]),
        (["--classes", "{others}"], ["no class of the data", "wall", "ground", "--class-map"]),
        (["--class-map", "absent.json"], [r"absent\.json", "name in the data"]),
        (["--ignore", "-1"], ["--ignore", "65535", "-1"]),
        (["--reduce-zero-label", "--classes", "{ids}"], ["--reduce-zero-label", "ids"]),
        (["--split", "val"], ["val", r"\.txt"]),
        (["--voc-root", "."], ["--voc-root", "--images", "both"]),
    ],
)
def test_refused(evaluate, few, tmp_path, options, words):
    files = {
        "three": ("three.txt", "ground\nroad\nsky\n"),
        "others": ("others.txt", "wall\nfloor\nlamp\ndoor\nbed\n"),
        "ids": ("ids.json", '{"0": "ground", "7": "road"}'),
    }
    paths = {}
    for key, (name, content) in files.items():
        paths[key] = tmp_path / name
        paths[key].write_text(content)
    assert_refused(evaluate(*few, *(each.format(**paths) for each in options)), *words)


def test_binary_masks_are_refused(evaluate, tmp_path):
    folders = own_images.write(
        tmp_path, 2, lambda truth: Image.fromarray((255 * (truth == 4)).astype(np.uint8))
    )
    assert_refused(evaluate(*folders), "only 0 and 255", "--classes", "--ignore 255")


def test_options_that_need_others(cli, evaluate, few):
    assert_refused(cli("evaluate"), "--voc-root DIR", "--images DIR", "none")
    assert_refused(cli("evaluate", "--voc-root", ".", "--ignore", 3), "--ignore", "--images")
    assert_refused(evaluate(few[0], None, "--ignore", 3), "--ignore", "--masks")


def test_damaged_files_are_named(evaluate, few):
    (few[0] / "p00.png").write_bytes(b"no photo")
    code, out, err = evaluate(*few, "--json")
    assert code == 2 and out == "" and "p00.png" in err and err.count("\n") == 1
    (few[1] / "p00.png").write_bytes(b"no mask")
    assert_refused(evaluate(*few), r"p00\.png")


def test_voc_on_a_network_of_other_classes(cli, voc_root, five):
    result = cli("evaluate", "--voc-root", voc_root, *FEEDFORWARD, "--checkpoint", five,
                 trained=False)  # fmt: skip
    code, _, err = result
    assert code == 0 and "car -> car" in err and "does not know 20 of the 21 classes" in err


# === segviz train

TINY = (
    "--backbone", "test_efficientnet", "--crop", 49, "--batch", 2, "--channels", 8, "--levels", 3,
    "--loaders", 0, "--epochs", 1, "--device", "cpu",
)  # fmt: skip


@pytest.fixture
def named(tmp_path):
    """A file of the classes with their colours."""
    path = tmp_path / "classes.json"
    path.write_text(json.dumps(dict(zip(NAMES, COLOURS, strict=True))))
    return path


def test_train_writes_names_and_colours(cli, evaluate, few, named, tmp_path):
    images, masks = few
    code, out, err = cli(
        "train", "--images", images, "--masks", masks, "--classes", named, *TINY,
        "--out", tmp_path / "out", "--name", "own", "--json", trained=False,
    )  # fmt: skip
    card = parse_json(out)
    assert code == 0 and "segviz: classes in 3 masks: 0 ground" in err
    assert card["classes"] == list(NAMES) and card["colours"] == [list(c) for c in COLOURS]
    assert card["architecture"]["classes"] == 5 and card["training"]["images"] == 3
    assert card["data"]["images"] == str(images) and "licence" not in card
    own = tmp_path / "out" / "own.safetensors"
    result = parse_json(evaluate(*few, "--json", network=own)[1])
    assert result["classes"] == list(NAMES)
    # Its names and colours are known to `run`, too.
    by_colour(own_images.labels(0)).save(tmp_path / "mask.png")
    code, out, _ = cli(
        "run", images / "p00.png", "--truth", tmp_path / "mask.png", "--scale", 1, "--steps", 0,
        "--out", tmp_path / "run", "--formats", "", "--json", "--checkpoint", own, trained=False,
    )  # fmt: skip
    run = parse_json(out)
    assert code == 0 and run["reference"] == "truth"
    labels = own_images.labels(0)
    assert run["steps"][0]["accuracy"] is not None and labels.shape == (60, 80)


def test_train_from_a_network_of_other_classes(cli, few, tmp_path):
    """All but the classifier is taken over; the classes are those of --classes."""
    images, masks = few
    for name, classes in (("first", NAMES), ("second", (*NAMES, "plane"))):
        (tmp_path / f"{name}.txt").write_text("\n".join(classes))
        start = [] if name == "first" else ["--start", tmp_path / "first.safetensors"]
        code, out, _ = cli(
            "train", "--images", images, "--masks", masks, "--classes", tmp_path / f"{name}.txt",
            *TINY, *start, "--backbone-rate", 0, "--out", tmp_path, "--name", name, "--json",
            trained=False,
        )  # fmt: skip
        assert code == 0 and parse_json(out)["classes"] == list(classes)
    paths = (tmp_path / "first.safetensors", tmp_path / "second.safetensors")
    first, second = (checkpoint.load(str(path)).network for path in paths)
    for one, other in zip(first.backbone.parameters(), second.backbone.parameters(), strict=True):
        assert torch.equal(one, other)
    assert second.classes == 6


def test_train_needs_masks(cli, few, named):
    arguments = ("train", "--images", few[0], *TINY)
    assert_refused(cli(*arguments, trained=False), "--masks")
    (few[1] / "p01.png").write_bytes(b"no mask")
    arguments = ("train", "--images", few[0], "--masks", few[1], "--classes", named, *TINY)
    assert_refused(cli(*arguments, trained=False), r"p01\.png")


# === segviz run


def test_run_reads_a_mask_by_its_classes(cli, few, five, tmp_path):
    """The mask numbers the classes otherwise; its truth is that of the network."""
    images, masks = few
    truth = own_images.labels(0)
    turned = np.where(truth == 255, 255, 4 - truth).astype(np.uint8)
    Image.fromarray(turned).save(tmp_path / "m.png")
    (tmp_path / "classes.txt").write_text("\n".join(reversed(NAMES)))
    common = ("run", images / "p00.png", "--scale", 1, "--steps", 0, "--json", "--checkpoint", five)
    plain = cli(*common, "--truth", masks / "p00.png", trained=False)
    turned = cli(
        *common, "--truth", tmp_path / "m.png", "--classes", tmp_path / "classes.txt", trained=False
    )
    assert plain[0] == turned[0] == 0
    accuracy = [parse_json(out)["steps"][0]["accuracy"] for _, out, _ in (plain, turned)]
    assert accuracy[0] == accuracy[1]


def test_run_refuses(cli, few, five, tmp_path):
    common = ("run", few[0] / "p00.png", "--scale", 1, "--steps", 0, "--checkpoint", five)
    assert_refused(cli(*common, "--ignore", 3, trained=False), "--ignore", "--truth")
    Image.fromarray(np.eye(60, 80, dtype=np.uint8) * 255).save(tmp_path / "binary.png")
    assert_refused(
        cli(*common, "--truth", tmp_path / "binary.png", trained=False), "0 and 255", "--classes"
    )


@pytest.mark.parametrize(
    ("options", "size"),
    [((), "500 x 250"), (("--long-side", "native"), None), (("--long-side", "64"), "64 x 32")],
)
def test_the_long_side_of_one_photo(cli, folders, options, size):
    photo = folders[0] / "p06.png"
    mask = folders[1] / "p06.png"
    code, out, err = cli(
        *("run", photo, "--truth", mask, "--scale", "0.25", "--steps", "0", "--json", *options)
    )
    assert code == 0, err
    assert parse_json(out)["reference"] == "truth"
    assert (f"to {size}" in err) if size else ("reduced" not in err)


@pytest.mark.parametrize("text", ["0", "31", "-5", "large", "500.5", "", "٣٢٠", "9" * 5000])
def test_long_sides_that_are_refused(cli, folders, text):
    photo = folders[0] / "p06.png"
    assert_refused(cli("run", photo, f"--long-side={text}"), "--long-side", "32", "native")


def test_a_long_side_is_not_for_voc(cli, voc_root):
    result = cli("evaluate", "--voc-root", voc_root, "--long-side", "native")
    assert_refused(result, "--long-side needs --images")
