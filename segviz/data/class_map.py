"""Bring the truth of a data set to the classes of a network, by their names."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from ..errors import InputError, guard
from ..runtime.files import decode_text, read_file
from .classes import IGNORE, ClassList, comparable
from .dataset import DataSet

__all__ = ["ClassMap", "MappedImages", "known_targets", "read_class_map"]

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class ClassMap:
    """Which class of a network each class of a data set is.

    Arguments:
        data: The classes of the data set.
        network: The classes of the network.
        targets: For each class of the data its class of the network, or 255 = ignored.
    """

    data: ClassList
    network: ClassList
    targets: tuple[int, ...]

    @classmethod
    def by_name(
        cls, data: ClassList, network: ClassList, given: Mapping[str, str | None] | None = None
    ) -> "ClassMap":
        """Map classes by their names, whose case, spaces, hyphens and underscores do not matter.

        Arguments:
            data: The classes of the data set.
            network: The classes of the network.
            given: The name of the network's class for some classes of the data, None = ignore.

        Raises:
            InputError: If `given` has an unknown name, or no class of the data is one of the
                network.
        """
        known = {comparable(name): place for place, name in enumerate(network.names)}
        names = {comparable(name): name for name in data.names}
        chosen: dict[str, int] = {}
        for name, target in (given or {}).items():
            if comparable(name) not in names:
                raise InputError(
                    f"--class-map has {name[:40]!r}, which is no class of the data; these are"
                    f" {_some(data.names)}."
                )
            if target is not None and comparable(target) not in known:
                raise InputError(
                    f"--class-map has {target[:40]!r}, which is no class of the network; these are"
                    f" {_some(network.names)}."
                )
            chosen[comparable(name)] = IGNORE if target is None else known[comparable(target)]
        targets = tuple(chosen.get(name, known.get(name, IGNORE)) for name in names)
        if all(target == IGNORE for target in targets):
            raise InputError(
                f"no class of the data ({_some(data.names)}) is one of the network"
                f" ({_some(network.names)}); map them by --class-map FILE, JSON such as"
                ' {"name in the data": "name in the network"}, or leave --classes out, if the masks'
                " hold the ids of the network's classes."
            )
        return cls(data, network, targets)

    @property
    def is_identity(self) -> bool:
        """Whether every class keeps its id and its name, so that neither needs mention."""
        names = [list(map(comparable, classes.names)) for classes in (self.data, self.network)]
        return self.targets == tuple(range(len(self.network))) and names[0] == names[1]

    @property
    def ignored(self) -> list[int]:
        """The classes of the data that no class of the network stands for."""
        return [id for id, target in enumerate(self.targets) if target == IGNORE]

    def describe(self) -> str:
        """Return the map in one line, without what is ignored."""
        return ", ".join(
            f"{name} -> {self.network.names[target]}"
            for name, target in zip(self.data.names, self.targets, strict=True)
            if target != IGNORE
        )

    def apply(self, labels: np.ndarray) -> np.ndarray:
        """Return labels of the data, (H, W) integer, as those of the network, (H, W) int64."""
        table = np.full(IGNORE + 1, IGNORE, np.int64)
        table[: len(self.targets)] = self.targets
        return table[labels]


@dataclass(frozen=True)
class MappedImages:
    """A data set whose truth has the classes of a network; implements `dataset.DataSet`.

    Arguments:
        images: The data set.
        map: From its classes to those of the network.
    """

    images: DataSet
    map: ClassMap

    @property
    def name(self) -> str:
        """The name of the data set."""
        return self.images.name

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the data set."""
        return self.images.ids

    @property
    def classes(self) -> ClassList:
        """The classes of the network."""
        return self.map.network

    @property
    def has_truth(self) -> bool:
        """Whether the data set has truth."""
        return self.images.has_truth

    def photo(self, id: str) -> np.ndarray:
        """Return a photo of the data set."""
        return self.images.photo(id)

    def truth(self, id: str) -> np.ndarray | None:
        """Return its truth in the classes of the network."""
        labels = self.images.truth(id)
        return None if labels is None else self.map.apply(labels)

    def row_key(self, id: str) -> str:
        """Return the key of the data set with a hash of the map."""
        digest = hashlib.sha256(repr(self.map.targets).encode()).hexdigest()[:8]
        return f"{self.images.row_key(id)} {digest}"


def known_targets(given: Mapping[str, str | None], network: ClassList) -> dict[str, str | None]:
    """Return what a map for several networks says of the classes of one."""
    known = {comparable(name) for name in network.names}
    return {
        name: target
        for name, target in given.items()
        if target is None or comparable(target) in known
    }


def read_class_map(path: Path) -> dict[str, str | None]:
    """Read a JSON object from names of the data to names of the network, null = ignore.

    Raises:
        InputError: If the file cannot be read, or holds something else.
    """
    remedy = 'give JSON such as {"name in the data": "name in the network"}'
    data = read_file(path, "the class map", MAX_BYTES, remedy)
    with guard(f"the class map {path} is no class map", remedy):
        return msgspec.json.decode(decode_text(data), type=dict[str, str | None])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
