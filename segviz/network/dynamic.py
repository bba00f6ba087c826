"""The segmentation network: backbone, aggregation, dynamic receptive field, classifier."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError
from .aggregation import Aggregation, PooledContext
from .architecture import GROUPS, Architecture
from .backbone import Backbone
from .fold_norms import fold_norms
from .interface import Prediction
from .receptive_field import ScaleSpace, read, sigma_from_level
from .resampling import Grid, Lattice

__all__ = ["Encoding", "Segmenter", "Theta"]


class Theta(NamedTuple):
    """The parameters that an episode adapts: theta_score and theta_scale."""

    score_weight: Tensor  # (K, C)
    score_bias: Tensor  # (K,)
    scale_weight: Tensor  # (1, C, 3, 3)
    scale_bias: Tensor  # (1,)


class Encoding(NamedTuple):
    """The part of a prediction before theta: computed once for an image, never differentiated."""

    F: Tensor  # (1, C, h, w) features, normalised per channel
    R: Tensor  # (h w, L, C) normalised responses of the scale space, pixel-major


class Segmenter(nn.Module):
    r"""A fully convolutional network that scores features through a dynamic filter.

    .. math::
        u &= (L - 1) \, \text{sigmoid}(\theta_{scale} * F) \\
        \hat Y &= \text{softmax}(\theta_{score} \cdot \text{relu}(\text{norm}(R(u))))

    with F the aggregated features and R their response to a free-form filter over a Gaussian scale
    space, read at each pixel's own level u.

    Arguments:
        architecture: The shape of the network.
        pretrained: Whether timm downloads ImageNet weights for the backbone.

    Raises:
        InputError: If there is no such backbone, or none of its strides is the feature stride.

    Source:
        Paper section 2.2; receptive field: arXiv 1904.11487.
    """

    def __init__(self, architecture: Architecture, pretrained: bool = False) -> None:
        super().__init__()
        a = self.architecture = architecture
        self.backbone = Backbone(a.backbone, a.output_stride, pretrained)
        if a.stride not in self.backbone.strides:
            raise InputError(
                f"the feature stride {a.stride} is not one of {a.backbone}'s strides"
                f" {self.backbone.strides}; choose one of them."
            )
        channels = list(self.backbone.channels)
        self.context = None
        if a.pooled_context:
            self.context = PooledContext(channels[-1])
            channels[-1] = 256
        self.aggregation = Aggregation(
            channels, self.backbone.strides, a.stride, a.channels, self.backbone.corner
        )
        self.feature_norm = nn.BatchNorm2d(a.channels, affine=False)
        self.scale_space_filter = ScaleSpace(a.channels, a.sigmas, a.groups)
        self.response_norm = nn.BatchNorm2d(a.channels)
        self.score_weight = nn.Parameter(torch.empty(a.classes, a.channels))
        self.score_bias = nn.Parameter(torch.zeros(a.classes))
        self.scale_weight = nn.Parameter(torch.empty(1, a.channels, 3, 3))
        nn.init.normal_(self.score_weight, std=a.channels**-0.5)
        # Start with a nearly constant, small sigma, which training spreads.
        nn.init.normal_(self.scale_weight, std=1e-3)
        self.scale_bias = nn.Parameter(torch.logit(torch.tensor([min(1.5 / (a.levels - 1), 0.5)])))
        self._frozen: tuple[Backbone, ...] = ()  # in a tuple, so that it is not a submodule

    def freeze(self) -> "Segmenter":
        """Prepare for adaptation: eval mode, no gradients, `encode` by a faster, equal backbone."""
        self.eval().requires_grad_(False)
        self._frozen = (fold_norms(self.backbone),)
        return self

    @property
    def frozen(self) -> bool:
        """Whether the network is as `freeze` left it, with the weights of that time."""
        return bool(self._frozen)

    @property
    def fast_backbone(self) -> Backbone:
        """A frozen network's backbone with its batch norms folded; its own until then."""
        return self._frozen[0] if self._frozen else self.backbone

    @torch.no_grad()
    def begin_as(self, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        r"""Initialise as a trained classifier of the features: logits = W relu(F) + b.

        The filter starts as the identity at every level, and the norms cancel, so that training
        learns where a larger receptive field helps. sigma starts at half a feature pixel.

        Arguments:
            weight: W, shape (K, C).
            bias: b, shape (K,).
            mean: The mean of F before the norm, shape (C,).
            variance: Its variance, shape (C,).
        """
        nn.init.dirac_(self.scale_space_filter.filter.weight, self.architecture.groups)
        statistics = dict(self.feature_norm.named_buffers())
        statistics["running_mean"].copy_(mean)
        statistics["running_var"].copy_(variance)
        self.response_norm.weight.copy_(variance.sqrt())
        self.response_norm.bias.copy_(mean)
        self.score_weight.copy_(weight)
        self.score_bias.copy_(bias)
        start = torch.tensor([0.5 / (self.architecture.levels - 1)])
        self.scale_bias.copy_(torch.logit(start))

    @property
    def classes(self) -> int:
        """The number of classes K."""
        return self.architecture.classes

    @property
    def stride(self) -> float:
        """The feature stride, in input pixels."""
        return self.architecture.stride

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of parameters that an episode can adapt."""
        return GROUPS

    @property
    def max_sigma(self) -> float:
        """The largest sigma, in feature pixels."""
        return self.architecture.sigmas[-1]

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.score_weight.device

    @property
    def grid(self) -> Grid:
        """The lattice of feature pixels over the input."""
        return self.backbone.grid(self.architecture.stride)

    @property
    def theta(self) -> Theta:
        """The trained theta_score and theta_scale, detached: clone before adapting."""
        return Theta(*(parameter.detach() for parameter in self.trainable_theta()))

    def trainable_theta(self) -> Theta:
        """Return theta_score and theta_scale as parameters, for training and end-to-end steps."""
        return Theta(self.score_weight, self.score_bias, self.scale_weight, self.scale_bias)

    def parts(self) -> tuple[nn.Module, ...]:
        """Return the modules that hold tensors: the network, and its faster backbone."""
        return self, self.fast_backbone

    def normalise(self, photo: Tensor) -> Tensor:
        """Return the network input (B, 3, H, W) for photos (B, 3, H, W) in 0..255."""
        mean, std = (
            torch.stack([photo.new_full((), value) for value in values])  # without a copy to a GPU
            for values in (self.architecture.mean, self.architecture.std)
        )
        return (photo - mean.view(3, 1, 1)) / std.view(3, 1, 1)

    def _apply(self, fn: Callable[..., Tensor], recurse: bool = True) -> "Segmenter":
        self._frozen = ()  # moved or converted: the copy has the old weights
        return super()._apply(fn, recurse)

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Load as torch does; a frozen network must be frozen again."""
        self._frozen = ()
        return super().load_state_dict(*arguments, **options)

    def pyramid(self, x: Tensor, backbone: Backbone | None = None) -> list[Tensor]:
        """Return the maps of the backbone, the coarsest with its context, finest first.

        The input is padded to the backbone's multiple with zeros (the mean colour); the maps cover
        the padding too.

        Arguments:
            x: Normalised inputs of any size, shape (B, 3, H, W), float.
            backbone: A backbone equal to the network's, to use instead.
        """
        height, width = x.shape[-2:]
        grid = self.grid
        x = functional.pad(x, (0, grid.padded(width) - width, 0, grid.padded(height) - height))
        maps = (backbone or self.backbone)(x)
        if self.context is not None:
            coarse = self.backbone.grid(self.backbone.strides[-1])
            maps[-1] = self.context(maps[-1], coarse.valid(height), coarse.valid(width))
        return maps

    def cropped(self, maps: Tensor, x: Tensor) -> Tensor:
        """Crop maps (B, C, h', w') at the feature stride to the pixels that lie on x."""
        height, width = x.shape[-2:]
        return maps[..., : self.grid.valid(height), : self.grid.valid(width)]

    def features(self, x: Tensor, backbone: Backbone | None = None) -> Tensor:
        """Return the normalised features F of a batch of inputs of any size.

        Feature pixels that lie on padding are cropped away.

        Arguments:
            x: Normalised inputs, shape (B, 3, H, W), float.
            backbone: A backbone equal to the network's, to use instead.

        Returns:
            Shape (B, C, h, w), zero mean and unit variance per channel over the training set.
        """
        return self.feature_norm(self.cropped(self.aggregation(self.pyramid(x, backbone)), x))

    def scale_space(self, F: Tensor) -> Tensor:
        """Return the normalised responses R of one image, pixel-major; only in eval mode.

        In eval mode the norm is affine, so it commutes with the interpolation between levels.

        Arguments:
            F: Features, shape (1, C, h, w).

        Returns:
            Shape (h w, L, C), the type of F.
        """
        assert not self.training, "the network must be in eval mode: call eval() first"
        _, channels, height, width = F.shape
        R = F.new_empty(height * width, self.architecture.levels, channels)
        for index, sigma in enumerate(self.architecture.sigmas):
            response = self.response_norm(self.scale_space_filter.level(F, sigma))
            R[:, index] = response[0].flatten(1).T
        return R

    def encode(self, x: Tensor) -> Encoding:
        """Return features and scale space of one input (1, 3, H, W)."""
        F = self.features(x, self.fast_backbone)
        dtype = torch.promote_types(F.dtype, torch.float32)  # autocast gives bfloat16
        return Encoding(F.to(dtype), self.scale_space(F).to(dtype))

    def predict(self, encoding: Encoding) -> Prediction:
        """Return the prediction of the trained theta."""
        return self.head(self.theta, *encoding)

    def predict_end_to_end(self, x: Tensor) -> Prediction:
        """Return the prediction for one input, differentiable in all parameters."""
        F = self.features(x)  # not by the fast backbone, whose folded weights are others
        return self.head(self.trainable_theta(), F, self.scale_space(F))

    def predict_as_trained(self, x: Tensor) -> Prediction:
        """Return the prediction for one input by the path of training, differentiable.

        The norm of the responses sees each pixel once, at its own level, so that statistics of the
        image mean what they did in training; otherwise the prediction is the same.
        """
        F = self.features(x)
        logits = self.from_features(F)[0]
        u = self.level(self.trainable_theta(), F)[0, 0]
        return Prediction(logits, sigma_from_level(u))

    def lattices(self, encoding: Encoding, height: int, width: int) -> tuple[Lattice, Lattice]:
        """Return where the rows and the columns of the features lie on the input."""
        return self.grid.lattice, self.grid.lattice

    def level(self, theta: Theta, F: Tensor) -> Tensor:
        """Return the levels u in [0, L - 1], shape (B, 1, h, w), of features (B, C, h, w)."""
        height, width = F.shape[-2:]
        # With one output channel, a product with all taps and nine shifts is faster than a
        # convolution; with sixteen columns instead of nine the product takes half as long.
        weight = functional.pad(theta.scale_weight[0].flatten(1), (0, 7))
        taps = (F.flatten(2).transpose(1, 2) @ weight)[..., :9].transpose(1, 2)  # (B, 9, h w)
        taps = functional.pad(taps.unflatten(2, (height, width)), (1, 1, 1, 1))
        z = theta.scale_bias.expand(len(F), height, width).clone()
        for i, j in itertools.product(range(3), repeat=2):
            z += taps[:, 3 * i + j, i : i + height, j : j + width]
        return (self.architecture.levels - 1) * torch.sigmoid(z[:, None])

    def head(self, theta: Theta, F: Tensor, R: Tensor) -> Prediction:
        """Return the prediction of one image: a pure function of theta.

        Arguments:
            theta: The classifier and the scale regressor.
            F: Features, shape (1, C, h, w).
            R: Scale space, shape (h w, L, C).

        Returns:
            Logits (K, h, w), pixel-major in memory, and sigma (h, w) in feature pixels.
        """
        activation, u = self.activate(theta, F, R)
        return self.score(theta, activation, sigma_from_level(u).view(F.shape[-2:]))

    def activate(self, theta: Theta, F: Tensor, R: Tensor) -> tuple[Tensor, Tensor]:
        """Return what depends on theta_scale alone: activations (h w, C) and levels u (h w,)."""
        u = self.level(theta, F).view(-1)
        return functional.relu(read(R, u), inplace=True), u

    def score(self, theta: Theta, activation: Tensor, sigma: Tensor) -> Prediction:
        """Return the prediction from activations (h w, C), by theta_score."""
        rows = torch.addmm(theta.score_bias, activation, theta.score_weight.T)
        return Prediction(rows.T.unflatten(1, sigma.shape), sigma)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, K, h, w) on the feature grid, for training: x as in `features`."""
        return self.from_features(self.features(x))

    def from_features(self, F: Tensor) -> Tensor:
        """Return logits (B, K, h, w) from features (B, C, h, w), differentiable in everything."""
        return self._score(self.response_norm(self._response(F)))

    def forward_maps(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return logits of several images of any size, for training on cached maps.

        Batch norm takes its statistics over the pixels of all of them.

        Arguments:
            maps: For each image the only map that the aggregation uses, cropped, (1, C', h, w).

        Returns:
            For each image the logits on the feature grid, shape (1, K, h, w).
        """
        assert self.aggregation.single, "the aggregation uses several maps"
        project = self.aggregation.projections[0]  # 1x1 or the identity: pixels do not mix
        F = apply_pixelwise(lambda x: self.feature_norm(project(x)), maps)
        responses = [self._response(one) for one in F]
        return apply_pixelwise(lambda x: self._score(self.response_norm(x)), responses)

    def _response(self, F: Tensor) -> Tensor:
        """Return the responses read at each pixel's level, before the norm, in the shape of F."""
        u = self.level(self.trainable_theta(), F)
        # The same interpolation as `read`, written as hat functions: dense, differentiable in R.
        response = torch.zeros_like(F)
        for index, sigma in enumerate(self.architecture.sigmas):
            hat = (1 - (u - index).abs()).clamp(min=0)
            response = response + hat * self.scale_space_filter.level(F, sigma)
        return response

    def _score(self, response: Tensor) -> Tensor:
        weight = self.score_weight[..., None, None]
        return functional.conv2d(functional.relu(response), weight, self.score_bias)


def apply_pixelwise(function: Callable[[Tensor], Tensor], maps: Sequence[Tensor]) -> list[Tensor]:
    """Apply a pixel-wise function to maps (1, C, h, w) of different sizes at once."""
    sizes = [one.shape[-2:] for one in maps]
    pixels = torch.cat([one.flatten(2) for one in maps], 2)[..., None]  # (1, C, N, 1)
    parts = function(pixels)[..., 0].split([h * w for h, w in sizes], 2)
    return [part.unflatten(2, tuple(size)) for part, size in zip(parts, sizes, strict=True)]
