"""Labelled photos as a PyTorch dataset, their random samples, and the order they are used in."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..data.dataset import DataSet
from ..data.masks import check_size
from ..errors import InputError
from .augmentation import Augmentation

__all__ = ["AugmentedPhotos", "EpochSampler", "LabelledPhotos"]


class LabelledPhotos(Dataset[tuple[Tensor, Tensor]]):
    """Photos (H, W, 3) and labels (H, W), both uint8.

    Arguments:
        data: The data set; all its photos have truth.
    """

    def __init__(self, data: DataSet) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data.ids)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the photo and its labels.

        Raises:
            InputError: If a file is missing or cannot be read, or their sizes differ.
        """
        id = self.data.ids[index]
        photo, truth = self.data.photo(id), self.data.truth(id)
        if truth is None:
            raise InputError(f"the photo {id} has no truth to train on; leave it out.")
        check_size(truth.shape, photo.shape[:2], f"the mask of {id}")
        return torch.from_numpy(photo), torch.from_numpy(truth.astype(np.uint8))


class AugmentedPhotos(Dataset[tuple[Tensor, Tensor]]):
    """Random samples of labelled photos, each a pure function of (seed, image, epoch).

    Arguments:
        photos: The photos and labels, as `LabelledPhotos` returns them.
        augmentation: How samples are drawn.
        seed: The seed of all randomness.
    """

    def __init__(
        self,
        photos: LabelledPhotos | Sequence[tuple[Tensor, Tensor]],
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        self.photos, self.augmentation, self.seed = photos, augmentation, seed

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return photo (3, h, w) and labels (h, w), both uint8, for (image index, epoch)."""
        index, epoch = key
        photo, truth = self.photos[index]
        sample, labels = self.augmentation(
            photo.numpy(), truth.numpy(), np.random.default_rng((self.seed, index, epoch))
        )
        pixels = torch.from_numpy(np.ascontiguousarray(sample.transpose(2, 0, 1)))
        return pixels, torch.from_numpy(labels.copy())


class EpochSampler(Sampler[tuple[int, int]]):
    """Shuffled (image index, epoch) pairs that can start anywhere and be sharded.

    Every epoch is a new permutation. Process `rank` takes every `world_size`-th sample, so that the
    samples of an update do not depend on the number of processes.

    Arguments:
        count: The number of images.
        seed: The seed of the permutations.
        start: The number of samples already used by all processes.
        stop: The number of samples after which the sampler ends.
        rank: The index of this process.
        world_size: The number of processes.
    """

    def __init__(
        self, count: int, seed: int, start: int, stop: int, rank: int = 0, world_size: int = 1
    ) -> None:
        self.count, self.seed = count, seed
        self.start, self.stop, self.rank, self.world_size = start, stop, rank, world_size

    def __len__(self) -> int:
        return max(0, self.stop - self.start) // self.world_size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, order = -1, np.empty(0, np.int64)
        for position in range(self.start + self.rank, self.stop, self.world_size):
            if position // self.count != epoch:
                epoch = position // self.count
                order = np.random.default_rng((self.seed, epoch)).permutation(self.count)
            yield int(order[position % self.count]), epoch
