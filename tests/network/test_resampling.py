import pytest
import torch
from torch.nn import functional

from segviz.network.resampling import (
    ArgmaxResampler,
    Grid,
    resample,
    resampled_argmax,
    resize_photo,
)

CORNER = Grid(4, 16, corner=True)
CENTRE = Grid(4, 32, corner=False)
GRIDS = [
    CORNER,
    CENTRE,
    Grid(16, 16, corner=True),
    Grid(8, 32, corner=True),
    Grid(8, 16, corner=False),
    Grid(1, 8, corner=True),
]


def positions_of(grid, count):
    """Where the first feature pixels sit on the input."""
    return [grid.stride * i + grid.offset for i in range(count)]


def floats(*values):
    return torch.tensor(values, dtype=torch.float64)


# Grid


def test_offset():
    assert CORNER.offset == 0
    assert CENTRE.offset == 1.5  # the middle of pixels 0 to 3


@pytest.mark.parametrize("grid", GRIDS)
def test_padded_is_the_smallest_length_that_fits(grid):
    def fits(n):
        return (n - grid.corner) % grid.multiple == 0 and n > 0

    for length in (*range(1, 70), 500, 1999):
        smallest = next(n for n in range(length, length + grid.multiple + 1) if fits(n))
        assert grid.padded(length) == smallest


@pytest.mark.parametrize("grid", GRIDS)
def test_valid_counts_the_feature_pixels_on_the_photo(grid):
    for length in (*range(1, 70), 500, 1999):
        on_photo = sum(x <= length - 1 for x in positions_of(grid, length + 1))
        assert grid.valid(length) == max(1, on_photo)


@pytest.mark.parametrize("grid", GRIDS)
def test_valid_fits_into_the_padded_map(grid):
    for length in (1, 2, 15, 16, 17, 33, 100):
        padded = grid.padded(length)
        size = (padded - 1) // grid.stride + 1 if grid.corner else padded // grid.stride
        assert 1 <= grid.valid(length) <= size == grid.valid(padded)


@pytest.mark.parametrize("grid", GRIDS)
def test_to_features_at_scale_1_is_the_inverse_of_the_lattice(grid):
    got = grid.lattice.to_features(100, 100).double()
    for i, x in enumerate(positions_of(grid, 6)):
        if x == int(x):
            assert got[int(x)].item() == i
        else:
            middle = (got[int(x)] + got[int(x) + 1]) / 2
            assert middle.item() == pytest.approx(i, abs=1e-6)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("length", "source"), [(50, 50), (50, 150), (50, 20), (31, 97)])
def test_to_features_is_evenly_spaced_and_centred(grid, length, source):
    got = grid.lattice.to_features(length, source).double()
    step = source / length / grid.stride
    assert torch.allclose(got.diff(), torch.full((length - 1,), step).double(), atol=1e-4)
    # Photo and input have the same middle, (n - 1) / 2 in their own pixels.
    middle = ((source - 1) / 2 - grid.offset) / grid.stride
    assert got.mean().item() == pytest.approx(middle, abs=1e-4)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("length", "source"), [(50, 50), (50, 150), (50, 20), (31, 97), (3, 2)])
def test_to_photo_is_the_nearest_pixel(grid, length, source):
    count = grid.valid(source)
    nearest = grid.lattice.to_photo(count, length, source)
    assert nearest.dtype == torch.int64 and len(nearest) == count
    places = grid.lattice.to_features(length, source).double()  # of every photo pixel
    for i, pixel in enumerate(nearest.tolist()):
        distances = (places - i).abs()
        assert distances[pixel] <= distances.min() + 1e-5


def test_to_photo_stays_on_the_photo():
    assert CENTRE.lattice.to_photo(1, 1, 1).tolist() == [0]
    assert CORNER.lattice.to_photo(40, 10, 10).max() == 9


# Resample


def slow(maps, rows, columns):
    """Bilinear interpolation of a map (h, w), one value at a time."""

    def around(position, size):
        position = min(max(position, 0.0), size - 1.0)
        low = int(position)
        return (low, 1 - position + low), (min(low + 1, size - 1), position - low)

    h, w = maps.shape
    return torch.stack(
        [
            torch.stack(
                [
                    sum(a * b * maps[i, j] for i, a in around(y, h) for j, b in around(x, w))
                    for x in columns.tolist()
                ]
            )
            for y in rows.tolist()
        ]
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (2, 2), (5, 7)])
def test_resample_against_slow_reference(size):
    maps = torch.randn(*size, dtype=torch.float64)
    rows, columns = floats(-2.0, 0.0, 0.3, 1.0, 1.75, 3.999, 9.0), floats(-0.1, 0.5, 2.0, 6.0, 6.5)
    expected = slow(maps, rows, columns)
    assert torch.allclose(resample(maps, rows, columns), expected, atol=1e-13)


def test_resample_whole_positions_change_nothing():
    maps = torch.randn(2, 3, 5, 4)
    assert torch.equal(resample(maps, torch.arange(5.0), torch.arange(4.0)), maps)


def test_resample_keeps_leading_dimensions():
    maps = torch.randn(2, 3, 5, 4)
    rows, columns = torch.linspace(0, 4, 9), torch.linspace(0, 3, 2)
    got = resample(maps, rows, columns)
    assert got.shape == (2, 3, 9, 2)
    assert torch.equal(got[1, 2], resample(maps[1, 2], rows, columns))


