"""Tiles: the prediction is that of the whole input, where it looks no further than they reach."""

import pytest
import torch

from segviz.network.tile_sizes import TILE_SIDES, TILE_UNIT
from segviz.network.tiled import TiledEncoding, TiledNetwork, tiled


def image(height, width):
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("height", "width"), [(257, 300), (449, 640), (200, 901)])
@torch.no_grad()
def test_the_prediction_is_that_without_tiles(foreign, height, width):
    """The receptive field of this network, 12 pixels, is within what tiles leave out."""
    network, x = foreign.network, image(height, width)
    encoding = TiledNetwork(network, 256).encode(x)
    assert isinstance(encoding, TiledEncoding) and len(encoding.tiles) > 1
    whole = network.predict(network.encode(x)).logits
    logits = TiledNetwork(network, 256).predict(encoding).logits
    # A last pixel of the whole map that lies beyond the input is not among those of the tiles.
    assert logits.shape[1:] == tuple((2 * side - 9) // 16 + 1 for side in (height, width))
    assert torch.allclose(logits, whole[:, : logits.shape[1], : logits.shape[2]], atol=1e-5)


@torch.no_grad()
def test_the_dynamic_network_has_the_same_grid_and_no_seams(network):
    x = image(300, 420)
    tiles = TiledNetwork(network, 256)
    encoding = tiles.encode(x)
    prediction, whole = tiles.predict(encoding), network.predict(network.encode(x))
    assert prediction.logits.shape == whole.logits.shape
    assert prediction.sigma.shape == whole.sigma.shape
    assert tiles.lattices(encoding, 300, 420) == network.lattices(None, 300, 420)
    # Across the places where tiles begin and end, logits jump no more than they do elsewhere.
    jumps = prediction.logits.diff(dim=2).abs().mean((0, 1))
    assert jumps.max() < 2 * whole.logits.diff(dim=2).abs().mean((0, 1)).max()


@torch.no_grad()
def test_constant_maps_stay_constant(network):
    """The weights of the tiles sum to 1 at every pixel."""
    for height, width in ((257, 1200), (513, 449), (700, 1023)):
        encoding = TiledNetwork(network, 256).encode(image(height, width))
        ones = [torch.ones(2, 40, 40)] * len(encoding.tiles)
        assert torch.allclose(encoding.blend(ones), torch.ones(2, *encoding.shape))
        for tile in encoding.tiles:
            for span in tile[:2]:
                assert span.start % TILE_UNIT == 0 and span.stop - span.start <= 256
        assert encoding.tiles[-1].rows.stop == height
        assert encoding.tiles[-1].columns.stop == width


@torch.no_grad()
def test_inputs_that_fit_into_a_tile_are_read_as_they_are(network):
    x = image(TILE_SIDES[0], 200)
    tiles = TiledNetwork(network, TILE_SIDES[0])
    encoding = tiles.encode(x)
    assert not isinstance(encoding, TiledEncoding)
    whole = network.predict(network.encode(x))
    assert torch.equal(tiles.predict(encoding).logits, whole.logits)
    assert tiled(network, 0) is network


@torch.no_grad()
def test_end_to_end_is_the_same_prediction(foreign):
    tiles, x = TiledNetwork(foreign.network, 256), image(300, 420)
    expected = tiles.predict(tiles.encode(x)).logits
    assert torch.allclose(tiles.predict_end_to_end(x).logits, expected, atol=1e-5)
