import copy

import numpy as np
import pytest
import torch

from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.settings import Settings
from segviz.errors import InputError
from segviz.network.resampling import resize_photo

# Encoding


def test_an_encoded_view(network, photo, truth):
    views = PhotoViews(network, photo, Reference(truth))
    view = views.encoded(2.0)
    assert view.x.shape == (1, 3, 112, 144)
    h, w = view.encoding.F.shape[2:]
    assert (h, w) == (network.grid.valid(112), network.grid.valid(144))
    assert view.encoding.R.shape == (h * w, 4, 16)
    rows, columns = views.positions(view.axes)
    assert rows.shape == (56,) and columns.shape == (72,)
    target = views.target(view.axes, (h, w))
    assert target.shape == (h * w,) and target.dtype == torch.int64
    assert view.forward_ms > 0
    assert not any(part.requires_grad for part in view.encoding)
    pixels = torch.from_numpy(photo).permute(2, 0, 1)
    assert torch.equal(view.x[0], (resize_photo(pixels, 2.0) - 127.5) / 127.5)


def test_a_mirrored_view_is_that_of_the_mirrored_photo(network, views, photo):
    mirrored, other = views.encoded(1.0, mirrored=True), PhotoViews(network, photo[:, ::-1])
    assert torch.equal(mirrored.x, other.encoded(1.0).x)
    assert torch.equal(mirrored.encoding.F, other.encoded(1.0).encoding.F)
    rows, columns = views.positions(mirrored.axes)
    plain_rows, plain_columns = views.positions(views.encoded(1.0).axes)
    assert torch.equal(rows, plain_rows) and torch.equal(columns, plain_columns.flip(0))


@pytest.mark.parametrize("mirrored", [False, True])
def test_target_is_the_truth_under_the_feature_pixels(network, views, truth, mirrored):
    grid, view = network.grid, views.encoded(2.0, mirrored)
    h, w = view.encoding.F.shape[2:]
    target = views.target(view.axes, (h, w))
    labels = truth[:, ::-1] if mirrored else truth
    for i in range(h):
        for j in range(w):
            # Input pixel x is at (x + 1/2) / 2 - 1/2 of the photo; the input is the photo times 2.
            y, x = ((grid.stride * k + grid.offset + 0.5) / 2 - 0.5 for k in (i, j))
            label = labels[min(round(max(y, 0)), 55), min(round(max(x, 0)), 71)]
            assert target[i * w + j] == label


def test_there_is_no_target_without_labels(network, photo):
    views = PhotoViews(network, photo)
    assert views.target(views.encoded(1.0).axes, (4, 5)) is None


def test_features_of_one_view_on_those_of_another(views, network):
    """The centre of a feature pixel lies at the same share of the photo in both views."""
    fine, coarse = views.encoded(2.0), views.encoded(1.0, mirrored=True)
    offset, stride = network.grid.offset, network.grid.stride
    for axis, (own, other, mirrored) in enumerate(
        zip(fine.axes, coarse.axes, (False, True), strict=True)
    ):
        count = fine.encoding.F.shape[2 + axis]
        found = other.of_features(own, count, torch.device("cpu"))
        share = (stride * torch.arange(count) + offset + 0.5) / own.source
        share = 1 - share if mirrored else share
        assert torch.allclose((stride * found + offset + 0.5) / other.source, share, atol=1e-6)


def test_the_photo_is_left_alone(network, photo):
    frozen = photo.copy()
    frozen.setflags(write=False)
    PhotoViews(network, frozen).encoded(1.5)
    assert np.array_equal(frozen, photo)


@pytest.mark.parametrize("part", [np.s_[::-1], np.s_[:, ::-1], np.s_[:, :, ::-1], np.s_[::2]])
def test_photos_in_any_memory_order(network, photo, part):
    got = PhotoViews(network, photo[part]).encoded(1.0)
    expected = PhotoViews(network, photo[part].copy()).encoded(1.0)
    assert torch.equal(got.encoding.R, expected.encoding.R)


def test_bfloat16_is_close_and_steps_stay_float32(network, photo, views):
    rough = PhotoViews(network, photo, views.reference, "bfloat16")
    exact, encoding = views.encoded(2.0).encoding, rough.encoded(2.0).encoding
    assert encoding.F.dtype == encoding.R.dtype == torch.float32
    difference = (encoding.F - exact.F).abs().mean()
    assert 0 < difference < 0.2 * exact.F.std()
    *_, last = optimise(rough, Settings(scale=2.0, steps=3))
    assert last.logits.dtype == torch.float32


# What is kept


def test_each_view_is_encoded_once(trained, photo, backbone_inputs):
    views = PhotoViews(trained.network, photo)
    assert views.encoded(1.0) is views.encoded(1.0)
    assert views.predicted(1.0) is views.predicted(1.0)
    assert len(backbone_inputs) == 1
    views.encoded(1.0, mirrored=True)
    views.encoded(0.5)
    assert len(backbone_inputs) == 3


def test_a_prediction_keeps_its_encoding_only_if_asked(trained, photo, backbone_inputs):
    views = PhotoViews(trained.network, photo)
    views.predicted(1.0)
    views.predicted(0.5, keep=True)
    views.encoded(0.5)
    assert len(backbone_inputs) == 2
    views.encoded(1.0)
    assert len(backbone_inputs) == 3


def test_encodings_are_let_go_of_and_predictions_kept(trained, photo, backbone_inputs):
    views = PhotoViews(trained.network, photo)
    first = views.predicted(1.0, keep=True)
    views.encoded(0.5)
    views.keep({0.5})
    views.encoded(0.5)
    assert views.predicted(1.0) is first and len(backbone_inputs) == 2
    views.encoded(1.0)
    assert len(backbone_inputs) == 3


def test_forward_time_is_that_of_the_views_a_method_reads(network, photo):
    views = PhotoViews(network, photo)
    feedforward, flip = Settings(method="feedforward", scale=1.0), Settings(method="flip", scale=1)
    assert views.forward_ms(feedforward) == 0
    plain = views.encoded(1.0).forward_ms
    assert views.forward_ms(feedforward) == views.forward_ms(flip) == plain
    mirrored = views.predicted(1.0, mirrored=True).forward_ms
    assert views.forward_ms(feedforward) == plain
    assert views.forward_ms(flip) == pytest.approx(plain + mirrored)


# What is refused


@pytest.mark.parametrize("size", [(56, 71), (72, 56), (1, 1), (56, 72, 1)])
def test_mask_of_another_size(network, photo, size):
    labels = np.zeros(size, np.int64)
    with pytest.raises(InputError, match=r"mask is .* but the photo is 72 x 56; give a mask of"):
        PhotoViews(network, photo, Reference(labels))


def test_network_in_training_is_refused(network64, photo):
    training = copy.deepcopy(network64).train()
    with pytest.raises(AssertionError, match="must be in eval mode"):
        PhotoViews(training, photo).encoded(1.0)
