"""segviz app; the packaged app is served in tests/test_package.py."""

from tests.cli.output import assert_refused


def test_options_that_streamlit_does_not_know(cli):
    result = cli("app", "--headless", "--server.colour=red", trained=False)
    assert_refused(result, "Streamlit", r"server\.colour")


def test_a_port_is_a_number(cli):
    assert_refused(cli("app", "--port", "http", trained=False), "--port", "http")
