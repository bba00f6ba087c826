"""Find the normalisation layers of a network: batch, layer, group and instance norms."""

from collections.abc import Iterator

from torch import Tensor, nn

__all__ = ["has_affine_norms", "norm_layers"]


def norm_layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the names and modules of the normalisation layers, in the order of definition.

    They are known by the name of their class, since libraries write their own, and by their
    weight: one number a channel. Batch norms count without a weight, too.
    """
    for name, module in network.named_modules():
        weight = getattr(module, "weight", None)
        per_channel = isinstance(weight, Tensor) and weight.dim() == 1
        if isinstance(module, nn.modules.batchnorm._BatchNorm) or (
            per_channel and "norm" in type(module).__name__.lower()
        ):
            yield name, module


def has_affine_norms(network: nn.Module) -> bool:
    """Return whether a normalisation layer has a trained weight."""
    return any(isinstance(layer.weight, nn.Parameter) for _, layer in norm_layers(network))