def test_resample_is_exact_on_ramps():
    y, x = torch.arange(6.0)[:, None].double(), torch.arange(9.0).double()
    rows, columns = torch.linspace(0, 5, 31).double(), torch.linspace(0, 8, 17).double()
    expected = 3 - 2 * rows[:, None] + 0.5 * columns + 0.25 * rows[:, None] * columns
    assert torch.allclose(
        resample(3 - 2 * y + 0.5 * x + 0.25 * y * x, rows, columns), expected, atol=1e-12
    )


def test_resample_stays_within_the_range():
    maps = torch.randn(4, 6, 6)
    got = resample(maps, torch.linspace(-3, 9, 50), torch.linspace(-3, 9, 50))
    assert got.max() <= maps.max() and got.min() >= maps.min()


@pytest.mark.parametrize("smooth", [1, 6])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (2, 2), (9, 13)])
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.7])
def test_largest_is_the_argmax_of_what_is_interpolated(size, scale, smooth):
    maps = torch.randn(5, *size, dtype=torch.float64)
    if smooth > 1:  # large areas in which one is the largest
        maps = functional.interpolate(maps[None], scale_factor=smooth, mode="bilinear")[0]
    rows, columns = (
        torch.linspace(-1.3, length + 0.8, round(scale * length) + 1, dtype=torch.float64)
        for length in maps.shape[-2:]
    )
    expected = resample(maps, rows, columns).argmax(0)
    for layout in (maps, maps.permute(1, 2, 0).contiguous().permute(2, 0, 1)):
        got = resampled_argmax(layout, rows, columns)
        assert got.dtype == torch.uint8 and torch.equal(got.long(), expected)


def test_largest_of_equals_is_the_first():
    maps = torch.zeros(3, 4, 4)
    maps[1:] += 1
    assert (resampled_argmax(maps, torch.linspace(0, 3, 7), torch.linspace(0, 3, 5)) == 1).all()


def test_resample_is_differentiable():
    maps = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    rows, columns = floats(0.2, 1.0, 2.0), floats(0.0, 1.5, 7.0)
    assert torch.autograd.gradcheck(lambda m: resample(m, rows, columns), maps)


@pytest.mark.parametrize("grid", [CORNER, CENTRE])
def test_whole_maps_are_resized_as_torch_does(grid):
    # Where the padding is nothing, this is ordinary upsampling by the stride.
    h, w = 5, 3
    height, width = (
        (grid.stride * (n - 1) + 1) if grid.corner else grid.stride * n for n in (h, w)
    )
    maps = torch.randn(1, 2, h, w)
    expected = functional.interpolate(
        maps, size=(height, width), mode="bilinear", align_corners=grid.corner
    )
    rows, columns = (grid.lattice.to_features(side, side) for side in (height, width))
    assert torch.allclose(resample(maps, rows, columns), expected, atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7, 3.0])
def test_a_ramp_on_the_photo_survives_the_way_there_and_back(grid, scale):
    # A map whose value is the photo position under each feature pixel, brought back to the photo.
    length = 120
    source = round(scale * length)
    count = grid.valid(source)
    inputs = torch.tensor(positions_of(grid, count), dtype=torch.float64)
    values = (inputs + 0.5) * (length / source) - 0.5
    places = grid.lattice.to_features(length, source).double()
    got = resample(values[:, None].expand(-1, 2), places, torch.zeros(1).double())[:, 0]
    inside = (places >= 0) & (places <= count - 1)
    assert inside.sum() > length / 2
    expected = torch.arange(length).double()
    assert torch.allclose(got[inside], expected[inside], atol=1e-3)


# The photo


def test_resize_by_1_changes_nothing():
    photo = torch.randint(0, 256, (3, 7, 5), dtype=torch.uint8)
    got = resize_photo(photo, 1.0)
    assert got.dtype == torch.float32 and torch.equal(got, photo.float())


@pytest.mark.parametrize(
    ("scale", "size"), [(2, (14, 10)), (1.5, (10, 8)), (0.5, (4, 2)), (0.01, (1, 1))]
)
def test_resized_size(scale, size):
    assert resize_photo(torch.zeros(3, 7, 5), scale).shape == (3, *size)


@pytest.mark.parametrize("scale", [0.3, 0.5, 1.5, 3, 4])
def test_resize_keeps_constants(scale):
    got = resize_photo(torch.full((3, 9, 13), 77.0), scale)
    assert torch.allclose(got, torch.full_like(got, 77.0), atol=1e-4)


def test_resize_keeps_the_place_of_things():
    # A ramp of pixel positions: pixel centres must map to pixel centres.
    photo = torch.arange(40.0).expand(3, 8, 40)
    for scale in (0.5, 2.0, 3.0):
        got = resize_photo(photo, scale)[0, 0]
        expected = (torch.arange(len(got)) + 0.5) / scale - 0.5
        inside = slice(4, -4)
        assert torch.allclose(got[inside], expected[inside], atol=1e-4)


def test_shrinking_does_not_alias():
    # Every fourth column is white: unfiltered, every column taken at scale 1/4 would be black.
    stripes = torch.arange(64).remainder(4).eq(0).mul(255.0).expand(3, 64, 64)
    got = resize_photo(stripes, 0.25)[..., 2:-2]
    assert (got - 255 / 4).abs().max() < 20


def test_the_argmax_of_many_maps_is_that_of_one():
    maps = torch.randn(5, 7, 9)
    rows, columns = torch.linspace(-1, 7, 40), torch.linspace(-0.7, 8.4, 33)
    expected = resampled_argmax(maps, rows, columns)
    assert torch.equal(ArgmaxResampler(7, 9, rows, columns)(maps), expected)
