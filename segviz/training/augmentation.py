"""Training samples: one random view of a photo and its labels, a pure function of a seed."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from torchvision.transforms import ColorJitter

from ..data import voc
from ..data.classes import IGNORE

__all__ = ["Photos", "Stream", "View", "Views"]


@dataclass(frozen=True)
class View:
    """How a training sample is cut.

    Arguments:
        crop: The side of the square sample, in pixels; None = the whole photo at its random scale.
        augment: Whether the sample is random (below); otherwise the photo at its own size, centred
            and padded, as in the paper's "w/o aug".
        scale: The range of the random resize factor.
        rotation: The largest rotation, in degrees either way.
        colour: The largest relative change of brightness, contrast and saturation.
        fill: The colour of padding, RGB in 0..255.

    Source:
        Paper section 3, training; colour distortion as in Howard 2013 (arXiv 1312.5402).
    """

    crop: int | None = 512
    augment: bool = True
    scale: tuple[float, float] = (0.5, 2.0)
    rotation: float = 10.0
    colour: float = 0.4
    fill: tuple[int, int, int] = (124, 116, 104)

    def __call__(
        self, photo: np.ndarray, truth: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One sample of a photo (H, W, 3) uint8 with labels (H, W).

        Returns:
            Crop (crop, crop, 3) uint8 and labels (crop, crop) uint8, 255 on padding; without a crop
            both in the size of the scaled photo.
        """
        image, labels = Image.fromarray(photo), Image.fromarray(truth.astype(np.uint8))
        if not self.augment:
            if self.crop is None:
                return photo, np.asarray(labels)
            return self._middle(image, labels, self.crop)
        factor = rng.uniform(*self.scale)
        if factor < 1:  # shrink first: the affine map below does not antialias
            small = [max(1, round(factor * side)) for side in image.size]
            image = image.resize(small, Image.Resampling.BILINEAR)
            labels = labels.resize(small, Image.Resampling.NEAREST)
        zoom = max(factor, 1.0)
        if self.colour:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(int(rng.integers(2**31)))
                image = ColorJitter(self.colour, self.colour, self.colour)(image)
        angle = math.radians(rng.uniform(-self.rotation, self.rotation))
        flip = -1 if rng.random() < 0.5 else 1
        c, s = math.cos(angle) / zoom, math.sin(angle) / zoom
        if self.crop is None:
            size = (max(1, round(zoom * image.size[0])), max(1, round(zoom * image.size[1])))
            centre = [side / 2 for side in image.size]
        else:
            size = (self.crop, self.crop)
            # The smaller of crop and photo lies within the other.
            centre = [
                side / 2 + rng.uniform(-1, 1) * abs(side - self.crop / zoom) / 2
                for side in image.size
            ]
        half = size[0] / 2, size[1] / 2
        matrix = (
            flip * c,
            -s,
            centre[0] - flip * c * half[0] + s * half[1],
            flip * s,
            c,
            centre[1] - flip * s * half[0] - c * half[1],
        )
        return self._cut(image, labels, size, matrix, Image.Resampling.BILINEAR)

    def _middle(
        self, image: Image.Image, labels: Image.Image, crop: int
    ) -> tuple[np.ndarray, np.ndarray]:
        offset = [(side - crop) // 2 for side in image.size]
        matrix = (1, 0, offset[0], 0, 1, offset[1])
        return self._cut(image, labels, (crop, crop), matrix, Image.Resampling.NEAREST)

    def _cut(
        self,
        image: Image.Image,
        labels: Image.Image,
        size: tuple[int, int],
        matrix: Sequence[float],
        resampling: Image.Resampling,
    ) -> tuple[np.ndarray, np.ndarray]:
        affine, data, nearest = Image.Transform.AFFINE, tuple(matrix), Image.Resampling.NEAREST
        cut = image.transform(size, affine, data, resampling, fillcolor=self.fill)
        cut_labels = labels.transform(size, affine, data, nearest, fillcolor=IGNORE)
        return np.asarray(cut), np.asarray(cut_labels)


class Photos(Dataset[tuple[Tensor, Tensor]]):
    """The photos (H, W, 3) and labels (H, W) of a VOC split, both uint8.

    Arguments:
        root: The VOC2012 folder.
        ids: The images.
    """

    def __init__(self, root: Path, ids: Sequence[str]) -> None:
        self.root, self.ids = root, list(ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        name = self.ids[index]
        photo, truth = voc.read_photo(self.root, name), voc.read_truth(self.root, name)
        return torch.from_numpy(photo), torch.from_numpy(truth.astype(np.uint8))


class Views(Dataset[tuple[Tensor, Tensor]]):
    """Samples of a VOC split, each a pure function of (seed, image, use).

    Arguments:
        root: The VOC2012 folder.
        ids: The images.
        view: How samples are cut.
        seed: The seed of all randomness.
        photos: What `Photos` gives of every image, where that is in memory; a sample then takes a
            third of the time.
    """

    def __init__(
        self,
        root: Path,
        ids: Sequence[str],
        view: View,
        seed: int,
        photos: Sequence[tuple[Tensor, Tensor]] = (),
    ) -> None:
        self.ids, self.view, self.seed = list(ids), view, seed
        self.photos = photos or Photos(root, ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Photo (3, h, w) uint8 and labels (h, w) uint8 of (image index, use)."""
        index, use = key
        photo, truth = self.photos[index]
        crop, labels = self.view(
            photo.numpy(), truth.numpy(), np.random.default_rng((self.seed, index, use))
        )
        pixels = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))
        return pixels, torch.from_numpy(labels.copy())


class Stream(Sampler[tuple[int, int]]):
    """An endless shuffled stream of (image index, use), which can start anywhere.

    Every epoch is a new permutation; process `rank` of `world` takes every `world`-th sample, so
    that the samples of an iteration do not depend on the number of processes.

    Arguments:
        count: The number of images.
        seed: The seed of the permutations.
        start: The number of samples (over all processes) already used.
        stop: The number of samples after which the stream ends.
        rank: This process.
        world: The number of processes.
    """

    def __init__(
        self, count: int, seed: int, start: int, stop: int, rank: int = 0, world: int = 1
    ) -> None:
        self.count, self.seed = count, seed
        self.start, self.stop, self.rank, self.world = start, stop, rank, world

    def __len__(self) -> int:
        return max(0, self.stop - self.start) // self.world

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, order = -1, np.empty(0, np.int64)
        for position in range(self.start + self.rank, self.stop, self.world):
            if position // self.count != epoch:
                epoch = position // self.count
                order = np.random.default_rng((self.seed, epoch)).permutation(self.count)
            yield int(order[position % self.count]), epoch
