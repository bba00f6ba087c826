"""The versions of this package and of its numbers, written once."""

__all__ = ["NUMERICS", "__version__"]

__version__ = "0.2.0"

NUMERICS = 1
"""The version of the numerics: raised by hand when the numbers of an episode change."""
