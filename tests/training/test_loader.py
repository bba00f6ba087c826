import itertools
from dataclasses import replace

import pytest
import torch

from segviz.data.voc import VocImages
from segviz.network.dynamic import Segmenter
from segviz.runtime.distributed import ProcessGroup
from segviz.training.loader import Loader
from tests.training.tiny import CACHED, IDS, RECIPE, TINY


@pytest.fixture
def loader(voc_root):
    """Return a function that makes loaders of the six training images."""
    return lambda **recipe: Loader(
        VocImages(voc_root, "train", IDS),
        replace(RECIPE, **recipe),
        TINY.mean,
        torch.device("cpu"),
        loaders=0,
    )


def equal(batches, others):
    return all(
        torch.equal(a, b)
        for batch, other in zip(batches, others, strict=True)
        for a, b in zip(batch, other, strict=True)
    )


def test_crops_from_any_update_on(loader):
    batches = list(loader().crops(0, ProcessGroup()))
    assert len(batches) == 4
    photos, labels = batches[0]
    assert photos.shape == (2, 3, 49, 49) and labels.shape == (2, 49, 49)
    assert photos.dtype == labels.dtype == torch.uint8
    assert equal(batches[2:], loader().crops(2, ProcessGroup()))


def test_processes_share_every_batch(loader):
    batches = list(loader().crops(0, ProcessGroup()))
    shares = [list(loader().crops(0, ProcessGroup(rank, 2, rank))) for rank in range(2)]
    joined = [
        [torch.cat(parts) for parts in zip(*pair, strict=True)]
        for pair in zip(*shares, strict=True)
    ]
    assert equal(batches, joined)


def test_padding_has_the_colour_of_the_mean(loader):
    photos, labels = next(loader(augment=False, crop=129).crops(0, ProcessGroup()))
    assert (photos[:, :, 0, 0] == 128).all() and (labels[:, 0, 0] == 255).all()


def test_cached_samples_from_any_update_on(loader, tmp_path):
    torch.manual_seed(0)
    network = Segmenter(TINY)
    made = loader(**CACHED, epochs=4)
    cache = made.fill_cache(network, tmp_path)
    assert len(cache) == 12  # two samples of each image
    batches = [list(batch) for batch in made.cached(0, cache, network.grid)]
    assert len(batches) == 12 and all(len(batch) == 2 for batch in batches)
    rest = [list(batch) for batch in made.cached(7, cache, network.grid)]
    assert equal(itertools.chain(*batches[7:]), itertools.chain(*rest))


def test_cached_samples_are_mirrored_at_random(loader, tmp_path):
    torch.manual_seed(0)
    network = Segmenter(TINY)
    found = {}
    for augment in (True, False):
        made = loader(**{**CACHED, "augment": augment}, epochs=4)
        cache = made.fill_cache(network, tmp_path / str(augment))
        samples = itertools.chain(*made.cached(0, cache, network.grid))
        found[augment] = {bool(s.columns[0] > s.columns[-1]) for s in samples}
    assert found == {True: {True, False}, False: {False}}
