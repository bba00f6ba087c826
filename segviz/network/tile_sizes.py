"""The sizes of tiles; known without torch."""

__all__ = ["TILE_SIDES", "TILE_UNIT"]

TILE_UNIT = 64
"""Tiles begin at multiples of this many pixels, and their sides are such multiples."""

TILE_SIDES = (256, 8192)
"""The smallest and the largest side of a tile, in pixels."""
