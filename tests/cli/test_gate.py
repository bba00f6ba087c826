"""segviz gate, on the miniature of VOC."""

import json

from segviz.cli.main import main
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


def test_too_few_photos(voc_root, checkpoint_path, tmp_path, capsys):
    words = arguments(voc_root, checkpoint_path, tmp_path)
    assert main([*words, "--limit", "2"]) == 2
    error = capsys.readouterr().err
    assert "at least 10 photos" in error and "Traceback" not in error
