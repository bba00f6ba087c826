"""Reloads, restarts and several tabs of a visit, without a browser."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import msgspec
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.actions.visit_cookie import VisitCookie
from pages.components import tab_id
from pages.state import session, tabs, visits
from segviz.jobs import queue
from segviz.jobs.queue import SLOT
from segviz.jobs.visit_store import MAX_TABS, TabState, is_token, new_token

QUICK = {"scale": "1", "steps": "2"}
uploads = pytest.mark.skipif(
    not hasattr(AppTest, "file_uploader"), reason="this Streamlit's AppTest cannot upload"
)


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server that keeps visits in a folder; a call restarts it."""
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path))

    def restart(name="first"):
        monkeypatch.setattr(tabs, "SERVER", name)
        visits.visits().store.flush()
        visits.visits.clear()

    visits.visits.clear()
    yield restart
    visits.visits().store.flush()
    visits.visits.clear()


class Browser:
    """Opens tabs with one cookie; those it has left are not connected."""

    def __init__(self, app, monkeypatch):
        self._app, self._monkeypatch = app, monkeypatch
        self._open = {"connected": True}
        self._tabs = {}
        token = new_token()
        monkeypatch.setattr(session, "cookie", lambda: token)
        monkeypatch.setattr(session, "connection", self._connection)

    def __call__(self, tab, page="iterate", close=True, **query):
        """Open a tab; the one before is closed."""
        if close:
            self._open["connected"] = False
        self._open = {"connected": True}
        self._monkeypatch.setattr(tab_id, "reported", lambda _: tab)
        app = type(self._app)()
        self._tabs[id(app)] = self._open
        return app.open(page, **query)

    def close(self, app):
        """Close a tab."""
        self._tabs[id(app)]["connected"] = False

    def _connection(self):
        mine = self._open
        return lambda: mine["connected"]


@pytest.fixture
def browser(app, server, monkeypatch):
    """A browser with a cookie of its own."""
    return Browser(app, monkeypatch)


A, B = "a" * 32, "b" * 32


def ids(app):
    return [run.id for run in app.session.history.runs if run.id != "opening"]


def test_runs_are_there_after_a_reload_and_after_a_restart(browser, server):
    app = browser(A, **QUICK)
    app.run(method="oracle")
    app.session.history.pin(ids(app)[1], True)
    made, record = ids(app), app.record
    for restart in (False, True):
        if restart:
            server("second")
        app = browser(A, **app.address)
        assert ids(app) == made and app.record == record
        assert [run.pinned for run in app.session.history.runs] == [False, True]
        assert ("The server was restarted" in app.said) == restart


def test_settings_that_were_not_run_and_the_photo_survive_a_reload(browser, server):
    app = browser(A, **QUICK)
    app.click("choose_photo").click("pick_sample:cat").set(steps=7)
    app.at.run()
    server("second")
    app = browser(A, **app.address)
    assert app.control("steps").value == 7 and app.session.photo.key == "sample:cat"
    assert app.record.last == 2
    app.click("iterate_run").rest()
    assert app.record.last == 7 and "The server was restarted" not in app.said


@uploads
def test_an_upload_survives_a_restart(browser, server, noise, png):
    app = browser(A, **QUICK)
    app.session.controls["photo_source"] = "Upload"
    mask = np.zeros(noise.shape[:2], np.uint8)
    mask[10:40, 20:60] = 8
    app.click("choose_photo")
    app.at.file_uploader(key="pick_photo").upload("mine.png", png(noise))
    app.at.file_uploader(key="pick_mask").upload("mask.png", png(mask))
    app.click("choose_photo").click("pick_use").run(steps=1)
    record = app.record
    assert app.address == {} and (record.truth == mask).all()
    server("second")
    app = browser(A)
    assert app.record == record
    assert app.session.photo.title == "mine.png" and (app.session.photo.truth == mask).all()


def test_another_tab_shares_the_runs_but_not_the_settings(browser):
    first = browser(A, **QUICK)
    second = browser(B, close=False)
    assert ids(first) == ids(second) != []
    assert second.control("scale").value == 3.0 and second.record.settings.scale == 3.0


def test_the_evaluation_of_a_browser_without_tabs_ends(browser, voc_root, monkeypatch):
    """Though nobody stopped it; as long as any tab is open, it goes on."""
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))
    monkeypatch.setattr(queue, "GONE_TIMEOUT", 0.3)
    first = browser(A, "benchmark")
    second = browser(B, "model", close=False)
    first.control("bench_table").set_value("own").run()
    first.control("bench_images_val").set_value(4).run()
    with SLOT.enqueue():  # so that it cannot come to its end
        first.click("bench_run")
        job = first.session.visit.evaluation
        browser.close(first)
        assert not job.join(1) and second.session.visit.evaluation is job
        browser.close(second)
        assert job.join(10) and job.state == "stopped"


