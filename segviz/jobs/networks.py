"""A cache of the networks of a server; torch is imported with the first of them."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from ..adapt.encoding_cache import EncodingCache
from ..errors import InputError
from ..network import checkpoint
from ..network.checkpoint import NetworkFacts
from ..runtime.imports import pause_garbage_collection
from . import catalogue
from .queue import EXIT_TIMEOUT, check_stop

if TYPE_CHECKING:
    from ..network.checkpoint import Checkpoint

__all__ = ["Networks"]

logger = logging.getLogger(__name__)

MAX_NETWORKS = 2
"""The number of networks kept in memory."""

MAX_ENCODINGS = 512 * 2**20
"""The bytes of encoded photos kept in memory: some six at 3x with the default network."""

ENGINE = "SEGVIZ_ENGINE"
"""The environment variable that chooses what encodes photos: auto, torch or openvino."""


class Networks:
    """Networks by name; the least recently used are evicted.

    Attributes:
        encodings: The views of photos that they have encoded.
    """

    def __init__(self) -> None:
        self.encodings = EncodingCache(MAX_ENCODINGS)
        self._lock = threading.Lock()
        self._loaded: dict[str, Checkpoint] = {}
        self._facts: dict[str, NetworkFacts] = {}
        self._prepared: set[str] = set()

    def ready(self, name: str) -> Checkpoint | None:
        """Return a network if it is loaded; does not wait."""
        return self._loaded.get(name)

    def load(self, name: str = checkpoint.DEFAULT) -> Checkpoint:
        """Return a network, to be read only; concurrent callers wait for one load.

        Raises:
            InputError: If the server does not offer it, or it is missing or damaged.
        """
        _check_offered(name)
        with self._lock:
            found = self._loaded.pop(name, None) or self._load(name)
            if name not in self._prepared:
                self._prepared.add(name)
                _in_background("segviz engine", lambda: _prepare(found))
            self._loaded[name] = found
            for old in list(self._loaded)[:-MAX_NETWORKS]:
                del self._loaded[old]
                self._prepared.discard(old)
        return found

    def facts(self, name: str) -> NetworkFacts:
        """Return what is known of a network; one of another library is loaded the first time.

        Raises:
            InputError: As `load`.
        """
        _check_offered(name)
        if not checkpoint.is_foreign(name):
            return checkpoint.read_facts(name)
        if name not in self._facts:
            self._facts[name] = self.load(name).facts
        return self._facts[name]

    def warm_up(self, then: Callable[[], object] | None = None) -> None:
        """Load the default network in a background thread.

        Arguments:
            then: Called in that thread after the network is loaded, or has failed to load.
        """

        def work() -> None:
            try:
                with suppress(InputError):  # raised again for whoever needs the network
                    self.load()
                if then is not None:
                    then()
            except RuntimeError:
                if threading.main_thread().is_alive():
                    raise  # at interpreter exit, torch can no longer be imported

        _in_background("segviz warm-up", work)

    def _load(self, name: str) -> Checkpoint:
        from ..runtime import device

        # The first time, torch is imported too.
        with nullcontext() if self._loaded else pause_garbage_collection():
            trained = checkpoint.load(name, device.choose_device())
        _check_stop_between_layers(trained.network)
        return trained


def _in_background(name: str, work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    # A thread that is inside torch at interpreter exit aborts the process.
    atexit.register(thread.join, EXIT_TIMEOUT)


def _prepare(trained: Checkpoint) -> None:
    """Prepare the engine of a network; until then, and if that fails, PyTorch encodes."""
    engine = os.environ.get(ENGINE, "auto")
    if engine == "torch":
        return
    from ..network.engines.encoders import prepare_engine

    try:
        encoder = prepare_engine(trained.network, engine)
    except InputError as error:
        logger.warning("%s", error)
        return
    if hasattr(encoder, "on_wait"):
        encoder.on_wait = check_stop  # between layers, as in `_check_stop_between_layers`


def _check_stop_between_layers(network: object) -> None:
    """Let a stopped job end within a forward pass, which takes seconds at large scales."""
    from torch import nn

    if isinstance(network, nn.Module):
        for module in network.modules():
            module.register_forward_pre_hook(_check_stop)


def _check_stop(*_: object) -> None:
    check_stop()


def _check_offered(name: str) -> None:
    offered = catalogue.networks()
    if name not in offered:
        raise InputError(
            f"there is no network {name[:80]!r} on this server; choose one of {', '.join(offered)}."
        )
