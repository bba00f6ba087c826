import msgspec

from segviz.evaluation.results import Calibration, MethodResult
from segviz.evaluation.table_text import (
    calibration_table,
    gain_table,
    markdown_table,
    terminal_table,
)


def results():
    """Feedforward at 25 % and one method at 37.5 %, at two scales."""
    return [
        MethodResult(scale=scale, method=method, variables=variables, steps=steps, miou=miou)
        for scale in (3.0, 1.0)
        for method, variables, steps, miou in (
            ("feedforward", None, 0, 0.25),
            ("entropy:centred", "both", 32, 0.375),
        )
    ]


def test_terminal_table():
    lines = terminal_table(results()).splitlines()
    assert lines[0].split() == ["mIoU,", "%", "variables", "step", "1x", "3x"]
    assert lines[1].split() == ["feedforward", "0", "25.00", "25.00"]
    assert lines[2].split() == ["entropy:centred", "both", "32", "37.50", "37.50"]
    assert len({len(line) for line in lines}) == 1


def test_terminal_table_with_gaps():
    first, *_, last = results()
    lines = terminal_table([msgspec.structs.replace(first, miou=None), last]).splitlines()
    assert lines[1].split() == ["feedforward", "0", "-"]
    assert lines[2].split() == ["entropy:centred", "both", "32", "37.50"]
    assert lines[1].endswith("  -") and lines[2].endswith(" " * 9)  # each in its own column


def test_gain_table():
    first, last, *_ = results()
    lines = gain_table([first, msgspec.structs.replace(last, gain_error=0.01)]).splitlines()
    assert lines[0].split() == ["gain,", "points", "variables", "step", "3x"]
    assert lines[1].split() == ["entropy:centred", "both", "32", "+12.5", "±", "1.0"]
    assert gain_table([first]) == ""


def test_markdown_table():
    assert markdown_table(results()).splitlines() == [
        "| method | variables | step | 1x | 3x |",
        "|---|---|---|---|---|",
        "| feedforward |  | 0 | 25.0 | 25.0 |",
        "| entropy:centred | both | 32 | 37.5 (+12.5) | 37.5 (+12.5) |",
    ]


def test_markdown_table_with_errors():
    found = results()
    found[3] = msgspec.structs.replace(found[3], gain_error=0.0123)
    assert markdown_table(found).splitlines()[2:] == [
        "| feedforward |  | 0 | 25.0 | 25.0 |",
        "| entropy:centred | both | 32 | 37.5 (+12.5 ± 1.2) | 37.5 (+12.5) |",
    ]


def test_markdown_table_with_gaps():
    first, *others = results()
    found = [msgspec.structs.replace(first, miou=None), *others]
    assert markdown_table(found).splitlines()[2:] == [
        "| feedforward |  | 0 | 25.0 |  |",
        "| entropy:centred | both | 32 | 37.5 (+12.5) | 37.5 |",
    ]


def test_calibration_has_a_table_of_its_own():
    plain = MethodResult(scale=1.0, method="feedforward", steps=0, miou=0.7)
    assert calibration_table([plain]) == ""
    known = msgspec.structs.replace(
        plain, calibration=Calibration(ece=0.0123, nll=0.4, brier=0.2, auroc=0.9, aurc=None)
    )
    head, row = calibration_table([plain, known]).splitlines()
    assert head.split()[:4] == ["calibration", "variables", "step", "scale"]
    assert head.split()[4:] == ["ECE", "NLL", "BRIER", "AUROC", "AURC"]
    assert row.split() == ["feedforward", "0", "1x", "0.0123", "0.4000", "0.2000", "0.9000", "-"]
