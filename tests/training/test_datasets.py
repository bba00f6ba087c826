import numpy as np
import pytest
import torch

from segviz.data import voc
from segviz.training.augmentation import Augmentation
from segviz.training.datasets import AugmentedPhotos, EpochSampler, LabelledPhotos

# Samples of a split


def test_views_are_a_function_of_seed_image_and_use(voc_root):
    ids = ["2007_000001", "2007_000002"]
    views = AugmentedPhotos(
        LabelledPhotos(voc.VocImages(voc_root, "train", ids)), Augmentation(65), seed=3
    )
    assert len(views) == 2
    photo, labels = views[1, 4]
    assert photo.shape == (3, 65, 65) and photo.dtype == torch.uint8
    assert labels.shape == (65, 65) and labels.dtype == torch.uint8
    torch.manual_seed(77)
    views[0, 0]
    for same in (
        views,
        AugmentedPhotos(
            LabelledPhotos(voc.VocImages(voc_root, "train", ids)), Augmentation(65), seed=3
        ),
    ):
        again = same[1, 4]
        assert torch.equal(again[0], photo) and torch.equal(again[1], labels)
    others = [
        views[1, 5],
        views[0, 4],
        AugmentedPhotos(
            LabelledPhotos(voc.VocImages(voc_root, "train", ids)), Augmentation(65), seed=4
        )[1, 4],
    ]
    assert not any(torch.equal(other[0], photo) for other in others)


def test_views_without_augmentation_are_the_photo(voc_root):
    name = "2007_000001"
    photo, labels = AugmentedPhotos(
        LabelledPhotos(voc.VocImages(voc_root, "train", [name])),
        Augmentation(72, augment=False),
        seed=0,
    )[0, 0]
    expected = voc.read_photo(voc_root, name)[:, 12:84]
    assert np.array_equal(photo.permute(1, 2, 0).numpy(), expected)
    assert np.array_equal(labels.numpy(), voc.read_truth(voc_root, name)[:, 12:84])


# Order


def test_every_epoch_is_a_permutation():
    samples = list(EpochSampler(7, seed=0, start=0, stop=21))
    epochs = [samples[i : i + 7] for i in (0, 7, 14)]
    orders = [[index for index, _ in epoch] for epoch in epochs]
    for use, epoch in enumerate(epochs):
        assert [u for _, u in epoch] == [use] * 7
        assert sorted(orders[use]) == list(range(7))
    assert orders[0] != orders[1] != orders[2]
    assert list(EpochSampler(7, seed=1, start=0, stop=7)) != epochs[0]


@pytest.mark.parametrize("start", [0, 1, 6, 7, 8, 20, 21])
def test_stream_goes_on_anywhere(start):
    full = list(EpochSampler(7, seed=5, start=0, stop=21))
    rest = EpochSampler(7, seed=5, start=start, stop=21)
    assert list(rest) == full[start:] and len(rest) == 21 - start


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("start", [0, 8])
def test_processes_share_the_samples(world, start):
    full = list(EpochSampler(5, seed=5, start=start, stop=24))
    shares = [list(EpochSampler(5, 5, start, 24, rank, world)) for rank in range(world)]
    assert [len(share) for share in shares] == [len(full) // world] * world
    assert [share[i] for i in range(len(full) // world) for share in shares] == full
    assert len(EpochSampler(5, 5, start, 24, 0, world)) == len(shares[0])


def test_stream_at_its_end():
    assert (
        list(EpochSampler(5, 0, start=10, stop=10)) == [] and len(EpochSampler(5, 0, 12, 10)) == 0
    )
