import numpy as np
import pytest
import torch

from segviz.errors import InputError
from segviz.network.resampling import resample
from segviz.training.feature_cache import FeatureCache

FACTS = {"frozen": "abc", "view": "whole"}


@pytest.fixture
def views():
    """Three photos (3, H, W) uint8 of different sizes, with labels."""
    rng = np.random.default_rng(0)
    sizes = [(60, 81), (33, 50), (49, 49)]
    return [
        (
            torch.from_numpy(rng.integers(0, 256, (3, h, w), dtype=np.uint8)),
            torch.from_numpy(rng.integers(0, 21, (h, w), dtype=np.uint8)),
        )
        for h, w in sizes
    ]


@pytest.fixture
def store(tmp_path):
    return lambda facts=FACTS: FeatureCache(tmp_path / "cache", facts, 256)


def fill(cache, network, views, **options):
    cache.append(network, iter(views), **{"label_stride": 4, "mixed": False, **options})


def test_maps_are_those_of_the_network(store, network, views):
    cache = store()
    fill(cache, network, views)
    assert len(cache) == 3
    for number, (photo, truth) in enumerate(views):
        sample = cache.read(number, network.grid)
        x = network.normalise(photo[None].float())
        with torch.no_grad():
            expected = network.cropped(network.pyramid(x)[-1], x)
        assert sample.maps.shape == expected.shape and sample.maps.dtype == torch.float32
        assert torch.allclose(sample.maps, expected, rtol=2e-3, atol=2e-3)  # float16
        assert torch.equal(sample.labels, truth[::4, ::4])


def test_positions_are_those_of_the_labels(store, network, views):
    cache = store()
    fill(cache, network, views)
    sample = cache.read(0, network.grid)
    # Label i sits at input pixel 4 i, feature pixel j at 16 j.
    assert sample.rows.tolist() == [i / 4 for i in range(15)]
    assert sample.columns.tolist() == [i / 4 for i in range(21)]


def test_mirrored_samples_say_the_same(store, network, views):
    cache = store()
    fill(cache, network, views)
    sample = cache.read(0, network.grid)
    mirrored = sample.flipped()
    assert torch.equal(mirrored.maps, sample.maps.flip(-1))
    assert torch.equal(mirrored.labels, sample.labels)
    straight = resample(sample.maps, sample.rows, sample.columns)
    assert torch.allclose(resample(mirrored.maps, mirrored.rows, mirrored.columns), straight)


def test_filling_goes_on_where_it_ended(store, network, views):
    whole = store()
    fill(whole, network, views)
    expected = {path.name: path.read_bytes() for path in whole.folder.iterdir()}
    for path in whole.folder.iterdir():
        path.unlink()
    fill(store(), network, views[:1])
    for path in store().folder.iterdir():  # killed while it wrote the second
        if path.suffix != ".json":
            path.write_bytes(path.read_bytes() + b"half")
    again = store()
    assert len(again) == 1
    fill(again, network, views[1:])
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == expected


def test_other_facts_are_refused(store, network, views):
    fill(store(), network, views)
    with pytest.raises(
        InputError, match=r"feature cache .* other options or weights; remove that folder"
    ):
        store({**FACTS, "frozen": "other"})
    assert len(store()) == 3
