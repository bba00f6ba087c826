"""Aggregate a feature pyramid into one map: pooled context and iterative deep aggregation.

Source:
    Yu, Wang, Shelhamer, Darrell, *Deep Layer Aggregation*, CVPR 2018,
    https://arxiv.org/abs/1707.06484 (the upsampling half of the segmentation network)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Aggregation", "PooledContext"]


def conv_norm_relu(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Return a convolution with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class PooledContext(nn.Module):
    r"""Combine each pixel with the mean of the image.

    .. math:: y = \text{relu} \, W_3 [\text{relu} \, W_2 \bar f, \; \text{relu} \, W_1 f]

    The structure is that of the light DeepLabv3 head (Chen et al. 2017, https://arxiv.org/abs/1706.05587,
    with the image pooling and without the dilated branches).

    Arguments:
        inputs: The channels of f.
        outputs: The channels of y.
    """

    def __init__(self, inputs: int, outputs: int = 256) -> None:
        super().__init__()
        self.aspp0 = nn.Conv2d(inputs, outputs, 1)
        self.image_pooling = nn.Conv2d(inputs, outputs, 1)
        self.concat_projection = nn.Conv2d(2 * outputs, outputs, 1)

    def forward(self, f: Tensor, height: int | None = None, width: int | None = None) -> Tensor:
        """Return the map with context, (B, outputs, h, w), for f of shape (B, inputs, h, w).

        The mean is taken over the first `height` rows and `width` columns, without the padding.
        """
        pooled = f[..., :height, :width].mean((2, 3), keepdim=True)
        local = functional.relu(self.aspp0(f))
        context = functional.relu(self.image_pooling(pooled)).expand_as(local)
        return functional.relu(self.concat_projection(torch.cat([context, local], 1)))


class Aggregation(nn.Module):
    """Aggregate iteratively from coarse to fine: project, upsample, add, 3x3 node.

    Arguments:
        inputs: The channels of the maps, finest first.
        strides: Their strides in pixels, finest first. Of those at or above `stride`, the deepest
            map of each is used.
        stride: The feature stride of the result.
        outputs: The channels of the result.
        corner: Whether feature pixels of all maps share their first sample (see `Grid`).
    """

    def __init__(
        self,
        inputs: Sequence[int],
        strides: Sequence[int],
        stride: int,
        outputs: int,
        corner: bool,
    ) -> None:
        super().__init__()
        deepest = {r: i for i, r in enumerate(strides) if r >= stride}
        self.used = sorted(deepest.values(), reverse=True)  # coarsest first
        self.inputs = inputs[self.used[0]]  # channels of the coarsest
        self.corner = corner
        # A single map with the right number of channels needs no projection.
        ready = self.single and self.inputs == outputs
        self.projections = nn.ModuleList(
            nn.Identity() if ready else conv_norm_relu(inputs[i], outputs, 1) for i in self.used
        )
        self.nodes = nn.ModuleList(conv_norm_relu(outputs, outputs, 3) for _ in self.used[1:])

    @property
    def single(self) -> bool:
        """Whether only one map is used, so that pixels do not mix."""
        return len(self.used) == 1

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return features (B, outputs, h, w) at the size of the finest map used."""
        x = self.projections[0](maps[self.used[0]])
        for i, projection, node in zip(
            self.used[1:], self.projections[1:], self.nodes, strict=True
        ):
            skip = projection(maps[i])
            if x.shape[-2:] != skip.shape[-2:]:
                x = functional.interpolate(
                    x, size=skip.shape[-2:], mode="bilinear", align_corners=self.corner
                )
            x = node(x + skip)
        return x
