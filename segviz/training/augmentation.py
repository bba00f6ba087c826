"""Random crops, scales, rotations, colours and flips of a photo together with its labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import ColorJitter

from ..data.classes import IGNORE

__all__ = ["Augmentation"]


@dataclass(frozen=True)
class Augmentation:
    """How a training sample is drawn from a photo and its labels.

    Arguments:
        crop: The side of the square sample in pixels; None = the whole photo at its random scale.
        augment: Whether the sample is random; otherwise it is the photo at its own size, centred
            and padded, as in the paper's "w/o aug".
        scale: The range of the random resize factor.
        rotation: The largest rotation in degrees, either way.
        colour: The largest relative change of brightness, contrast and saturation.
        fill: The RGB colour of padding, 0..255.

    Source:
        Paper section 3, training; colour distortion as in Howard 2013
        (https://arxiv.org/abs/1312.5402).
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
        """Return one sample of a photo (H, W, 3) uint8 with labels (H, W).

        Returns:
            The sample (crop, crop, 3) uint8 and its labels (crop, crop) uint8, 255 on padding;
            without a crop, both have the size of the scaled photo.
        """
        image, labels = Image.fromarray(photo), Image.fromarray(truth.astype(np.uint8))
        if not self.augment:
            if self.crop is None:
                return photo, np.asarray(labels)
            return self._centre_crop(image, labels, self.crop)
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
            # Whichever of crop and photo is smaller lies within the other.
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
        return self._warp(image, labels, size, matrix, Image.Resampling.BILINEAR)

    def _centre_crop(
        self, image: Image.Image, labels: Image.Image, crop: int
    ) -> tuple[np.ndarray, np.ndarray]:
        offset = [(side - crop) // 2 for side in image.size]
        matrix = (1, 0, offset[0], 0, 1, offset[1])
        return self._warp(image, labels, (crop, crop), matrix, Image.Resampling.NEAREST)

    def _warp(
        self,
        image: Image.Image,
        labels: Image.Image,
        size: tuple[int, int],
        matrix: Sequence[float],
        resampling: Image.Resampling,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Map output pixels to input pixels by `matrix` (a, b, c, d, e, f), as in Pillow."""
        affine, data, nearest = Image.Transform.AFFINE, tuple(matrix), Image.Resampling.NEAREST
        sample = image.transform(size, affine, data, resampling, fillcolor=self.fill)
        sample_labels = labels.transform(size, affine, data, nearest, fillcolor=IGNORE)
        return np.asarray(sample), np.asarray(sample_labels)