def test_runs_of_those_who_have_gone_leave_the_memory(app, server, monkeypatch):
    """The session is kept for two minutes, but its runs are in the history, which has a limit."""
    first = Browser(app, monkeypatch)
    left = first(A, **QUICK)
    with SLOT.enqueue():
        left.set(steps=3).click("iterate_run")
        request, history = left.session.request, left.session.history
    assert request.job.join(60)
    first.close(left)
    there = Browser(app, monkeypatch)(B, **QUICK)
    assert left.session.request is None and len(history) == 2
    visits.visits().store.flush()
    visits.visits().pool.make_room(there.session.history)
    assert len(history) == 2 and history.loaded == 0


def test_many_tabs_of_a_visit_are_not_all_remembered(browser):
    app = browser(A, **QUICK)
    visit, state = app.session.visit, app.session.visit.tab(A)
    for number in range(3 * MAX_TABS):
        visit.save_tab(msgspec.structs.replace(state, id=f"{number:032}"))
    assert visit.tab(A) is None and visit.tab(f"{2 * MAX_TABS:032}") is not None
    assert len(visit.folder.tabs()) <= MAX_TABS


def test_a_visit_does_not_wait_for_the_files_of_others(server):
    """Its own may still be on their way to the disk: until then it stays in memory."""
    now = visits.visits()
    token, gate, began = new_token(), Event(), Event()
    busy = now.visit(new_token())
    busy.folder.store.submit(lambda: (began.set(), gate.wait(10)), owner=busy)
    assert began.wait(10)
    visit = now.visit(token)
    visit.save_tab(TabState(id=A, server="x"))
    del visit
    gc.collect()
    assert now.visit(token).tab(A) is not None
    gate.set()
    now.store.flush()
    gc.collect()
    assert now.visit(token).tab(A) is not None


def test_another_browser_sees_nothing_of_it(browser, app, monkeypatch):
    mine = browser(A, **QUICK)
    monkeypatch.setattr(session, "cookie", new_token)
    theirs = browser(B, **mine.address)
    assert theirs.record.settings == mine.record.settings  # a link shows settings
    assert not set(ids(theirs)) & set(ids(mine))


def test_a_reload_finds_its_own_run_in_progress(browser):
    app = browser(A, **QUICK)
    with SLOT.enqueue():
        app.set(steps=3).click("iterate_run")
        job = app.session.request.job
        again = reload(browser, app, A, app.address)
        assert again.session.request.job is job and app.session.request is None
        assert "Waiting: 1 run ahead of you" in again.at.progress[0].text
    again.rest()
    assert again.record.last == 3 and len(ids(again)) == 2


def reload(browser, app, tab, address):
    """Open a tab whose runs are in progress: they are not waited for."""
    rest = type(app).rest
    type(app).rest = lambda self: self
    try:
        return browser(tab, **address)
    finally:
        type(app).rest = rest


def test_a_run_of_a_closed_tab_is_stopped_by_the_next(browser):
    app = browser(A, **QUICK)
    with SLOT.enqueue():
        app.set(steps=64).click("iterate_run")
        orphan = app.session.request.job
        other = reload(browser, app, B, {**QUICK, "steps": "1"})
        assert orphan.stop_requested and other.session.request.job is not orphan
    other.rest()
    assert other.record.last == 1


# === The cookie


def response(*headers, path="/", scheme="http", method="GET"):
    """The cookies that a response sets."""

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "scheme": scheme, "headers": headers}
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, VisitCookie(application)(scope, None, send)).result()
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


PAGE = (b"accept", b"text/html,*/*")


def test_a_page_gives_a_random_token_that_scripts_cannot_read():
    (first,), (second,) = response(PAGE), response(PAGE)
    tokens = [text.partition("=")[2].partition(";")[0] for text in (first, second)]
    assert all(map(is_token, tokens)) and tokens[0] != tokens[1]
    assert "HttpOnly" in first and "SameSite=Lax" in first and "Max-Age=2592000" in first
    assert "Secure" not in first and "Secure" in response(PAGE, scheme="https")[0]
    assert "Secure" in response(PAGE, (b"x-forwarded-proto", b"https"))[0]


def test_a_token_stays_and_a_forged_one_is_replaced():
    token = new_token()
    sent = (b"cookie", f"other=1; {visits.COOKIE}={token}".encode())
    assert response(PAGE, sent)[0].startswith(f"{visits.COOKIE}={token};")
    for forged in (b"../../etc", b"x" * 5000, b"\xff\x00", b'"a;b"'):
        (found,) = response(PAGE, (b"cookie", visits.COOKIE.encode() + b"=" + forged))
        assert is_token(found.partition("=")[2].partition(";")[0])


def test_only_pages_set_the_cookie():
    assert response((b"accept", b"*/*"), path="/_stcore/health") == []
    assert response(PAGE, method="POST") == []
