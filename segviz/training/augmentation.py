"""Random crops, scales, rotations, colours and flips of a photo together with its labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image
from torchvision.transforms import functional

from ..data.classes import IGNORE

__all__ = ["Augmentation", "SampleDraw"]

Affine = tuple[float, float, float, float, float, float]


class SampleDraw(NamedTuple):
    """The random numbers of a sample.

    Arguments:
        factor: The resize factor.
        angle: The rotation in radians.
        flip: -1 if the sample is mirrored, else 1.
        place: Where the crop lies across and down, each in [-1, 1] from one end to the other.
        colour: The factors of brightness, contrast and saturation.
    """

    factor: float
    angle: float
    flip: int
    place: tuple[float, float]
    colour: tuple[float, float, float]

    def matrix(self, width: int, height: int, size: tuple[int, int], zoom: float) -> Affine:
        """Return the map (a, b, c, d, e, f) from positions in the sample to those in the photo.

        A position (x, y) of the sample, in pixels from its corner, is at (a x + b y + c,
        d x + e y + f). Whichever of crop and photo is smaller lies within the other.

        Arguments:
            width: The width of the photo in pixels.
            height: Its height.
            size: The width and the height of the sample.
            zoom: The size of a photo pixel in sample pixels.
        """
        c, s = math.cos(self.angle) / zoom, math.sin(self.angle) / zoom
        centre = [
            side / 2 + place * abs(side - crop / zoom) / 2
            for side, crop, place in zip((width, height), size, self.place, strict=True)
        ]
        half = size[0] / 2, size[1] / 2
        flip = self.flip
        return (
            flip * c,
            -s,
            centre[0] - flip * c * half[0] + s * half[1],
            flip * s,
            c,
            centre[1] - flip * s * half[0] - c * half[1],
        )


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

    def draw(self, rng: np.random.Generator) -> SampleDraw:
        """Return the random numbers of the next sample."""
        low, high = 1 - self.colour, 1 + self.colour
        return SampleDraw(
            factor=rng.uniform(*self.scale),
            angle=math.radians(rng.uniform(-self.rotation, self.rotation)),
            flip=-1 if rng.random() < 0.5 else 1,
            place=(rng.uniform(-1, 1), rng.uniform(-1, 1)),
            colour=(rng.uniform(low, high), rng.uniform(low, high), rng.uniform(low, high)),
        )

    def centred(self, width: int, height: int) -> Affine:
        """Return the map of `SampleDraw.matrix` for the centred crop of a photo."""
        assert self.crop is not None
        return (1, 0, (width - self.crop) // 2, 0, 1, (height - self.crop) // 2)

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
            size = (self.crop, self.crop)
            matrix = self.centred(*image.size)
            return self._warp(image, labels, size, matrix, Image.Resampling.NEAREST)
        draw = self.draw(rng)
        if draw.factor < 1:  # shrink first: the affine map below does not antialias
            small = [max(1, round(draw.factor * side)) for side in image.size]
            image = image.resize(small, Image.Resampling.BILINEAR)
            labels = labels.resize(small, Image.Resampling.NEAREST)
        zoom = max(draw.factor, 1.0)
        if self.colour:
            image = _recolour(image, draw.colour)
        if self.crop is None:
            size = (max(1, round(zoom * image.size[0])), max(1, round(zoom * image.size[1])))
            draw = draw._replace(place=(0.0, 0.0))
        else:
            size = (self.crop, self.crop)
        matrix = draw.matrix(*image.size, size, zoom)
        return self._warp(image, labels, size, matrix, Image.Resampling.BILINEAR)

    def _warp(
        self,
        image: Image.Image,
        labels: Image.Image,
        size: tuple[int, int],
        matrix: Sequence[float],
        resampling: Image.Resampling,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Map output positions to input positions by `matrix`, as in Pillow."""
        affine, data, nearest = Image.Transform.AFFINE, tuple(matrix), Image.Resampling.NEAREST
        sample = image.transform(size, affine, data, resampling, fillcolor=self.fill)
        sample_labels = labels.transform(size, affine, data, nearest, fillcolor=IGNORE)
        return np.asarray(sample), np.asarray(sample_labels)


def _recolour(image: Image.Image, factors: tuple[float, float, float]) -> Image.Image:
    """Change brightness, contrast and saturation, in this order."""
    brightness, contrast, saturation = factors
    image = functional.adjust_brightness(image, brightness)
    image = functional.adjust_contrast(image, contrast)
    return functional.adjust_saturation(image, saturation)
