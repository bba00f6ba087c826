"""The size of the dynamic receptive field."""

import numpy as np
import pytest
import torch

from segviz.network.receptive_field import ScaleSpace
from segviz.network.receptive_field_size import extent


@pytest.mark.parametrize("sigma", [0.0, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("stride", [1, 4, 16])
def test_extent_is_the_width_of_what_a_pixel_sees(sigma, stride):
    scale_space = ScaleSpace(1, (sigma,)).double()
    torch.nn.init.ones_(scale_space.filter.weight)
    F = torch.zeros(1, 1, 41, 41, dtype=torch.float64, requires_grad=True)
    (seen,) = torch.autograd.grad(scale_space.level(F, sigma)[0, 0, 20, 20], F)
    for dim in (0, 1):
        places = seen[0, 0].sum(dim).nonzero().flatten()
        width = (places.max() - places.min() + 1).item()
        assert extent(torch.tensor(sigma), stride).item() == stride * width


def test_extent_grows_with_sigma():
    sizes = extent(torch.linspace(0, 16, 100), 8)
    assert (sizes.diff() > 0).all()


def test_arrays_and_tensors_have_equal_extents():
    sigma = np.linspace(0, 5, 50, dtype=np.float32).reshape(5, 10)
    sizes = extent(sigma, 4)
    assert sizes.dtype == np.float32 and sizes.shape == sigma.shape
    assert np.array_equal(sizes, extent(torch.from_numpy(sigma), 4).numpy())
