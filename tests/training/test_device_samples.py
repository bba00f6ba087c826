import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from segviz.data.classes import IGNORE
from segviz.training.augmentation import Augmentation
from segviz.training.device_samples import DeviceSamples

CPU = torch.device("cpu")
SIZES = [(140, 100), (90, 120), (64, 64)]


@pytest.fixture(scope="module")
def photos():
    """Smooth photos of three sizes with discs and boxes as labels."""
    found = []
    for width, height in SIZES:
        x, y = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 3, height))
        photo = np.stack([np.sin(x + y), np.cos(x), np.sin(2 * y)], 2) * 100 + 128
        labels = Image.new("L", (width, height))
        ImageDraw.Draw(labels).rectangle((10, 10, 50, 50), fill=8)
        ImageDraw.Draw(labels).ellipse((40, 30, 85, 60), fill=20)
        found.append((photo.astype(np.uint8), np.array(labels)))
    return found


def both(photos, augmentation, keys, seed=3):
    """Return the samples of `Augmentation` and those made on the device."""
    expected = [
        augmentation(*photos[index], np.random.default_rng((seed, index, epoch)))
        for index, epoch in keys
    ]
    pairs = [(torch.from_numpy(photo), torch.from_numpy(truth)) for photo, truth in photos]
    samples = DeviceSamples(pairs, augmentation, seed, CPU)
    pixels, labels = samples.render(next(samples.draws(keys, len(keys))))
    assert pixels.dtype == torch.float32 and labels.dtype == torch.uint8
    pixels = pixels.permute(0, 2, 3, 1).numpy()
    return zip(expected, zip(pixels, labels.numpy(), strict=True), strict=True)


@pytest.mark.parametrize("crop", [49, 70, 201])
def test_centred_photos_are_the_same(photos, crop):
    augmentation = Augmentation(crop, augment=False)
    for (photo, truth), (pixels, labels) in both(photos, augmentation, [(0, 0), (1, 0), (2, 0)]):
        assert np.allclose(pixels, photo, atol=0.02)
        assert np.array_equal(labels, truth)


@pytest.mark.parametrize("scale", [(1.0, 2.0), (0.5, 0.99), (1.0, 1.0)])
@pytest.mark.parametrize("colour", [0.0, 0.4])
def test_random_samples_are_the_same_but_for_rounding(photos, scale, colour):
    augmentation = Augmentation(65, scale=scale, colour=colour)
    keys = [(index, epoch) for index in range(3) for epoch in range(8)]
    for (photo, truth), (pixels, labels) in both(photos, augmentation, keys):
        assert np.mean(labels != truth) < 0.03
        # Where padding begins, one blends and the other does not; each of Pillow's changes of
        # colour rounds.
        known = (labels != IGNORE) & (truth != IGNORE)
        difference = np.abs(pixels - photo)[known]
        limit = 6 if colour else 2.5
        assert np.mean(difference) < limit and np.quantile(difference, 0.9) < 2 * limit
        padding = (labels == IGNORE) & (truth == IGNORE)
        if padding.sum() > 500:
            assert np.median(np.abs(pixels - augmentation.fill)[padding]) < 1


def test_shrinking_does_not_alias():
    """One pixel wide stripes become grey at half the size."""
    photo = np.zeros((128, 128, 3), np.uint8)
    photo[:, ::2] = 255
    pair = (torch.from_numpy(photo), torch.zeros(128, 128, dtype=torch.uint8))
    augmentation = Augmentation(33, scale=(0.5, 0.5), rotation=0.0, colour=0.0)
    samples = DeviceSamples([pair], augmentation, 0, CPU)
    pixels, _ = samples.render(next(samples.draws([(0, epoch) for epoch in range(4)], 4)))
    assert (pixels - 127.5).abs().mean() < 40  # 127.5 for stripes that stay


def test_only_full_batches(photos):
    pairs = [(torch.from_numpy(photo), torch.from_numpy(truth)) for photo, truth in photos]
    samples = DeviceSamples(pairs, Augmentation(33), 0, CPU)
    batches = list(samples.draws([(k % 3, k) for k in range(7)], 3))
    assert [batch.photo.tolist() for batch in batches] == [[0, 1, 2], [0, 1, 2]]
    assert all(
        batch.matrix.shape == (3, 2, 3) and batch.colour.shape == (3, 3) for batch in batches
    )
