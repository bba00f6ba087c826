import math

import pytest

from segviz.evaluation import pieces
from segviz.evaluation.pieces import UnfitError


def test_what_fits_is_returned():
    assert pieces.mapping({"a": 1}, "it") == {"a": 1}
    assert pieces.mappings([{}, {"a": 1}], "all", "one") == [{}, {"a": 1}]
    assert pieces.sequence([1, "a"], "it") == [1, "a"]
    assert pieces.text("", "it") == "" and pieces.texts(["a", "b"], "all", "one") == ["a", "b"]
    assert pieces.count(0, "it") == 0 and pieces.count(7, "it") == 7
    assert pieces.number(-2, "it") == -2.0 and pieces.number(None, "it") is None
    found = pieces.numbers([0.5, None, 3], "it")
    assert found.dtype == float and found[[0, 2]].tolist() == [0.5, 3] and math.isnan(found[1])
    assert pieces.numbers([], "it").shape == (0,)


@pytest.mark.parametrize(
    ("check", "values", "says"),
    [
        (pieces.mapping, [None, [], "a", 1], "it is no object"),
        (pieces.sequence, [None, {}, "a", 1], "it is no list"),
        (pieces.text, [None, [], {}, 1], "it is no text"),
        (pieces.count, [None, -1, 1.0, True, 10**12, "1"], "it is no number of things"),
        (pieces.number, [True, "1", [], math.nan, math.inf, 10**12, 10**400], "it is no number"),
        (pieces.numbers, [None, 1], "it is no list"),
        (pieces.numbers, [["1"], [[1]], [False]], "it is no number"),
    ],
)
def test_what_does_not_fit_is_named(check, values, says):
    for value in values:
        with pytest.raises(UnfitError) as caught:
            check(value, "it")
        assert str(caught.value) == says


def test_what_does_not_fit_in_a_list_is_named_as_one():
    with pytest.raises(UnfitError, match=r"^one is no object$"):
        pieces.mappings([{}, 3], "all", "one")
    with pytest.raises(UnfitError, match=r"^all is no list$"):
        pieces.mappings({}, "all", "one")
    with pytest.raises(UnfitError, match=r"^one is no text$"):
        pieces.texts(["a", None], "all", "one")
