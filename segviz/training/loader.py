"""What training reads: new crops, or views that a frozen backbone has seen once."""

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

from ..errors import InputError
from ..network.checkpoint import tensor_hash
from ..network.dynamic import Segmenter
from ..network.grid import Grid
from ..runtime.workers import Workers
from ..validation import check_range
from .augmentation import Photos, Stream, View, Views
from .feature_cache import Kept, Sample
from .recipe import Recipe

__all__ = ["Feed"]

# What is in memory is shared with forked processes; others would each get a copy.
FORK = "fork" in multiprocessing.get_all_start_methods()


class Feed:
    """The batches of a training run, each a pure function of seed and update.

    Arguments:
        root: The VOC2012 folder.
        ids: The training images.
        recipe: How to train.
        mean: The colour of padding, RGB in 0..255.
        device: Where the batches go.
        loaders: Processes that read and augment.
        memory: Whether crops are cut from photos kept in memory.

    Raises:
        InputError: If `loaders` is negative; while reading, if an image cannot be read.
    """

    def __init__(
        self,
        root: Path,
        ids: Sequence[str],
        recipe: Recipe,
        mean: Sequence[float],
        device: torch.device,
        loaders: int,
        memory: bool = False,
    ) -> None:
        check_range("loaders", loaders, 0)
        self.root, self.ids, self.recipe = root, list(ids), recipe
        self.device, self.loaders, self.memory = device, loaders, memory
        fill = tuple(round(m) for m in mean)
        crop = None if recipe.kept else recipe.crop
        self.view = View(crop, recipe.augment, (recipe.smallest, recipe.largest), fill=fill)  # type: ignore[arg-type]
        self.ids_hash = hashlib.sha256("\n".join(self.ids).encode()).hexdigest()

    def crops(self, update: int, workers: Workers) -> Iterator[tuple[Tensor, Tensor]]:
        """Photos (B, 3, crop, crop) and labels (B, crop, crop), both uint8, from an update on.

        Arguments:
            update: The first update.
            workers: The process, which gets its share of every batch.
        """
        return self._read(self._stream(update, workers), self.recipe.batch // workers.world)

    def views(self, update: int, kept: Kept, grid: Grid) -> Iterator[list[Sample]]:
        """Batches of kept views, from an update on; mirrored at random whenever they are used."""
        r, count = self.recipe, len(self.ids)
        samples: list[Sample] = []
        for index, use in self._stream(update, Workers()):
            sample = kept.sample(use % r.kept * count + index, grid)
            mirrored = r.augment and np.random.default_rng((r.seed, index, use)).random() < 0.5
            samples.append(sample.flipped() if mirrored else sample)
            if len(samples) == r.batch:
                yield samples
                samples = []

    def keep(self, network: Segmenter, folder: Path) -> Kept:
        """The views that the frozen part of a network has seen; those that are missing are added.

        Arguments:
            network: The network; put into eval mode where views are missing.
            folder: Where they are kept.
        """
        r, count = self.recipe, len(self.ids)
        facts = {
            "ids": self.ids_hash,
            "frozen": tensor_hash(network.backbone, network.context),
            "view": json.dumps([asdict(self.view), r.seed, r.loss_stride, r.mixed]),
        }
        kept = Kept(folder, facts, network.aggregation.inputs)
        missing = [divmod(n, count)[::-1] for n in range(len(kept), r.kept * count)]
        if missing:
            network.eval()
            with tqdm(total=r.kept * count, initial=len(kept), unit="view") as bar:
                views = self._read(missing, None)
                kept.fill(network, views, r.loss_stride, r.mixed, bar.update)
        return kept

    def _stream(self, update: int, workers: Workers) -> Stream:
        r = self.recipe
        stop = r.iterations(len(self.ids)) * r.batch
        return Stream(len(self.ids), r.seed, update * r.batch, stop, workers.rank, workers.world)

    def _read(self, keys: Iterable[tuple[int, int]], batch: int | None) -> Iterator[Any]:
        """Samples of those (image index, use), in batches or one by one."""
        views = Views(self.root, self.ids, self.view, self.recipe.seed, self._photos())
        return self._load(views, keys, batch)

    def _photos(self) -> list[Any]:
        """All photos, where they are to be in memory."""
        if not self.memory:
            return []
        read = self._load(Photos(self.root, self.ids), range(len(self.ids)), None)
        # Copied, as what comes from another process holds an open file each; by NumPy, as torch's
        # threads would wait for cores that the reading processes have.
        return [tuple(torch.from_numpy(part.numpy().copy()) for part in pair) for pair in read]

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
            # A reading process sends its whole traceback for a message.
            raise InputError(str(error).strip().rpartition("InputError: ")[2]) from error


def _ignore_interrupts(_: int) -> None:
    # Ctrl-C reaches every process of the terminal; the trainer decides when reading ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
