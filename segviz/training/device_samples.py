"""Training samples made on the device: photos stay in its memory, augmentation runs there."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..data.classes import IGNORE
from ..errors import InputError
from .augmentation import Augmentation

__all__ = ["DeviceSamples", "Draws"]

# The luma that Pillow and torchvision take contrast and saturation from.
LUMA = (0.299, 0.587, 0.114)


class Draws(NamedTuple):
    """What a batch of B samples is made from: all that travels to the device at each update.

    Arguments:
        photo: Which photos, (B,), int64.
        matrix: Maps from positions in the samples to those in the photos, (B, 2, 3), float32.
        colour: Factors of brightness, contrast and saturation, (B, 3), float32.
    """

    photo: Tensor
    matrix: Tensor
    colour: Tensor

    def to(self, device: torch.device) -> Self:
        """Return draws of the host on a device, without waiting for a GPU."""
        cuda = device.type == "cuda"
        parts = (part.pin_memory() if cuda else part for part in self)
        return type(self)(*(part.to(device, non_blocking=cuda) for part in parts))


class DeviceSamples:
    """Labelled photos in the memory of a device, and random samples of them.

    Samples are those of `Augmentation` but for rounding: positions and colours are the same
    functions of the same random numbers; shrinking averages four points a pixel.

    Arguments:
        photos: Pairs of photo (H, W, 3) and labels (H, W), uint8, of any sizes.
        augmentation: How samples are drawn; with a crop.
        seed: The seed of all randomness.
        device: The device.

    Raises:
        InputError: If the photos do not fit into the free memory of a GPU.
    """

    def __init__(
        self,
        photos: Sequence[tuple[Tensor, Tensor]],
        augmentation: Augmentation,
        seed: int,
        device: torch.device,
    ) -> None:
        assert augmentation.crop is not None
        self.augmentation, self.crop = augmentation, augmentation.crop
        self.seed, self.device = seed, device
        self.sizes = [(labels.shape[1], labels.shape[0]) for _, labels in photos]
        width, height = (max(sides) for sides in zip(*self.sizes, strict=True))
        _check_memory(4 * len(photos) * width * height, device)
        self.photos = torch.zeros(len(photos), 3, height, width, dtype=torch.uint8, device=device)
        self.labels = torch.full(
            (len(photos), height, width), IGNORE, dtype=torch.uint8, device=device
        )
        self.luma = torch.tensor(LUMA, device=device).view(3, 1, 1)
        self.grey = torch.empty(len(photos), device=device)
        for place, (photo, labels) in enumerate(photos):
            w, h = self.sizes[place]
            colours = photo.to(device).permute(2, 0, 1)
            self.photos[place, :, :h, :w] = colours
            self.labels[place, :h, :w] = labels.to(device)
            self.grey[place] = (self.luma * colours).sum(0).mean()
        self.extent = torch.tensor(self.sizes, dtype=torch.float32, device=device)
        self.padded_size = torch.tensor([width, height], dtype=torch.float32, device=device)
        self.fill = torch.tensor(augmentation.fill, dtype=torch.float32, device=device)

    def draws(self, keys: Iterable[tuple[int, int]], batch: int) -> Iterator[Draws]:
        """Yield the draws of full batches on the device, for (image index, epoch) pairs."""
        keys = iter(keys)
        while len(chunk := list(islice(keys, batch))) == batch:
            pairs = [self._draw(index, epoch) for index, epoch in chunk]
            yield Draws(
                torch.tensor([index for index, _ in chunk]),
                torch.tensor([matrix for matrix, _ in pairs]).view(-1, 2, 3),
                torch.tensor([colour for _, colour in pairs]),
            ).to(self.device)

    def render(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Return photos (B, 3, crop, crop), float32 in 0..255, and labels (B, crop, crop), uint8.

        Arguments:
            draws: What `draws` yields.
        """
        photos = self.photos[draws.photo].float()
        photos = torch.cat([photos, self._inside(draws.photo)], 1)
        # Two points a pixel each way: enough to shrink by half without aliasing.
        samples = 2 if self.augmentation.augment else 1
        positions = self._positions(draws.matrix, samples)
        fine = functional.grid_sample(photos, positions, align_corners=False)
        colours, inside = functional.avg_pool2d(fine, samples).split((3, 1), 1)
        colours = self._recolour(colours / inside.clamp(min=1e-3), draws)
        colours = torch.lerp(self.fill.view(3, 1, 1), colours, inside)
        # One above the label, since 0 lies outside.
        labels = self.labels[draws.photo, None].float() + 1
        labels = functional.grid_sample(
            labels, self._positions(draws.matrix, 1), mode="nearest", align_corners=False
        )[:, 0]
        return colours, torch.where(labels == 0, IGNORE, labels - 1).byte()

    def _draw(self, index: int, epoch: int) -> tuple[Sequence[float], Sequence[float]]:
        """Return the matrix and the colour factors of a sample."""
        augmentation, size = self.augmentation, self.sizes[index]
        if not augmentation.augment:
            return augmentation.centred(*size), (1.0, 1.0, 1.0)
        draw = augmentation.draw(np.random.default_rng((self.seed, index, epoch)))
        return draw.matrix(*size, (self.crop, self.crop), draw.factor), draw.colour

    def _positions(self, matrix: Tensor, samples: int) -> Tensor:
        """Return where points of the samples lie, as `grid_sample` has it: (B, n, n, 2)."""
        axis = (torch.arange(samples * self.crop, device=self.device) + 0.5) / samples
        across, down = axis[None, None, :, None], axis[None, :, None, None]
        a, b, c = (part[:, None, None] for part in matrix.unbind(2))
        return 2 * (a * across + b * down + c) / self.padded_size - 1

    def _inside(self, index: Tensor) -> Tensor:
        """Return which pixels of the padded photos are theirs, (B, 1, H, W), 0 or 1."""
        width, height = self.extent[index].unbind(1)
        rows = torch.arange(self.labels.shape[1], device=self.device) < height[:, None]
        columns = torch.arange(self.labels.shape[2], device=self.device) < width[:, None]
        return (rows[:, None, :, None] & columns[:, None, None, :]).float()

    def _recolour(self, photos: Tensor, draws: Draws) -> Tensor:
        """Change brightness, contrast and saturation, in this order."""
        if not (self.augmentation.augment and self.augmentation.colour):
            return photos
        brightness, contrast, saturation = (
            factor.view(-1, 1, 1, 1) for factor in draws.colour.unbind(1)
        )
        grey = brightness * self.grey[draws.photo].view(-1, 1, 1, 1)
        photos = (brightness * photos).clamp(max=255)
        photos = torch.lerp(grey, photos, contrast).clamp(0, 255)
        luma = (self.luma * photos).sum(1, keepdim=True)
        return torch.lerp(luma, photos, saturation).clamp(0, 255)


def _check_memory(needed: int, device: torch.device) -> None:
    """Refuse photos that leave a GPU less memory than they take."""
    if device.type != "cuda":
        return
    free, _ = torch.cuda.mem_get_info(device)
    if needed > free / 2:
        raise InputError(
            f"the photos need {needed / 1e9:.1f} GB of the {free / 1e9:.1f} GB that are free on"
            f" {device}; train with --no-on-device."
        )
