"""Encode by OpenVINO on a CPU: the frozen part converted once, for inputs of any size.

Source:
    https://docs.openvino.ai
"""

import dataclasses
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from ...runtime.imports import hidden_module
from ..checkpoint import tensor_hash
from ..dynamic import Encoding, Segmenter
from ..interface import Network
from .encoders import PLAIN
from .frozen_part import FrozenFeatures, FrozenScaleSpace, pad_input

with hidden_module("openvino_telemetry"):  # reports every import to OpenVINO's makers
    import openvino

__all__ = ["CACHE", "TOLERANCE", "OpenVinoEncoder", "cache_folder"]

CACHE = "SEGVIZ_CACHE"
"""The environment variable with the folder of converted networks."""

TOLERANCE = 1e-3
"""The largest difference from PyTorch in float32, relative to the largest value of each map."""

CHECKED = (97, 131), (72, 64)
"""The inputs that are compared, in pixels; sizes that were frozen by tracing would show."""

HINTS = {"float32": "f32", "bfloat16": "bf16"}
"""What OpenVINO calls each precision."""

POLL = 100
"""Milliseconds between two calls of `on_wait`."""

VERSION = 1
"""Raised when the converted modules change, so that older files are not read."""


class OpenVinoEncoder:
    """The frozen part of a network, compiled for this machine.

    Arguments:
        features: The converted `FrozenFeatures`.
        scale_space: The converted `FrozenScaleSpace`.

    `on_wait` may be set to a function that is called several times a second while OpenVINO works,
    in the thread that waits. What it raises cancels the work.
    """

    name = "openvino"
    note = ""

    def __init__(self, features: openvino.Model, scale_space: openvino.Model) -> None:
        self.on_wait: Callable[[], object] = lambda: None
        self._models = features, scale_space
        self._core = openvino.Core()
        self._compiled: dict[str, list[Any]] = {}
        self._compile("float32")

    @classmethod
    def prepare(cls, network: Segmenter) -> "OpenVinoEncoder":
        """Convert a network, or read its conversion of an earlier process, and check it.

        Raises:
            InputError: If it differs from PyTorch by more than `TOLERANCE`.
        """
        digest = _digest(network)
        features, scale_space = FrozenFeatures(network), FrozenScaleSpace(network)
        x, mean = pad_input(network, torch.zeros(1, 3, *CHECKED[0]))
        F = torch.zeros(1, network.architecture.channels, 6, 9)
        shapes = [1, 3, -1, -1], [1, 1, -1, -1]
        encoder = cls(
            _cached(f"{digest}-features", lambda: _convert(features, (x, mean), shapes)),
            _cached(
                f"{digest}-scale-space",
                lambda: _convert(scale_space, (F,), ([1, F.shape[1], -1, -1],)),
            ),
        )
        encoder.check(network)
        return encoder

    def encode(self, network: Network, x: Tensor, precision: str) -> Encoding:
        """Return what `network.encode` returns for one input (1, 3, H, W)."""
        assert isinstance(network, Segmenter)
        if precision == "bfloat16" and not self.has_bfloat16:
            return cast(Encoding, PLAIN.encode(network, x, precision))
        features, scale_space = self._compile(precision)
        F = network.cropped(self._infer(features, *pad_input(network, x)), x).contiguous()
        R = self._infer(scale_space, F)
        return Encoding(F.contiguous(memory_format=torch.channels_last), R)

    @property
    def has_bfloat16(self) -> bool:
        """Whether this processor has instructions for bfloat16, without which OpenVINO has none."""
        return "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    @torch.no_grad()
    def check(self, network: Segmenter) -> None:
        """Compare with PyTorch on noise of two sizes.

        Raises:
            InputError: If the difference is larger than `TOLERANCE`.
        """
        generator = torch.Generator().manual_seed(0)
        for size in CHECKED:
            x = torch.randn(1, 3, *size, generator=generator)
            for found, expected in zip(
                self.encode(network, x, "float32"), network.encode(x), strict=True
            ):
                difference = (found - expected).abs().max() if found.shape == expected.shape else 1
                limit = TOLERANCE * expected.abs().max()
                if not difference <= limit:
                    raise InputError(
                        f"OpenVINO differs from PyTorch by {float(difference):.2g} on an input of"
                        f" {size[1]} x {size[0]} pixels, but the limit is {float(limit):.2g};"
                        " choose the engine torch."
                    )

    def _infer(self, compiled: Any, *inputs: Tensor) -> Tensor:  # noqa: ANN401
        """Return the output of a compiled model, in memory of its own."""
        request = compiled.create_infer_request()  # of its own for each thread
        arrays = [openvino.Tensor(value.numpy(), shared_memory=True) for value in inputs]
        request.start_async(dict(enumerate(arrays)))
        try:
            while not request.wait_for(POLL):
                self.on_wait()
        except BaseException:
            request.cancel()  # takes effect between two layers
            with suppress(RuntimeError):
                request.wait()  # the inputs are in use until then
            # Its layers are left with shapes of two inputs, and the next inference would crash.
            self._compiled = {}
            raise
        request.wait()  # raises what went wrong
        return torch.from_numpy(np.array(request.get_output_tensor(0).data, np.float32))

    def _compile(self, precision: str) -> list[Any]:
        if precision not in self._compiled:
            options = {
                "INFERENCE_PRECISION_HINT": HINTS[precision],
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "PERFORMANCE_HINT": "LATENCY",
            }
            self._compiled[precision] = [
                self._core.compile_model(model, "CPU", options) for model in self._models
            ]
        return self._compiled[precision]


def _convert(
    module: nn.Module, inputs: tuple[Tensor, ...], shapes: tuple[list[int], ...]
) -> openvino.Model:
    """Return a module as a model for inputs of some shapes, -1 = any size."""
    # The parts of openvino.convert_model that send nothing to its makers.
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    frontend = FrontEndManager().load_by_framework("pytorch")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing, which PyTorch no longer recommends
        decoder = TorchScriptPythonDecoder(module.eval(), example_input=inputs)
        model = frontend.convert(frontend.load(decoder))
    model.reshape(dict(enumerate(map(openvino.PartialShape, shapes))))
    return model


def _cached(name: str, convert: Callable[[], openvino.Model]) -> openvino.Model:
    """Return a model from the folder of converted networks, or convert and store it."""
    path = cache_folder() / f"{name}.xml"
    core = openvino.Core()
    if path.exists() and path.with_suffix(".bin").exists():
        try:
            return core.read_model(path)
        except RuntimeError:
            pass  # damaged: convert again
    model = convert()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            written = Path(folder) / path.name
            openvino.save_model(model, written, compress_to_fp16=False)
            # The description last: it stands for both.
            os.replace(written.with_suffix(".bin"), path.with_suffix(".bin"))
            os.replace(written, path)
    except (OSError, RuntimeError):
        pass  # a folder that cannot be written to costs time only
    return model


def cache_folder() -> Path:
    """Return the folder of converted networks, which may be deleted at any time."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "segviz"


def _digest(network: Segmenter) -> str:
    """Return a name for the conversion of a network: it changes with whatever it depends on."""
    facts = {
        "architecture": dataclasses.asdict(network.architecture),
        "weights": tensor_hash(network),
        "versions": [VERSION, openvino.__version__, str(torch.__version__)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
