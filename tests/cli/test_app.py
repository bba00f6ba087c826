"""segviz app; the packaged app is served in tests/test_package.py."""

import pytest

from tests.cli.output import assert_refused


def test_options_that_streamlit_does_not_know(cli):
    result = cli("app", "--headless", "--server.colour=red", trained=False)
    assert_refused(result, "Streamlit", r"server\.colour")


def test_a_port_is_a_number(cli):
    assert_refused(cli("app", "--port", "http", trained=False), "--port", "http")


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--checkpoint", "absent", ("absent", "hf:")),
        ("--checkpoint", "py:absent.py:build", ("absent.py", "names no file")),
        ("--data", "street", ("street", "NAME=DIR")),
        ("--data", "street=/nowhere", ("/nowhere", "does not exist")),
    ],
)
def test_what_cannot_be_offered_is_refused_before_the_server_starts(cli, option, value, words):
    assert_refused(cli("app", "--headless", option, value, trained=False), *words)
