"""Features that the frozen part of a network gives of training samples, cached on disk."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, guard
from ..network.dynamic import Segmenter
from ..network.resampling import Grid
from ..runtime.files import read_file, write_atomically

__all__ = ["CachedSample", "FeatureCache"]

MAX_FINGERPRINT = 1 << 20  # bytes
FIELDS = 7  # of an index row: first pixel, h, w, first label, rows, columns, label stride


class CachedSample(NamedTuple):
    """Features and labels of one training sample, as the trainable part of the network reads them.

    Arguments:
        maps: Features (1, C', h, w), float32.
        labels: Labels (rows, columns), uint8, 255 = ignore.
        rows: The labels' vertical positions on the feature grid, (rows,).
        columns: Their horizontal positions, (columns,).
    """

    maps: Tensor
    labels: Tensor
    rows: Tensor
    columns: Tensor

    def flipped(self) -> "CachedSample":
        """Return the mirrored sample: maps are flipped, labels only get new positions."""
        last = self.maps.shape[-1] - 1
        return self._replace(maps=self.maps.flip(-1), columns=last - self.columns)


class FeatureCache:
    """An append-only cache of features and labels.

    Three files grow together: the features as float16, channels last; the labels; the index. A kill
    while writing costs only the sample in progress.

    Arguments:
        folder: The folder of the files, created if missing.
        fingerprint: What the features depend on, by name.
        channels: The number of feature channels C'.

    Raises:
        InputError: If the cache has another fingerprint, or its fingerprint cannot be read.
    """

    def __init__(self, folder: Path, fingerprint: Mapping[str, str], channels: int) -> None:
        self.folder, self.channels = folder, channels
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "fingerprint.json"
        if path.exists() and _read_fingerprint(path) != fingerprint:
            raise InputError(
                f"the feature cache {folder} was made with other options or weights;"
                " remove that folder or choose another --out."
            )
        write_atomically(path, msgspec.json.format(msgspec.json.encode(fingerprint)))
        self.index = self._read_index()

    def __len__(self) -> int:
        return len(self.index)

    def append(
        self,
        network: Segmenter,
        samples: Iterator[tuple[Tensor, Tensor]],
        label_stride: int,
        mixed: bool,
        on_sample: Callable[[], None] = lambda: None,
    ) -> None:
        """Compute and append the features of samples.

        Arguments:
            network: A network in eval mode whose aggregation uses a single map.
            samples: Photos (3, H, W) and labels (H, W), both uint8, from the first missing one on.
            label_stride: Every n-th label both ways is cached.
            mixed: Whether to compute in bfloat16.
            on_sample: Called after each sample.
        """
        pixel, label = self._ends()
        with self._maps.open("ab") as maps_file, self._labels.open("ab") as labels_file:
            maps_file.truncate(pixel * self.channels * 2)
            labels_file.truncate(label)
            with self._index.open("ab") as index_file:
                index_file.truncate(self.index.nbytes)
                for photo, truth in samples:
                    maps = self._features(network, photo, mixed)
                    h, w = maps.shape[-2:]
                    labels = truth[::label_stride, ::label_stride].numpy()
                    maps[0].flatten(1).T.contiguous().half().numpy().tofile(maps_file)
                    labels_file.write(labels.tobytes())
                    row = np.array([pixel, h, w, label, *labels.shape, label_stride], np.int64)
                    # The index comes last, so that it never points at missing data.
                    for file in (maps_file, labels_file):
                        file.flush()
                    row.tofile(index_file)
                    index_file.flush()
                    pixel, label = pixel + h * w, label + labels.size
                    on_sample()
        self.index = self._read_index()

    def read(self, number: int, grid: Grid) -> CachedSample:
        """Return sample `number`, in the order of appending; `grid` is the features' grid."""
        pixel, h, w, label, rows, columns, stride = (int(value) for value in self.index[number])
        shape = (h, w, self.channels)
        offset = pixel * self.channels * 2
        maps = np.memmap(self._maps, np.float16, "r", offset, shape)
        labels = np.memmap(self._labels, np.uint8, "r", label, (rows, columns))
        positions = [
            (torch.arange(count) * stride - grid.offset) / grid.stride for count in (rows, columns)
        ]
        return CachedSample(
            torch.from_numpy(np.array(maps)).float().permute(2, 0, 1)[None],
            torch.from_numpy(np.array(labels)),
            *positions,
        )

    @torch.no_grad()
    def _features(self, network: Segmenter, photo: Tensor, mixed: bool) -> Tensor:
        device = network.score_weight.device
        x = network.normalise(photo.to(device)[None].float())
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            maps = network.pyramid(x)[network.aggregation.used[0]]
        return network.cropped(maps, x).float().cpu()

    def _read_index(self) -> np.ndarray:
        """Return the index, shape (samples, FIELDS), int64, without a row cut short by a kill."""
        values = np.fromfile(self._index, np.int64) if self._index.exists() else np.empty(0, int)
        return values[: len(values) // FIELDS * FIELDS].reshape(-1, FIELDS)

    def _ends(self) -> tuple[int, int]:
        """Return the numbers of feature pixels and labels written."""
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


def _read_fingerprint(path: Path) -> dict[str, str]:
    remedy = "remove its folder or choose another --out"
    with guard(f"{path} is damaged", remedy):
        return msgspec.json.decode(
            read_file(path, "the fingerprint", MAX_FINGERPRINT, remedy), type=dict[str, str]
        )
