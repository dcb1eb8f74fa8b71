"""The one place where positions ``xy`` and array indices ``rc`` are turned into each other."""

from __future__ import annotations

from math import floor


def rc_from_xy(xy: tuple[float, float]) -> tuple[int, int]:
    """The (row, column) of the pixel that holds the position; may lie outside the image."""
    return floor(xy[1]), floor(xy[0])


def xy_from_rc(rc: tuple[int, int]) -> tuple[float, float]:
    """The position of the centre of the pixel."""
    return rc[1] + 0.5, rc[0] + 0.5


def is_inside(rc: tuple[int, int], shape: tuple[int, int]) -> bool:
    """Whether the pixel belongs to an image of ``shape`` (rows, columns)."""
    return 0 <= rc[0] < shape[0] and 0 <= rc[1] < shape[1]
