"""Exit codes and errors that do not belong to one command."""

import os
import subprocess
import sys

import pytest

from tests.cli.output import assert_refused, is_one_line
from tests.cli.process import ROOT, on_forward, start


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["--colour"], ["tables"]])
def test_misused_commands(cli, arguments):
    assert_refused(cli(*arguments, trained=False), "--help")


@pytest.mark.parametrize(
    "word", ["--\u202ecolour", "--colour=a\nb", f"--steps={'9' * 5000}", "--steps=--", "--out=--"]
)
def test_misuse_is_printed_in_one_short_line(cli, word):
    result = cli("run", "sample:cat", word, trained=False)
    assert_refused(result, "--help")
    assert len(result[2]) < 1000 and result[2].strip().isprintable()


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
    program = start("export", tmp_path / "absent", cwd=tmp_path)
    out, err = program.communicate()
    assert program.returncode == 2 and out == "" and is_one_line(err)


def shell(command, tmp_path, **environment):
    """Run a line of the shell in which `segviz` is the command; return code, stdout and stderr."""
    done = subprocess.run(
        ["bash", "-c", f'segviz() {{ {sys.executable} -m segviz "$@"; }}; {command}'],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def saved(record, tmp_path):
    record.save(tmp_path / "run" / "record")
    return tmp_path


def test_files_are_written_though_nobody_reads_the_output(saved):
    for number, reader in enumerate(("true", "head -1 >/dev/null", "cat >/dev/null")):
        command = f"segviz export run --formats csv,zip --out out{number}"
        code, _, err = shell(f"{command} | {reader}; exit ${{PIPESTATUS[0]}}", saved)
        assert (code, err) == (0, "")
        assert len(list((saved / f"out{number}").iterdir())) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "command", ["export run --formats csv", "export run --formats csv --json", "run --help"]
)
def test_output_to_a_full_disk(saved, command):
    code, out, err = shell(f"segviz {command} > /dev/full", saved)
    assert (code, out) == (2, "")
    assert is_one_line(err) and "No space left on device" in err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_output_in_encodings_without_the_characters_of_a_name(saved, encoding):
    command = "segviz export run --formats csv --out 'Ausgabe 猫'"
    code, out, err = shell(command, saved, PYTHONIOENCODING=encoding)
    assert (code, err) == (0, "") and "Ausgabe \\u732b" in out
    code, out, err = shell("segviz export 猫", saved, PYTHONIOENCODING=encoding)
    assert code == 2 and is_one_line(err) and "\\u732b" in err


PRESS_AT_IMPORT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)

class Presser:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE:
            signal.raise_signal(signal.SIGINT)

MODULE = sys.argv.pop(1)
sys.meta_path.insert(0, Presser())
from segviz.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("module", ["segviz.cli.main", "segviz.cli.run", "msgspec", "tqdm"])
def test_ctrl_c_at_the_start(tmp_path, module):
    """While the command is imported."""
    done = subprocess.run(
        [sys.executable, "-c", PRESS_AT_IMPORT, module, "run", "sample:cat", "--scale", "0.5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_errors_of_the_system_are_one_sentence(cli, monkeypatch, tmp_path):
    """Of files for which no reader or writer has a sentence of its own."""
    from segviz.export import formats

    def fail(*_):
        raise OSError(28, "No space left on device", "/tmp/x")

    monkeypatch.setattr(formats, "curves_text", fail)
    (tmp_path / "out").mkdir()
    result = cli("run", "sample:cat", "--scale", 0.5, "--steps", 0, "--out", tmp_path / "out")
    assert_refused(result, "No space left on device", "/tmp/x", "check the disk")
