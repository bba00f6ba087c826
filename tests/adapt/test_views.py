import pytest

from segviz.adapt.views import PLAIN, SMALL, VIEWS, View, count, views_of


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("long_side", [100, 1000])
def test_every_choice_has_the_plain_view_once(name, long_side):
    chosen = views_of(name, long_side)
    assert chosen.count(PLAIN) == 1
    assert len(set(chosen)) == len(chosen) == count(name)


@pytest.mark.parametrize(
    ("long_side", "factors"),
    [(SMALL, (1, 0.5, 0.25)), (2000, (1, 0.5, 0.25)), (SMALL - 0.1, (2, 1, 0.5)), (1, (2, 1, 0.5))],
)
def test_small_inputs_are_read_at_twice_their_size(long_side, factors):
    assert views_of("octaves", long_side) == tuple(map(View, factors))


def test_five_views_are_octaves_a_size_between_and_a_mirror_image():
    large, small = views_of("five", SMALL), views_of("five", SMALL - 0.1)
    assert [view.factor for view in large] == pytest.approx([1, 1 / 2, 1 / 8**0.5, 1 / 4, 1 / 4])
    assert [view.factor for view in small] == pytest.approx([2, 1, 1 / 2**0.5, 1 / 2, 1 / 2])
    for found in (large, small):
        assert [view.mirrored for view in found] == [False] * 4 + [True]
    octaves = views_of("octaves", SMALL)
    assert tuple(large[i] for i in (0, 1, 3)) == octaves


@pytest.mark.parametrize("name", ["single", "flip", "multi-scale"])
def test_other_views_do_not_depend_on_the_size(name):
    assert views_of(name, 1) == views_of(name, 2000)


def test_mirrored_views_are_pairs():
    for name in ("flip", "multi-scale"):
        found = VIEWS[name]
        assert {view.factor for view in found if view.mirrored} == {
            view.factor for view in found if not view.mirrored
        }
