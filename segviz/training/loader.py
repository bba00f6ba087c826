"""Load training batches: random crops, or cached features of a frozen backbone."""

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from ..data.dataset import DataSet
from ..errors import InputError
from ..network.checkpoint import tensor_hash
from ..network.dynamic import Segmenter
from ..network.resampling import Grid
from ..runtime.distributed import ProcessGroup
from ..validation import check_range
from .augmentation import Augmentation
from .datasets import AugmentedPhotos, EpochSampler, LabelledPhotos
from .device_samples import DeviceSamples, Draws
from .feature_cache import CachedSample, FeatureCache
from .recipe import Recipe

__all__ = ["Loader"]

# Forked processes share the photos in memory; spawned ones would each get a copy.
FORK = "fork" in multiprocessing.get_all_start_methods()

MAX_LOADERS = 128
"""The largest number of processes that read and augment."""


class Loader:
    """The batches of a training run, each a pure function of seed and update.

    Arguments:
        data: The training images.
        recipe: The hyperparameters.
        mean: The RGB colour of padding, 0..255.
        device: The device that batches are moved to.
        loaders: The number of processes that read and augment; 0 = this one.
        memory: Whether to read all photos into memory first.
        on_device: Whether photos are kept on the device and augmented there.

    Raises:
        InputError: If `loaders` is not 0 to 128; while reading, if an image cannot be read.
    """

    def __init__(
        self,
        data: DataSet,
        recipe: Recipe,
        mean: Sequence[float],
        device: torch.device,
        loaders: int,
        memory: bool = False,
        on_device: bool = False,
    ) -> None:
        check_range("loaders", loaders, 0, MAX_LOADERS)
        self.ids, self.recipe = list(data.ids), recipe
        self.photos = LabelledPhotos(data)
        self.device, self.loaders, self.memory = device, loaders, memory
        self.on_device = on_device
        self.device_samples: DeviceSamples | None = None
        red, green, blue = (round(m) for m in mean)
        self.augmentation = Augmentation(
            crop=None if recipe.cached_samples else recipe.crop,
            augment=recipe.augment,
            scale=(recipe.smallest, recipe.largest),
            rotation=recipe.rotation,
            colour=recipe.colour,
            fill=(red, green, blue),
        )
        self.ids_hash = hashlib.sha256("\n".join(map(data.row_key, self.ids)).encode()).hexdigest()

    def crops(
        self, update: int, group: ProcessGroup
    ) -> Iterator[tuple[Tensor, Tensor]] | Iterator[Draws]:
        """Yield photos (B, 3, crop, crop) and labels (B, crop, crop), both uint8.

        On the device, what they are made from is yielded instead; see `render`.

        Arguments:
            update: The first update.
            group: This process and its peers, which share every batch.
        """
        keys, batch = self._sampler(update, group), self.recipe.batch // group.world_size
        if not self.on_device:
            return self._samples(keys, batch)
        if self.device_samples is None:
            self.device_samples = DeviceSamples(
                self._read_all(), self.augmentation, self.recipe.seed, self.device
            )
        return self.device_samples.draws(keys, batch)

    def render(self, batch: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return photos and labels on the device from what `crops` yields.

        Arguments:
            batch: What `crops` yields; draws are on the device already.
        """
        if self.device_samples is not None:
            return self.device_samples.render(Draws(*batch))
        photos, labels = (part.to(self.device, non_blocking=True) for part in batch)
        return photos, labels

    def cached(self, update: int, cache: FeatureCache, grid: Grid) -> Iterator[list[CachedSample]]:
        """Yield batches of cached samples, mirrored at random at each use.

        Arguments:
            update: The first update.
            cache: A cache that `fill_cache` returned.
            grid: The grid of its features.
        """
        r, count = self.recipe, len(self.ids)
        samples: list[CachedSample] = []
        for index, epoch in self._sampler(update, ProcessGroup()):
            sample = cache.read(epoch % r.cached_samples * count + index, grid)
            mirrored = r.augment and np.random.default_rng((r.seed, index, epoch)).random() < 0.5
            samples.append(sample.flipped() if mirrored else sample)
            if len(samples) == r.batch:
                yield samples
                samples = []

    def fill_cache(self, network: Segmenter, folder: Path) -> FeatureCache:
        """Return the feature cache of a frozen backbone, after computing what is missing.

        Arguments:
            network: The network; put into eval mode if samples are missing.
            folder: The folder of the cache.
        """
        r, count = self.recipe, len(self.ids)
        fingerprint = {
            "ids": self.ids_hash,
            "frozen": tensor_hash(network.backbone, network.context),
            "samples": json.dumps([asdict(self.augmentation), r.seed, r.loss_stride, r.mixed]),
        }
        cache = FeatureCache(folder, fingerprint, network.aggregation.inputs)
        total = r.cached_samples * count
        missing = [divmod(n, count)[::-1] for n in range(len(cache), total)]
        if missing:
            network.eval()
            with tqdm(total=total, initial=len(cache), unit="sample") as bar:
                samples = self._samples(missing, None)
                cache.append(network, samples, r.loss_stride, r.mixed, bar.update)
        return cache

    def _sampler(self, update: int, group: ProcessGroup) -> EpochSampler:
        r = self.recipe
        stop = r.iterations(len(self.ids)) * r.batch
        return EpochSampler(
            len(self.ids), r.seed, update * r.batch, stop, group.rank, group.world_size
        )

    def _samples(self, keys: Iterable[tuple[int, int]], batch: int | None) -> Iterator[Any]:
        """Yield the samples of (image index, epoch) pairs, in batches or one by one."""
        photos = self._read_all() if self.memory else self.photos
        return self._load(AugmentedPhotos(photos, self.augmentation, self.recipe.seed), keys, batch)

    def _read_all(self) -> list[Any]:
        """Read all photos and labels into memory."""
        pairs = self._load(self.photos, range(len(self.ids)), None)
        # Copied, since tensors from another process each hold an open file; by NumPy, since
        # torch's threads would compete with the reading processes for cores.
        return [tuple(torch.from_numpy(part.numpy().copy()) for part in pair) for pair in pairs]

    def _load(self, data: Dataset[Any], keys: Iterable[Any], batch: int | None) -> Iterator[Any]:
        samples = DataLoader(
            data,
            batch_size=batch,
            sampler=keys,
            num_workers=self.loaders,
            pin_memory=self.device.type == "cuda" and batch is not None,
            multiprocessing_context="fork" if self.memory and self.loaders and FORK else None,
            worker_init_fn=_ignore_interrupts,
        )
        try:
            yield from samples
        except InputError as error:
            # A reading process sends its whole traceback as the message.
            raise InputError(str(error).strip().rpartition("InputError: ")[2]) from error


def _ignore_interrupts(_: int) -> None:
    # Ctrl-C reaches every process of the terminal; only the trainer may act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
