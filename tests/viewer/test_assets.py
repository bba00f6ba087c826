"""The viewer's files."""

import re

from segviz.viewer import assets


def test_assets_can_stand_in_a_page_of_html():
    js, css = assets()["js"], assets()["css"]
    exported = re.findall(r"^export \{([^}]*)\};$", js, re.MULTILINE)
    (names,) = (set(map(str.strip, text.split(","))) for text in exported)
    assert names == {"component as default", "mount", "openReport"}
    assert not re.search(r"^import\b", js, re.MULTILINE)
    for part in (js, css):
        assert "</" not in part and "<!--" not in part
    for word in ("innerHTML", "eval(", "new Function", "http://", "https://"):
        assert word not in js.replace("http://www.w3.org/2000/svg", "")
