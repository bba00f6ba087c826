"""segviz gate, on the miniature of VOC."""

import json
import re

import pytest
from PIL import Image

from segviz.cli.main import main
from tests import own_images
from tests.miniature import CONTENTS


def arguments(voc_root, checkpoint_path, tmp_path):
    (tmp_path / "all.txt").write_text("\n".join(CONTENTS))
    return [
        "gate",
        *("--voc-root", str(voc_root), "--split", str(tmp_path / "all.txt")),
        *("--checkpoint", str(checkpoint_path)),
        *("--samples", str(tmp_path / "samples"), "--out", str(tmp_path / "card.json"), "--json"),
        *("--updates", "20"),
    ]


def test_a_gate_is_written_on_the_card_and_used(voc_root, checkpoint_path, files, tmp_path, capsys):
    words = arguments(voc_root, checkpoint_path, tmp_path)
    code = main(words)
    assert code == 0, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert 10 <= told["photos"] <= 12 and [line["scale"] for line in told["scales"]][-1] == 4.0
    assert all(line["best"] >= line["plain"] for line in told["scales"])
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["gate"]["background"] == 0 and "segviz" in card["gate"]["command"]
    weights = tmp_path / "card.safetensors"
    weights.write_bytes(checkpoint_path.read_bytes())
    options = ["--method", "pyramid:gate", "--checkpoint", str(weights), "--json"]
    assert main(["run", str(files / "photo.png"), *options]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert len(steps) == 3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "samples").rglob("*.pt")}
    assert main(words) == 0  # the samples are there
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_gate_of_folders_of_photos_and_masks(cli, tmp_path):
    """The network and the masks have five classes, of which none is background."""
    network = own_images.network(tmp_path / "five.safetensors")
    images, masks = own_images.write(tmp_path / "own", 12)
    data = ("--images", images, "--masks", masks, "--background", "-1", "--updates", "5")
    files = ("--samples", tmp_path / "samples", "--out", tmp_path / "card.json")
    code, out, err = cli("gate", *data, *files, "--checkpoint", network, "--json", trained=False)
    assert code == 0, err
    assert json.loads(out)["photos"] == 12 and "classes in 12 masks" in err
    gate = json.loads((tmp_path / "card.json").read_text())["gate"]
    assert gate["background"] is None and gate["data"].startswith("12 photos of ")
    assert len(list((tmp_path / "samples").rglob("*.pt"))) == 12  # in sub-folders, too


def test_changed_masks_are_sampled_again(cli, tmp_path):
    network = own_images.network(tmp_path / "five.safetensors")
    images, masks = own_images.write(tmp_path / "own", 10)
    words = ("gate", "--images", images, "--masks", masks, "--updates", "1", "--json")
    files = ("--samples", tmp_path / "samples", "--out", tmp_path / "card.json")
    assert cli(*words, *files, "--checkpoint", network, trained=False)[0] == 0
    other = own_images.labels(99)
    Image.fromarray(other).save(masks / "p00.png")
    assert cli(*words, *files, "--checkpoint", network, trained=False)[0] == 0
    assert len(list((tmp_path / "samples").rglob("p00*.pt"))) == 2
    assert len(list((tmp_path / "samples").rglob("p01*.pt"))) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((), "got none of them"),
        (("--images", "photos"), "a gate learns from truth.*--masks"),
        (("--voc-root", "a", "--images", "b", "--masks", "c"), "got both"),
    ],
)
def test_one_data_set_with_truth_is_needed(cli, data, words):
    code, _, err = cli("gate", *data)
    assert code == 2 and re.search(words, err) and "Traceback" not in err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--updates", "0"),
        ("--updates", "9" * 30),
        ("--background", "21"),
        ("--background", "9" * 30),
    ],
)
def test_numbers_are_checked_before_the_photos_are_read(
    voc_root, checkpoint_path, tmp_path, capsys, option, value
):
    words = arguments(voc_root, checkpoint_path, tmp_path)
    assert main([*words, option, value]) == 2
    assert re.search(f"{option} must be from .*got {value}", capsys.readouterr().err)
    assert not list((tmp_path / "samples").rglob("*.pt"))


def test_too_few_photos(voc_root, checkpoint_path, tmp_path, capsys):
    words = arguments(voc_root, checkpoint_path, tmp_path)
    assert main([*words, "--limit", "2"]) == 2
    error = capsys.readouterr().err
    assert "at least 10 photos" in error and "Traceback" not in error
