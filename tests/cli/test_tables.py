"""The command `segviz tables`."""

import contextlib
import copy
import io
import json
import shutil

import pytest

from segviz.cli.main import main
from segviz.evaluation.paper_tables import MODELS, TABLES, Table
from segviz.evaluation.results import read_result
from segviz.evaluation.table_text import markdown_table
from segviz.network import checkpoint

IDS = ["2007_000007", "2007_000008", "2008_000009", "2008_000010"]


@pytest.fixture(scope="module")
def small(trained, checkpoint_path, tmp_path_factory):
    """Two models and two tables that a miniature can be measured with."""
    second = tmp_path_factory.mktemp("second") / "second.safetensors"
    network = copy.deepcopy(trained.network)
    network.score_bias.add_(0.1)
    checkpoint.save(network, second, trained.card)
    names = {"w/o aug": str(second), "w/ aug": str(checkpoint_path)}
    methods = (("entropy", "both"), ("oracle", "score"))
    first = Table("Scales", ("w/o aug", "w/ aug"), (1.0, 0.5), methods, (2,))
    with pytest.MonkeyPatch.context() as patch:
        for name, path in names.items():
            patch.setitem(MODELS, name, path)
        for name in list(TABLES):
            patch.delitem(TABLES, name)
        patch.setitem(TABLES, "1", first)
        patch.setitem(TABLES, "2", Table("Steps", ("w/ aug",), (1.0,), methods[:1], (1, 2), 3))
        yield names


@pytest.fixture(scope="module")
def whole(small, voc_root, tmp_path_factory):
    """What the command writes and prints when nothing disturbs it: a folder and stdout."""
    folder, out = tmp_path_factory.mktemp("whole"), io.StringIO()
    places = ["--rows", str(folder / "rows"), "--out", str(folder / "results"), "--device", "cpu"]
    with contextlib.redirect_stdout(out):
        assert main(["tables", "--voc-root", str(voc_root), *places]) == 0
    return folder / "results", out.getvalue()


@pytest.fixture
def measure(cli, voc_root, tmp_path):
    def measure(*arguments):
        places = ("--rows", tmp_path / "rows", "--out", tmp_path / "results", "--device", "cpu")
        return cli("tables", *arguments, "--voc-root", voc_root, *places, trained=False)

    return measure


def read(folder, name):
    """A result file, but for what may differ: seconds, and what the command was."""
    text = (folder / f"table-{name}.json").read_text()
    result = json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
    for part in result["models"].values():
        for row in part["results"]:
            assert row.pop("seconds") is None or part["images"]
    return {key: value for key, value in result.items() if key != "command"}


def test_tables(small, whole):
    folder, out = whole
    first, second = read(folder, "1"), read(folder, "2")
    assert (first["table"], first["title"], first["split"]) == ("1", "Scales", "val")
    assert first["complete"] is True and first["images"] == 4
    assert list(first["models"]) == ["w/o aug", "w/ aug"]
    hashes = set()
    for model, part in first["models"].items():
        assert part["images"] == 4 and part["ids"] == IDS and part["failed"] == []
        assert part["environment"]["checkpoint"] == small[model]
        hashes.add(part["environment"]["sha256"])
        kinds = [(r["scale"], r["method"], r["variables"], r["steps"]) for r in part["results"]]
        assert kinds == [
            (scale, *rest)
            for scale in (1.0, 0.5)
            for rest in (
                ("feedforward", None, 0),
                ("entropy", "both", 2),
                ("oracle", "score", 2),
            )
        ]
        for row, each in zip(part["results"], part["by_image"], strict=True):
            for key in ("scale", "method", "variables", "steps"):
                assert row[key] == each[key]
            assert all(len(each[key]) == 4 for key in ("iou", "accuracy", "entropy"))
    assert len(hashes) == 2
    # A fixed part of the images, as the table says; what is known already is the same.
    assert second["images"] == 3 and set(second["models"]["w/ aug"]["ids"]) < set(IDS)
    assert [row["steps"] for row in second["models"]["w/ aug"]["results"]] == [0, 1, 2]
    written = read_result(folder / "table-1.json").models
    for model in first["models"]:
        assert (
            f"Scales, {model}, 4 images of val\n{markdown_table(written[model].results)}\n" in out
        )
    assert out.endswith("table-2.json\n")


