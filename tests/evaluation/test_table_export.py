from segviz.evaluation.table_export import TABLE_FORMATS

ROWS = [
    {"method": "norm_alpha", "1x": "73.7 ± 0.4", "gain, %": None},
    {"method": "a|b", "1x": 0.5, "gain, %": float("nan")},
]


def test_a_table_in_every_format():
    made = {name: write(ROWS).splitlines() for name, (write, _) in TABLE_FORMATS.items()}
    assert made["CSV"] == ['method,1x,"gain, %"', "norm_alpha,73.7 ± 0.4,", "a|b,0.5,"]
    assert made["Markdown"] == [
        "| method | 1x | gain, % |",
        "|---|---|---|",
        "| norm_alpha | 73.7 ± 0.4 |  |",
        r"| a\|b | 0.5 |  |",
    ]
    assert made["LaTeX"][0] == r"\begin{tabular}{lrr}"
    assert made["LaTeX"][2] == r"method & 1x & gain, \% \\"
    assert made["LaTeX"][4] == r"norm\_alpha & 73.7 $\pm$ 0.4 &  \\"


def test_no_rows_are_no_text():
    assert {write([]) for write, _ in TABLE_FORMATS.values()} == {""}
