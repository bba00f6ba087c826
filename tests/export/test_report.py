"""The HTML report, without a browser."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.export.report import report
from segviz.viewer import NamedRecord
from segviz.viewer.payload import payload

HOSTILE = "</script></title><img src=x onerror=alert(1)><!--<script>$title"


class Page(HTMLParser):
    """A page's elements with their attributes and their text, as a browser would find them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.void = [], [], {"meta", "link", "br", "img", "input"}
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        self.elements.append(element)
        if tag not in self.void:
            self.open.append(element)

    def handle_endtag(self, tag):
        while self.open and self.open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag):
        return [element for element in self.elements if element["tag"] == tag]

    def __getitem__(self, id):
        (element,) = [element for element in self.elements if element.get("id") == id]
        return element

    def rows(self):
        """The tables' rows: the name of each, and the text of it all."""
        return {row["text"]: row for row in self.all("tr")}


@pytest.fixture(scope="module")
def html(record):
    return report([NamedRecord(record, "entropy")], "Shapes")


def test_the_data_are_the_viewers(record, html):
    page, data = Page(html), payload([NamedRecord(record, "entropy")])
    assert json.loads(page["head"]["text"]) == json.loads(json.dumps(data.head))
    assert base64.b64decode(page["frames"]["text"]) == data.frames


def test_nothing_runs_or_loads_but_the_viewer(html):
    page = Page(html)
    (policy,) = [
        meta["content"]
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "unsafe" not in policy and "http" not in policy
    (code,) = [script for script in page.all("script") if script.get("type") == "module"]
    (style,) = page.all("style")
    for rule, element in (("script-src", code), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(element["text"].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    for element in page.elements:
        assert not [name for name in element if name.startswith("on") or name == "style"]
        assert not re.match("(https?:)?//", element.get("src") or element.get("href") or "")
    assert "@import" not in html and "mount(" in code["text"]


def test_text_from_outside_stays_text(record):
    odd = replace(record, title=HOSTILE, environment={HOSTILE: HOSTILE, "device": HOSTILE})
    page = Page(report([NamedRecord(odd, HOSTILE), NamedRecord(record, "plain")], HOSTILE))
    assert len(page.all("script")) == 3 and page.all("img") == []
    assert page.all("title")[0]["text"] == page.all("h1")[0]["text"] == HOSTILE
    assert HOSTILE in [th["text"] for th in page.all("th")]
    assert HOSTILE in [td["text"] for td in page.all("td")]
    assert json.loads(page["head"]["text"])["runs"][0]["name"] == HOSTILE


def test_tables_tell_settings_numbers_and_origin(record, html):
    rows = Page(html).rows()
    iou = record.numbers("iou")
    for text in (
        "Scale1",
        "Methodentropy",
        "Variablesboth",
        "Steps T3",
        "Learning rate0.001",
        f"IoU{iou[0]:.3f} → {iou[-1]:.3f}",
        f"Mean entropy, nats{record.numbers('entropy')[0]:.3f} → "
        f"{record.numbers('entropy')[-1]:.3f}",
        "Photoshapes, 72 x 56 pixels",
        "checkpointtiny.safetensors",
        f"sha256{record.environment['sha256']}",
        f"torch{record.environment['torch']}",
    ):
        assert text in rows, text


def test_what_differs_between_runs_is_marked(record):
    other = replace(record, settings=replace(record.settings, learning_rate=3e-4))
    rows = Page(report([NamedRecord(record, "one"), NamedRecord(other, "two")], "Pair")).rows()
    assert rows["Learning rate0.0010.0003"].get("class") == "differs"
    assert "class" not in rows["Scale11"]
    assert "onetwo" in rows


def test_numbers_that_are_not_there_make_no_rows(unjudged):
    rows = "".join(Page(report([NamedRecord(unjudged, "run")], "Shapes")).rows())
    assert "IoU" not in rows and "Agreement vs. 1x" in rows
    still = replace(
        unjudged,
        steps=unjudged.steps[:1],
        labels=unjudged.labels[:1],
        settings=Settings(scale=1.0, steps=0),
    )
    assert "One step" not in "".join(Page(report([NamedRecord(still, "run")], "Shapes")).rows())


def test_a_report_of_nothing_is_refused():
    with pytest.raises(InputError, match="no run to report on"):
        report([], "Nothing")


def test_summary_and_table_name_the_same_best_step(record):
    scores = [0.80, 0.9001, 0.9002, 0.9004]
    steps = tuple({**step, "iou": iou} for step, iou in zip(record.steps, scores, strict=True))
    page = Page(report([NamedRecord(replace(record, steps=steps), "entropy")], "Shapes"))
    (table,) = [text for text in page.rows() if text.startswith("Best step")]
    (summary,) = [e["text"] for e in page.all("p") if "the best step was" in e["text"]]
    assert "the best step was 1 (0.900)" in summary and "1 (IoU 0.900)" in table
