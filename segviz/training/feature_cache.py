"""Training views seen once through the frozen part of a network, and kept on disk."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..network.dynamic import Segmenter
from ..network.grid import Grid

__all__ = ["Kept", "Sample"]

FIELDS = 7  # of an index row: first pixel, h, w, first label, rows, columns, label stride


class Sample(NamedTuple):
    """A view of a photo as the trainable part of the network sees it."""

    maps: Tensor  # (1, C', h, w), float32
    labels: Tensor  # (rows, columns), uint8, 255 = ignore
    rows: Tensor  # (rows,) positions of the labels on the feature grid
    columns: Tensor  # (columns,)

    def flipped(self) -> "Sample":
        """The mirrored maps, with the labels where they were: only their positions change."""
        last = self.maps.shape[-1] - 1
        return self._replace(maps=self.maps.flip(-1), columns=last - self.columns)


class Kept:
    """Maps and labels of views, on disk, written once in order.

    Three files grow together: the maps as float16, pixel by pixel; the labels; the index. A kill
    while writing costs the view in progress.

    Arguments:
        folder: Where the files are.
        facts: What the maps depend on; files of other facts are refused.
        channels: The channels C' of the maps.

    Raises:
        InputError: If the files were made with other facts.
    """

    def __init__(self, folder: Path, facts: dict[str, str], channels: int) -> None:
        self.folder, self.channels = folder, channels
        folder.mkdir(parents=True, exist_ok=True)
        card = folder / "facts.json"
        if card.exists() and json.loads(card.read_text()) != facts:
            raise InputError(
                f"the views kept in {folder} were made with other options or weights;"
                " remove that folder or choose another --out."
            )
        card.write_text(json.dumps(facts, indent=1) + "\n")
        rows = np.fromfile(self._index, np.int64) if self._index.exists() else np.empty(0, np.int64)
        self.index = rows[: len(rows) // FIELDS * FIELDS].reshape(-1, FIELDS)

    def __len__(self) -> int:
        return len(self.index)

    def fill(
        self,
        network: Segmenter,
        views: Iterator[tuple[Tensor, Tensor]],
        label_stride: int,
        mixed: bool,
        on_view: Callable[[], None] = lambda: None,
    ) -> None:
        """Add views to those that are there.

        Arguments:
            network: In eval mode; its aggregation uses one map only.
            views: Photos (3, H, W) uint8 with labels (H, W) uint8, from the first that is missing.
            label_stride: Every n-th label both ways is kept.
            mixed: bfloat16 arithmetic.
            on_view: Called after each.
        """
        pixel, label = self._ends()
        with self._maps.open("ab") as maps, self._labels.open("ab") as labels:
            maps.truncate(pixel * self.channels * 2)
            labels.truncate(label)
            with self._index.open("ab") as index:
                index.truncate(self.index.nbytes)
                for photo, truth in views:
                    one = self._seen(network, photo, mixed)
                    h, w = one.shape[-2:]
                    kept = truth[::label_stride, ::label_stride].numpy()
                    one[0].flatten(1).T.contiguous().half().numpy().tofile(maps)
                    labels.write(kept.tobytes())
                    row = np.array([pixel, h, w, label, *kept.shape, label_stride], np.int64)
                    for file in (maps, labels):
                        file.flush()
                    row.tofile(index)
                    index.flush()
                    pixel, label = pixel + h * w, label + kept.size
                    on_view()
        self.index = np.fromfile(self._index, np.int64).reshape(-1, FIELDS)

    def sample(self, number: int, grid: Grid) -> Sample:
        """View `number`, in the order in which they were added; `grid` is that of the maps."""
        pixel, h, w, label, rows, columns, stride = (int(value) for value in self.index[number])
        shape = (h, w, self.channels)
        offset = pixel * self.channels * 2
        maps = np.memmap(self._maps, np.float16, "r", offset, shape)
        labels = np.memmap(self._labels, np.uint8, "r", label, (rows, columns))
        positions = [
            (torch.arange(count) * stride - grid.offset) / grid.stride for count in (rows, columns)
        ]
        return Sample(
            torch.from_numpy(np.array(maps)).float().permute(2, 0, 1)[None],
            torch.from_numpy(np.array(labels)),
            *positions,
        )

    @torch.no_grad()
    def _seen(self, network: Segmenter, photo: Tensor, mixed: bool) -> Tensor:
        device = network.score_weight.device
        x = network.normalise(photo.to(device)[None].float())
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            maps = network.pyramid(x)[network.aggregation.used[0]]
        return network.cropped(maps, x).float().cpu()

    def _ends(self) -> tuple[int, int]:
        """The numbers of pixels and labels written."""
        if not len(self.index):
            return 0, 0
        pixel, h, w, label, rows, columns, _ = self.index[-1].tolist()
        return pixel + h * w, label + rows * columns

    @property
    def _maps(self) -> Path:
        return self.folder / "maps.f16"

    @property
    def _labels(self) -> Path:
        return self.folder / "labels.u8"

    @property
    def _index(self) -> Path:
        return self.folder / "index.i64"
