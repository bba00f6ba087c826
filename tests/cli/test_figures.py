"""segviz figures."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from segviz.adapt import Settings
from segviz.evaluation.paper_tables import OURS
from segviz.figures.paper import FIGURES
from tests.figures.test_scales import table_1


def decoded(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def test_all_figures_of_an_image_of_voc(cli, voc_root, tmp_path):
    code, out, err = cli(
        "figures", "--photos", "voc:2007_000002", "--voc-root", voc_root, "--scale", 1.5,
        "--steps", 2, "--results", tmp_path, "--formats", "png", "--out", tmp_path / "out",
        "--json",
    )  # fmt: skip
    assert code == 0 and err == ""
    made = {file["path"].rsplit("/", 1)[-1]: file for file in json.loads(out)["files"]}
    singles = [f"figure-{figure}-2007_000002.png" for figure in "13"]
    assert list(made) == [*singles, "figure-4.png", "figure-5.png"]
    for name, file in made.items():
        assert file["figure"] == name[7]
        data = (tmp_path / "out" / name).read_bytes()
        assert len(data) == file["bytes"] and data.startswith(b"\x89PNG")


def test_photos_of_one_name_have_files_of_their_own(cli, files, tmp_path):
    code, out, _ = cli(
        "figures", 1, "--photos", f"{files}/photo.png, {files}/photo.png", "--scale", 1,
        "--steps", 1, "--formats", "png", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    first, second = (tmp_path / f"figure-1-photo{end}.png" for end in ("", "-2"))
    assert out.split() == [str(first), str(second)]
    assert decoded(first.read_bytes()).shape == decoded(second.read_bytes()).shape


def test_settings_reach_the_run(cli, files, tmp_path, monkeypatch):
    seen = []
    kind = FIGURES["5"]
    spy = replace(kind, draw=lambda pairs: seen.append(pairs) or kind.draw(pairs))
    monkeypatch.setitem(FIGURES, "5", spy)
    common = ("--photos", files / "photo.png", "--formats", "pdf", "--out", tmp_path)
    code, out, _ = cli(
        "figures", 5, *common, "--scale", 2, "--steps", 1, "--lr", 0.02, "--variables", "scale",
        "--method", "entropy-marginal", "--centred",
    )  # fmt: skip
    assert code == 0 and out == f"{tmp_path}/figure-5.pdf\n"
    assert (tmp_path / "figure-5.pdf").read_bytes().startswith(b"%PDF-")
    expected = Settings(
        scale=2.0,
        method="entropy-marginal",
        variables="scale",
        steps=1,
        learning_rate=0.02,
        centred=True,
    )
    assert seen[0][0].adapted.settings == expected
    assert seen[0][0].base.settings == Settings(scale=1.0, steps=0)
    code, _, _ = cli("figures", 5, *common, "--scale", 2, "--steps", 1, "--ours")
    assert code == 0
    name, *options = OURS[0].split(":")
    ours = seen[1][0].adapted.settings
    assert (ours.method, ours.variables, ours.scale, ours.steps) == (name, OURS[1], 2.0, 1)
    assert ours.centred == ("centred" in options)


def test_scales_need_a_result_file_only(cli, tmp_path):
    (tmp_path / "table-1.json").write_text(json.dumps(table_1()))
    files = "--results", tmp_path, "--out", tmp_path
    code, out, _ = cli("figures", "scales", *files, "--few-colours", trained=False)
    assert code == 0
    assert out.split() == [f"{tmp_path}/scales.png", f"{tmp_path}/scales.pdf"]
    assert Image.open(tmp_path / "scales.png").mode == "P"


def test_ctrl_c_keeps_what_is_there(cli, files, tmp_path, monkeypatch):
    kind, calls = FIGURES["1"], []

    def draw(pairs):
        calls.append(pairs)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return kind.draw(pairs)

    monkeypatch.setitem(FIGURES, "1", replace(kind, draw=draw))
    code, _, _ = cli(
        "figures", 1, 5, "--photos", f"{files}/photo.png,{files}/photo.png", "--scale", 1,
        "--steps", 1, "--formats", "png", "--out", tmp_path,
    )  # fmt: skip
    assert code == 130
    assert {file.name for file in tmp_path.iterdir()} == {"figure-1-photo.png", "figure-5.png"}


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["2"], "no figure '2'; choose one of 1, 3, 4, 5, scales"),
        (["1", "--photos", " ,"], "1 to 12 photos, got 0"),
        (["5", "--photos", "," + "sample:cat," * 13], "1 to 12 photos, got 13"),
        (["1", "--photos", "sample:dog"], "no sample 'dog'; choose one of astronaut"),
        (["1", "--photos", "voc:2007_000002"], "voc:2007_000002 .*--voc-root"),
        (["1", "--photos", "voc:1", "--voc-root", "{root}"], "photo of 1 is missing"),
        (["1", "--photos", "voc:1", "--voc-root", "{tmp}"], "no VOC 2012 in"),
        (["1", "--photos", "{tmp}/absent.png"], "absent.png"),
        (["1", "--formats", "svg"], "no format 'svg'; choose one of png, pdf"),
        (["1", "--formats", ","], "--formats is empty; choose one of png, pdf"),
        (["1", "--steps", "0"], "steps must be at least 1, got 0"),
        (["1", "--scale", "nan"], "scale must be .* got nan"),
        (["1", "--objective", "luck"], "luck"),
        (["scales", "--results", "{tmp}"], r"no .*table-1\.json.* tables 1 --voc-root"),
        (["scales", "--results", "{bad}"], r"table-1\.json is damaged"),
        (["1", "--out", "{tmp}/file"], "cannot be made"),
    ],
)
def test_misuse_is_reported_in_one_line(cli, tmp_path, voc_root, arguments, pattern):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "table-1.json").write_text("{")
    (tmp_path / "file").write_text("")
    places = {"tmp": tmp_path, "bad": tmp_path / "bad", "root": voc_root}
    filled = [argument.format(**places) for argument in arguments]
    if "--out" not in filled:
        filled += ["--out", str(tmp_path / "out")]
    code, out, err = cli("figures", *filled)
    assert code == 2 and out == ""
    assert re.fullmatch(r"segviz: [^\n]+\.\n", err) and re.search(pattern, err), err
