"""The app on a server that strangers share, and its responses."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from pages.actions.framing import SameOriginFrames
from segviz.jobs import queue
from segviz.jobs.limits import SHARED
from segviz.jobs.queue import SLOT


@pytest.fixture
def shared(monkeypatch, voc_root):
    monkeypatch.setenv(SHARED, "1")
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))


def test_strangers_have_no_evaluations_and_no_field_for_folders(app, shared):
    at = app.open("benchmark").at
    assert not at.exception
    control = next(each for each in at.get("button_group") if "Table" in str(each.proto))
    assert "Your own" not in str(control.proto)
    assert not [field for field in at.text_input if field.label == "VOC folder"]


def test_a_folder_from_the_browser_is_not_used(app, shared, tmp_path):
    from pages.state import photos

    app.open()
    app.session.controls["voc_folder"] = str(tmp_path)
    at = app.at.run()
    assert not at.exception
    assert photos.is_shared() and photos.voc_folder() != str(tmp_path)


def test_strangers_do_not_adapt_all_parameters(app, shared):
    at = app.open(variables="all", steps="1").at
    assert not at.exception
    assert app.session.request is None
    variables = next(each for each in at.selectbox if each.label == "Variables")
    assert "all" not in variables.options


def test_a_full_queue_is_told_to_the_visitor(app, monkeypatch):
    monkeypatch.setattr(SLOT, "max_waiting", 0)
    app.open()
    with SLOT.enqueue():
        at = app.open(steps="3", scale="0.5").at
        assert any("runs are waiting" in error.value for error in at.error)
        assert app.session.request is None


def test_a_visitor_with_a_full_share_of_the_queue_is_told(app, monkeypatch):
    monkeypatch.setattr(SLOT, "max_of_owner", 1)
    app.open()
    with SLOT.enqueue(app.session.visit):
        at = app.open(steps="3", scale="0.5").at
        assert any("of your runs" in error.value for error in at.error)
        assert app.session.request is None


def test_runs_of_visitors_who_have_gone_end(app, monkeypatch):
    assert queue.GONE_TIMEOUT < 10


def responses(headers):
    """The headers of a response with these headers, behind the middleware."""

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    sent = []

    async def send(message):
        sent.append(message)

    # In a thread of its own: browser tests leave a running loop in the main thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(
            asyncio.run, SameOriginFrames(application)({"type": "http"}, None, send)
        ).result()
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return dict(sent[0]["headers"])


def test_other_sites_cannot_frame_the_app():
    found = responses([(b"content-type", b"text/html")])
    assert found[b"x-frame-options"] == b"SAMEORIGIN"
    assert found[b"content-security-policy"] == b"frame-ancestors 'self'"
    assert found[b"content-type"] == b"text/html"
    assert responses([(b"X-Frame-Options", b"DENY")]).get(b"x-frame-options") is None