def test_tables_one_and_limit(small, measure, tmp_path):
    code, _, _ = measure("2", "--limit", 2)
    assert code == 0 and not (tmp_path / "results" / "table-1.json").exists()
    assert read(tmp_path / "results", "2")["images"] == 2


def test_tables_interrupted_and_resumed(small, whole, measure, tmp_path, monkeypatch):
    """In the second model of the first table: it says what there is, and goes on from there."""
    from segviz.data import voc

    read_truth, calls = voc.read_truth, []

    def press(*arguments):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return read_truth(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(voc, "read_truth", press)
        code, out, _ = measure()
    far = read(tmp_path / "results", "1")
    assert code == 130 and far["complete"] is False
    assert [part["images"] for part in far["models"].values()] == [4, 2]
    assert "Scales, w/o aug, 4 images" in out and "Scales, w/ aug, 2 images" in out
    assert not (tmp_path / "results" / "table-2.json").exists()

    monkeypatch.setattr(voc, "read_truth", lambda *a: calls.append(1) or read_truth(*a))
    code, _, _ = measure()
    assert code == 0 and len(calls) == 7 + 2 + 3  # what was missing, and table 2's other step
    for name in TABLES:
        assert read(tmp_path / "results", name) == read(whole[0], name)


def test_interrupted_before_the_first_image(small, measure, tmp_path, monkeypatch):
    """What an earlier command wrote stays."""
    from segviz.data import voc

    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(voc, "read_photo", press)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table-1.json").write_text("{}")
    code, out, _ = measure("1")
    assert code == 130 and out == ""
    assert (tmp_path / "results" / "table-1.json").read_text() == "{}"


def test_tables_count_what_they_leave_out(small, measure, cli, voc_root, tmp_path):
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    (root / "JPEGImages" / "2007_000008.jpg").write_bytes(b"no photo")
    code, _, err = cli(
        "tables", "1", "--voc-root", root, "--rows", tmp_path / "rows", "--out", tmp_path / "out",
        "--device", "cpu", trained=False,
    )  # fmt: skip
    assert code == 0 and err.count("segviz: left out 2007_000008: ") == 2
    for part in read(tmp_path / "out", "1")["models"].values():
        assert part["images"] == 3 and "2007_000008" not in part["ids"]
        assert len(part["failed"]) == 1 and part["failed"][0].startswith("2007_000008: ")


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["1", "7"], "there is no table '7'; choose of 1, 2."),
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["--split", "vall"], "split 'vall' is not in"),
        (["--threads", "0"], ", got 0; choose"),
        (["--device", "tpu"], "device 'tpu' is not available"),
        (["--rows", "{file}"], "choose another --rows."),
        (["--out", "{file}"], "choose another --out."),
        (["--checkpoint", "mine"], "unrecognized arguments: --checkpoint"),
    ],
)
def test_tables_refuse(small, cli, voc_root, tmp_path, arguments, pattern):
    (tmp_path / "file").touch()
    filled = [argument.format(file=tmp_path / "file") for argument in arguments]
    places = {"--rows": tmp_path / "rows", "--out": tmp_path / "out", "--device": "cpu"}
    for name, value in places.items():
        if name not in filled:
            filled += [name, value]
    code, out, err = cli("tables", *filled, "--voc-root", voc_root, trained=False)
    assert code == 2 and out == "" and err.count("\n") == 1
    assert err.startswith("segviz: ") and pattern in err


def test_a_missing_network_is_said_before_work(small, measure, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "w/ aug", "not-yet-trained")
    code, out, err = measure("1")
    assert code == 2 and out == "" and "no checkpoint 'not-yet-trained'" in err
    assert err.count("\n") == 1 and not (tmp_path / "rows").exists()
