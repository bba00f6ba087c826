import pytest
import torch
from torch.nn import functional

from segviz.network.aggregation import Aggregation, PooledContext


def symmetric(module):
    """A module whose convolutions do not know left from right, nor up from down."""
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, torch.nn.Conv2d):
                w = part.weight
                part.weight.copy_((w + w.flip(2) + w.flip(3) + w.flip(2, 3)) / 4)
    return module


def pyramid(*sizes, channels=3):
    return [torch.randn(1, channels, size, size + 2, dtype=torch.float64) for size in sizes]


# Pooled context


def test_context_is_its_formula():
    module = PooledContext(4, 5).double()
    f = torch.randn(2, 4, 3, 6, dtype=torch.float64)

    def layer(name, x):
        part = getattr(module, name)
        return functional.relu(part.weight[..., 0, 0] @ x + part.bias)

    got = module(f)
    assert got.shape == (2, 5, 3, 6)
    for b in range(2):
        pooled = layer("image_pooling", f[b].mean((1, 2)))
        for i in range(3):
            for j in range(6):
                local = layer("aspp0", f[b, :, i, j])
                expected = layer("concat_projection", torch.cat([pooled, local]))
                assert torch.allclose(got[b, :, i, j], expected, atol=1e-12)


def test_padding_does_not_enter_the_context():
    module = PooledContext(4, 5).double()
    f = torch.randn(1, 4, 6, 8, dtype=torch.float64)
    dirty = f.clone()
    dirty[:, :, 4:] = 100
    dirty[:, :, :, 5:] = -100
    assert torch.equal(module(dirty, 4, 5)[..., :4, :5], module(f, 4, 5)[..., :4, :5])
    assert torch.allclose(module(dirty, 4, 5)[..., :4, :5], module(f[..., :4, :5]), atol=1e-12)
    assert not torch.allclose(module(dirty)[..., :4, :5], module(f)[..., :4, :5])


# Aggregation


def test_only_maps_at_or_above_the_stride_are_used():
    module = Aggregation([3, 3, 3, 3], [2, 4, 8, 16], 8, 5, corner=True).double().eval()
    maps = pyramid(33, 17, 9, 5)
    expected = module(maps)
    assert expected.shape == (1, 5, 9, 11)
    assert torch.equal(module([maps[0] * 0, maps[1] + 1, *maps[2:]]), expected)
    for used in (2, 3):
        changed = [m + (i == used) for i, m in enumerate(maps)]
        assert not torch.allclose(module(changed), expected)


def test_one_map_is_projected_only():
    module = Aggregation([3, 4], [8, 16], 16, 5, corner=True).double().eval()
    x = torch.randn(1, 4, 3, 3, dtype=torch.float64)
    assert len(module.nodes) == 0
    assert torch.equal(module([x[:, :3], x]), module.projections[0](x))


def test_coarse_to_fine():
    module = Aggregation([3, 4, 5], [4, 8, 16], 4, 6, corner=True).double().eval()
    fine, middle, coarse = (
        torch.randn(1, c, n, n, dtype=torch.float64) for c, n in ((3, 9), (4, 5), (5, 3))
    )
    x = module.projections[0](coarse)
    for m, projection, node in ((middle, *parts(module, 1)), (fine, *parts(module, 2))):
        x = functional.interpolate(x, size=m.shape[2:], mode="bilinear", align_corners=True)
        x = node(x + projection(m))
    assert torch.allclose(module([fine, middle, coarse]), x, atol=1e-12)


def parts(module, level):
    return module.projections[level], module.nodes[level - 1]


def test_of_two_maps_of_one_stride_the_deeper_is_used():
    module = Aggregation([3, 3, 4], [8, 16, 16], 16, 5, corner=True).double().eval()
    maps = [*pyramid(7, 4), torch.randn(1, 4, 4, 6, dtype=torch.float64)]
    assert module.single and module.inputs == 4
    assert torch.equal(module(maps), module.projections[0](maps[2]))


def test_a_single_map_of_the_right_width_is_left_alone():
    module = Aggregation([3, 5], [8, 16], 16, 5, corner=True).double()
    x = torch.randn(1, 5, 3, 3, dtype=torch.float64)
    assert torch.equal(module([x, x]), x)
    assert not Aggregation([3, 5], [8, 16], 8, 5, corner=True).single


@pytest.mark.parametrize(("corner", "sizes"), [(True, (17, 9, 5)), (False, (16, 8, 4))])
@pytest.mark.parametrize("dims", [(2,), (3,)])
def test_alignment_has_no_preferred_side(corner, sizes, dims):
    module = Aggregation([3, 3, 3], [4, 8, 16], 4, 5, corner).double().eval()
    maps = [torch.randn(1, 3, n, n, dtype=torch.float64) for n in sizes]
    turned = symmetric(module)([m.flip(dims) for m in maps])
    assert torch.allclose(turned, module(maps).flip(dims), atol=1e-12)
