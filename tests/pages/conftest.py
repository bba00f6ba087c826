"""The app without a browser, on a tiny network."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pages.actions import server
from pages.components.runs_table import TABLE
from segviz.data import samples
from segviz.network import checkpoint

APP = Path(__file__).parents[2] / "pages" / "main.py"


@pytest.fixture(scope="session", autouse=True)
def components():
    """Look for components once: every run of AppTest reads the metadata of all packages again."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="module", autouse=True)
def tiny(trained):
    """Every server of a file of tests has the tiny network, and samples of a quarter of their size.

    The run of the first screen is shared."""
    st.cache_resource.clear()
    load = samples.load

    def small(name):
        return tuple(np.ascontiguousarray(pixels[::4, ::4]) for pixels in load(name))

    with pytest.MonkeyPatch.context() as patch:
        card = {**trained.card, "sha256": trained.sha256}
        patch.setattr(checkpoint, "load", lambda *_: trained)
        patch.setattr(checkpoint, "read_card", lambda _: card)
        patch.setattr(samples, "load", small)
        patch.delenv("SEGVIZ_VOC_ROOT", raising=False)
        yield
    st.cache_resource.clear()


class App:
    """One visit."""

    def __init__(self):
        self.at = AppTest.from_file(str(APP), default_timeout=60)

    @property
    def session(self):
        return self.at.session_state["session"]

    def open(self, page="iterate", **query):
        """Open the address of a page and wait for its runs."""
        if page != "iterate":
            self.at.run()
            self.at.switch_page(f"{page}.py")
        for name, text in query.items():
            self.at.query_params[name] = text
        self.at.run()
        return self.rest()

    def go(self, page):
        """Switch to a page, as by its link."""
        self.at.query_params.clear()
        self.at.switch_page(f"{page}.py").run()
        return self

    def rest(self):
        """Rerun, as the page's timer does, until no run is in progress."""
        for _ in range(10):
            assert not self.at.exception, self.at.exception
            request = self.session.request
            if request is None and (
                self.session.shown or self.session.message or self.session.page != "iterate"
            ):
                return self
            job = server.opening() if request is None else request.job
            job.join(60)
            assert job.done, "the runs do not end"
            self.at.run()
        pytest.fail("the page starts runs without end")

    def control(self, name):
        """The widget of a control."""
        key = f"{name}_{self.session.generation}"
        kinds = ("number_input", "selectbox", "toggle", "multiselect", "text_input", "button_group")
        found = [w for kind in kinds for w in getattr(self.at, kind) if w.key == key]
        assert len(found) == 1, (name, len(found))
        return found[0]

    def choose_runs(self, *ids):
        """Choose rows of the table of runs."""
        (table,) = (each for each in self.at.dataframe if (each.key or "").startswith(TABLE))
        order = [run.id for run in self.session.history.runs]
        rows = [order.index(id) for id in ids]
        self.at.session_state[table.key] = {"selection": {"rows": rows, "columns": []}}
        self.at.run()
        return self

    def click(self, key):
        self.at.button(key=key).click().run()
        return self

    def set(self, **values):
        """Set controls of the sidebar."""
        for name, value in values.items():
            self.control(name).set_value(value)
        self.at.run()
        return self

    def run(self, page="iterate", **values):
        """Set controls, press the button, wait."""
        self.set(**values)
        return self.click(f"{page}_run").rest()

    def records(self, page="iterate"):
        """The records that a page shows, by name."""
        runs = self.session.shown[page].runs
        return {name: self.session.history.record(id) for name, id in runs}

    @property
    def record(self):
        return self.records()[""]

    @property
    def said(self):
        """All that the page says."""
        at = self.at
        elements = [*at.markdown, *at.caption, *at.error, *at.warning, *at.info]
        return "\n".join(element.value for element in elements).replace("\\", "")

    @property
    def address(self):
        return {
            name: text if isinstance(text, str) else text[-1]
            for name, text in self.at.query_params.items()
        }


@pytest.fixture
def app():
    """A visit that has not begun."""
    return App()


@pytest.fixture
def new_app():
    """Makes visits that have not begun."""
    return App


@pytest.fixture
def png():
    """Makes a PNG of pixels."""

    def make(pixels):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def noise():
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
