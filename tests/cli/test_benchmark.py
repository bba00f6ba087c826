"""segviz benchmark."""

import pytest

from tests.cli.output import assert_refused, parse_json
from tests.cli.process import on_forward


def test_benchmark_json(cli):
    code, out, err = cli("benchmark", "--scale", 0.25, "--repeats", 1, "--json")
    assert code == 0 and err == ""
    result = parse_json(out)
    (network,) = result["networks"].values()
    (costs,) = network["scales"]
    assert costs["scale"] == 0.25 and {"forward", "step", "episode"} <= costs["times"].keys()
    assert costs["ratios"]["step / forward"] > 0 and network["environment"]["sha256"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--repeats", 0], ["repeats", "1", "0"]),
        (["--scale", 0], ["scale", r"0\.25", r"0\.0"]),
        (["--scale", "x"], ["'x'", "1,2,3"]),
        (["--device", "tpu"], ["tpu", "cpu"]),
    ],
)
def test_benchmark_refuses(cli, checkpoint_path, arguments, words):
    assert_refused(
        cli("benchmark", "--checkpoint", checkpoint_path, *arguments, trained=False), *words
    )


def test_benchmark_has_networks_or_a_checkpoint(cli):
    assert_refused(cli("benchmark", "dla34"), "dla34", "--checkpoint")


def test_ctrl_c_keeps_what_was_measured(cli, tmp_path):
    def interrupt(_, x):
        if x.shape[-1] > 200:  # at scale 0.5
            raise KeyboardInterrupt

    out = tmp_path / "costs.json"
    with on_forward(interrupt):
        code, text, _ = cli("benchmark", "--scales", "0.25,0.5", "--repeats", 1, "--out", out)
    result = parse_json(out.read_text())
    (network,) = result["networks"].values()
    assert code == 130 and [part["scale"] for part in network["scales"]] == [0.25]
    assert not result["complete"]
    assert "step / forward" in text
