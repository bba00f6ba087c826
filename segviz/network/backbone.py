"""Use any timm network as a pyramid of feature maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import InputError, guard
from ..runtime.files import check_regular
from .resampling import Grid

__all__ = ["BACKBONES", "Backbone", "BackboneDefaults"]


@dataclass(frozen=True)
class BackboneDefaults:
    """Settings for a backbone that segviz has been tested with.

    Arguments:
        output_stride: The coarsest stride asked of timm (later stages are dilated), in pixels.
        feature_stride: The feature stride of the segmentation network built on it.
        mean: What is subtracted from the RGB input, in 0..255.
        std: What the input is then divided by.
        pooled_context: Whether the coarsest map passes through the pooled context module.
        channels: The number of feature channels C.
        groups: The number of channel groups of the free-form filter.
    """

    output_stride: int = 32
    feature_stride: int = 4
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    pooled_context: bool = False
    channels: int = 128
    groups: int = 1


BACKBONES: dict[str, BackboneDefaults] = {
    "mobilenetv2_100": BackboneDefaults(
        16, 16, (127.5,) * 3, (127.5,) * 3, True, channels=256, groups=4
    ),
    # As many channels as its own aggregation has at stride 4.
    "dla34": BackboneDefaults(32, 4, channels=64),
    # TensorFlow's padding keeps samples aligned, since inputs are padded to 16 n + 1 pixels.
    **dict.fromkeys(
        ("tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2"),
        BackboneDefaults(16, 16, (127.5,) * 3, (127.5,) * 3, True, channels=256, groups=4),
    ),
}


class Backbone(nn.Module):
    """The feature maps of a timm network, coarsest last.

    Arguments:
        name: A timm model name.
        output_stride: The coarsest stride, in pixels; networks that cannot dilate take 32 only.
        pretrained: Whether timm downloads its ImageNet weights (needs the internet).

    Raises:
        InputError: If timm has no such network, or not with that output stride, or if the network
            only takes inputs of one size.
    """

    def __init__(self, name: str, output_stride: int, pretrained: bool = False) -> None:
        super().__init__()
        extra: dict[str, Any] = {} if output_stride == 32 else {"output_stride": output_stride}
        try:
            net: Any = timm.create_model(name, features_only=True, pretrained=pretrained, **extra)
        except (RuntimeError, AssertionError, TypeError, AttributeError, ValueError) as error:
            raise InputError(
                f"timm cannot build the backbone {name!r} at output stride {output_stride}"
                f" ({str(error).splitlines()[0] if str(error) else 'it cannot dilate to that'});"
                f" known to work: {', '.join(BACKBONES)}."
            ) from error
        except OSError as error:
            raise InputError(
                f"the pretrained weights of {name!r} cannot be fetched ({error});"
                " give a file with --init, or train from scratch with --no-pretrained."
            ) from error
        self.name = name
        self.net: nn.Module = net
        self.channels: list[int] = net.feature_info.channels()
        self.strides: list[int] = net.feature_info.reduction()
        self.corner = self._aligns_corners()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the pyramid of a batch (B, 3, H, W) of normalised inputs, finest first."""
        return self.net(x)

    def grid(self, stride: int) -> Grid:
        """Return the lattice of a map at `stride` input pixels."""
        return Grid(stride, max(self.strides), self.corner)

    def load_init(self, path: Path) -> None:
        """Load weights from a safetensors file with timm's parameter names.

        Raises:
            InputError: If the file cannot be read or does not fit the network.
        """
        weights = read_tensors(path)
        try:
            missing, unexpected = self.net.load_state_dict(dict(weights), strict=False)
        except RuntimeError as error:
            raise InputError(
                f"{path} holds tensors whose shapes differ from the backbone's; give a file for it."
            ) from error
        missing = [key for key in missing if not key.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise InputError(
                f"{path} lacks {len(missing)} tensors of the backbone (such as"
                f" {(missing or ['none'])[0]}) and has {len(unexpected)} that it does not know;"
                " give a file with timm's features_only names."
            )

    @torch.no_grad()
    def _aligns_corners(self) -> bool:
        # With symmetric padding, samples lie at multiples of the stride and an input of m k + 1
        # pixels gives k + 1 feature pixels; even windows drop the last one or fail.
        largest = max(self.strides)
        size = 4 * largest + 1
        training = self.net.training
        self.net.eval()
        try:
            maps = self.net(torch.zeros(1, 3, size, size))
        except RuntimeError:
            return False
        except AssertionError as error:
            raise InputError(
                f"the backbone {self.name!r} does not take inputs of any size ({error});"
                f" choose a convolutional network, such as {' or '.join(BACKBONES)}."
            ) from error
        finally:
            self.net.train(training)
        return all(
            m.shape[-1] == (size - 1) // r + 1 for m, r in zip(maps, self.strides, strict=True)
        )


def read_tensors(path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        InputError: If there is no such file or it is not safetensors.
    """
    if not path.exists():
        raise InputError(f"there is no weights file {path}; check the path.")
    remedy = "convert it to safetensors"
    check_regular(path, "the weights", remedy)
    with guard(f"{path} is not a readable safetensors file", remedy):
        return load_file(path)
