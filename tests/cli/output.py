"""What commands print, checked: shared by the tests of all commands."""

import json
import re


def parse_json(text):
    """Return one JSON value; NaN, Infinity and anything beside the value are errors."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def is_one_line(text):
    """Return whether an error is one sentence on one line."""
    assert re.fullmatch(r"segviz: [^\n]+\.\n", text), text
    return True


def assert_refused(result, *words):
    """Check that a command ended with 2 and one line on stderr that has all the words.

    Arguments:
        result: Exit code, stdout and stderr.
        words: Regular expressions: the value found, its limit, the remedy.
    """
    code, out, err = result
    assert code == 2 and out == "" and is_one_line(err)
    for word in words:
        assert re.search(word, err), err
