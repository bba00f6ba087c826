"""Choose what encodes the inputs of a network: PyTorch, or an engine that was prepared for it."""

import logging
import threading
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ...errors import InputError, reason_of
from ..dynamic import Segmenter
from ..interface import Network
from .captured import captured_encode

__all__ = ["ENGINES", "PLAIN", "PhotoEncoder", "TorchEncoder", "encoder_of", "prepare_engine"]

ENGINES = {
    "auto": "openvino on a CPU if it is installed, else torch",
    "torch": "PyTorch",
    "openvino": "OpenVINO, on a CPU",
}
"""What each engine runs on."""

logger = logging.getLogger(__name__)


class UnsuitedError(InputError):
    """An engine is not made for a network or its device."""


class PhotoEncoder(Protocol):
    """What computes the part of a prediction that an episode does not adapt."""

    name: str
    note: str  # why it is not another engine; "" if it is the one asked for

    def encode(self, network: Network, x: Tensor, precision: str) -> Any:  # noqa: ANN401
        """Return what `network.encode` returns for one input (1, 3, H, W).

        Arguments:
            network: The network that the encoder was prepared for.
            x: Normalised input of any size, float32.
            precision: A name in `adapt.settings.PRECISIONS`.
        """


class TorchEncoder:
    """PyTorch, on any device; small inputs on a GPU as a captured graph.

    Arguments:
        note: Why another engine does not serve.
    """

    name = "torch"

    def __init__(self, note: str = "") -> None:
        self.note = note

    def encode(self, network: Network, x: Tensor, precision: str) -> Any:  # noqa: ANN401
        """Return what `network.encode` returns."""
        half = precision == "bfloat16"
        with torch.no_grad(), torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            return captured_encode(network, x)


PLAIN = TorchEncoder()

_prepared: "WeakKeyDictionary[Network, PhotoEncoder]" = WeakKeyDictionary()
_lock = threading.Lock()


def encoder_of(network: Network) -> PhotoEncoder:
    """Return the encoder that was prepared for a network, else PyTorch; does not wait."""
    return _prepared.get(network, PLAIN)


def prepare_engine(network: Network, engine: str) -> PhotoEncoder:
    """Make an engine encode the inputs of a network from now on, and return the encoder.

    Conversion takes seconds the first time. If the engine fails, or differs from PyTorch by more
    than its tolerance, PyTorch serves, with a warning in the log.

    Arguments:
        network: A frozen network.
        engine: A name in `ENGINES`.

    Raises:
        InputError: If there is no such engine, or OpenVINO is asked for by name and cannot serve.
    """
    if engine not in ENGINES:
        raise InputError(f"there is no engine {engine!r}; choose one of {', '.join(ENGINES)}.")
    with _lock:  # two threads would convert one network twice
        found = _prepared.get(network)
        if found is None or engine not in ("auto", found.name):
            found = PLAIN if engine == "torch" else _prepare_openvino(network, engine)
            _prepared[network] = found
    return found


def _prepare_openvino(network: Network, engine: str) -> PhotoEncoder:
    try:
        if not isinstance(network, Segmenter):
            raise UnsuitedError("it takes the networks that segviz trains; choose torch.")
        if network.device.type != "cpu":
            raise UnsuitedError(f"it needs the device cpu, got {network.device}; choose torch.")
        from . import openvino_encoder  # the package is optional

        return openvino_encoder.OpenVinoEncoder.prepare(network)
    except Exception as error:  # of a library that converts whatever a network is made of
        if engine == "openvino":
            reason = str(error) if isinstance(error, InputError) else reason_of(error)
            raise InputError(f"OpenVINO cannot run this network: {reason}") from error
        if isinstance(error, ImportError | UnsuitedError):
            return PLAIN
        note = f"PyTorch encodes, since OpenVINO cannot: {reason_of(error)}"
        logger.warning(note)
        return TorchEncoder(note)
