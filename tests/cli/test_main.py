"""Exit codes and errors that do not belong to one command."""

import pytest

from tests.cli.output import assert_refused, is_one_line
from tests.cli.process import on_forward, start


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["--colour"], ["tables"]])
def test_misused_commands(cli, arguments):
    assert_refused(cli(*arguments, trained=False), "--help")


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_commands_without_data(cli, command):
    assert_refused(cli(command, trained=False), "--voc-root", "--images", "--masks")


@pytest.mark.parametrize(
    "arguments",
    [("run", "{photo}"), ("benchmark", "--scale", 0.25, "--repeats", 1)],
    ids=["run", "benchmark"],
)
def test_full_gpu(cli, files, arguments):
    import torch

    def fill(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    filled = [str(argument).format(photo=files / "photo.png") for argument in arguments]
    with on_forward(fill):
        assert_refused(cli(*filled), "memory", "smaller scale")


def test_as_a_program(tmp_path):
    program = start("run", tmp_path / "absent.png", cwd=tmp_path)
    out, err = program.communicate()
    assert program.returncode == 2 and out == "" and is_one_line(err)
