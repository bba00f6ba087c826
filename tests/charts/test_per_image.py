import numpy as np
import pytest

from segviz.charts.per_image import (
    class_bars,
    describe_changes,
    describe_levels,
    scatter_changes,
    scatter_levels,
)
from segviz.data.classes import CLASSES
from segviz.evaluation.correlation import Changes, changes
from segviz.evaluation.results import parse_result
from tests.outcomes import table

IDS = [f"2007_{i:06}" for i in range(40)]


@pytest.fixture(scope="module")
def part():
    data = table("3", IDS)
    rows = data["models"]["w/ aug"]["results"]
    for place, share in ((3, 0.9), (5, 0.0)):
        rows[3]["class_iou"][place] = share  # entropy on both at 1x
    return parse_result(data, "file").models["w/ aug"]


def changes_of(change, entropy):
    change, entropy = np.array(change, float), np.array(entropy, float)
    ids = tuple(f"i{place}" for place in range(len(change)))
    return Changes(
        ids, np.full(len(ids), 0.5), 0.5 + change / 100, np.full(len(ids), 0.2), 0.2 + entropy
    )


def test_class_bars_are_sorted(part):
    row = part.result(1.0, ("entropy", "both", 32))
    (bars,) = class_bars(part.feedforward(1.0), row).data
    assert list(bars.x) == sorted(bars.x)
    assert bars.y[-1] == CLASSES[3] and bars.y[0] == CLASSES[5]
    assert CLASSES[0] not in bars.y and len(bars.y) == 20  # it occurs nowhere
    before, after = bars.customdata[-1]
    assert after == pytest.approx(90) and after - before == pytest.approx(bars.x[-1])
    assert len(set(bars.marker.color)) == 2 and bars.marker.color[0] != bars.marker.color[-1]


def test_points_are_images(part):
    found = changes(part, part.result(3.0, ("entropy", "both", 32)), "iou")
    figure = scatter_changes(found, "IoU")
    (points,) = figure.data
    assert list(points.customdata) == IDS and list(points.y) == pytest.approx(list(found.change))
    counts = [one.text for one in figure.layout.annotations]
    assert counts == ["20", "0", "0", "20"]  # made up so: entropy falls where IoU rises
    (points,) = scatter_levels(found, "IoU").data
    assert list(points.x) == pytest.approx(list(found.entropy_before))


def test_the_description_follows_from_the_numbers(part):
    found = changes(part, part.result(3.0, ("entropy", "both", 32)), "iou")
    text = describe_changes(found, "IoU")
    assert "entropy fell on 20 of 40 images and IoU rose on 20" in text
    assert "rose on 20 of 20 (100%)" in text
    assert "Lower entropy strongly means higher IoU here" in text
    assert "Spearman -1.00, Pearson -1.00" in text


def test_the_description_of_a_positive_and_of_no_correlation():
    down = np.linspace(-3, -1, 30)
    assert "Lower entropy means lower IoU here, strongly" in describe_changes(
        changes_of(down, down), "IoU"
    )
    rng = np.random.default_rng(1)
    text = describe_changes(changes_of(rng.normal(size=30), rng.normal(size=30) / 100), "IoU")
    assert "Lower entropy does not mean higher IoU here" in text
    still = describe_changes(changes_of([0.0] * 30, [0.0] * 30), "IoU")
    assert "fell on 0 of 30 images" in still and "no correlation without variation" in still


def test_few_images_support_no_claim():
    few = changes_of([1, -1, 2], [-0.1, 0.1, -0.2])
    assert "With fewer than 10 images no relation is claimed." in describe_changes(few, "IoU")
    assert describe_levels(few, "IoU") == "With fewer than 10 images no relation is claimed."
    assert describe_changes(changes_of([], []), "IoU") == "No image has all the numbers."


def test_the_description_of_levels():
    x = np.linspace(0.1, 0.4, 30)
    ids = tuple(map(str, range(30)))
    found = Changes(ids, 1 - x, 1 - x, x, x)
    text = describe_levels(found, "IoU")
    assert "images of higher entropy strongly tend to have lower IoU (Spearman -1.00" in text
    flat = Changes(ids, np.full(30, 0.5), np.full(30, 0.5), x, x)
    assert "entropy says nothing about IoU" in describe_levels(flat, "IoU")
