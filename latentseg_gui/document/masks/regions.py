"""Areas found in an image or a mask: fills, components, and the clean-up of shapes.

Functions that start at a pixel return (rectangle, area inside it) and look only at as much of the
image as they must; the others map a bool [H, W] to a new one of the same shape.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.coords import is_inside
from latentseg_gui.document.types import Labels, Mask, Rect

_FIRST_WINDOW = 256
_TILE = 128
_EDGES = ndimage.generate_binary_structure(2, 1)


def flood_fill(labels: Labels, rc: tuple[int, int]) -> tuple[Rect, Mask]:
    """The connected area of one class around the pixel ``rc``; neighbours share an edge."""
    if not is_inside(rc, labels.shape):
        return _nothing()
    value = labels[rc]
    return _grown(rc, labels.shape, lambda window: labels[window.slices] == value)


def magic_wand(pixels: NDArray[np.uint8], rc: tuple[int, int], tolerance: float) -> tuple[Rect, Mask]:
    """The connected area whose colour is near that of the pixel ``rc``.

    Args:
        pixels: uint8 [H, W, 3].
        rc: the pixel to start from.
        tolerance: largest difference to its colour in any channel, 0..255.
    """
    shape = (int(pixels.shape[0]), int(pixels.shape[1]))
    if not is_inside(rc, shape):
        return _nothing()
    colour = pixels[rc].astype(np.int16)

    def near(window: Rect) -> Mask:
        difference = np.abs(pixels[window.slices].astype(np.int16) - colour)
        is_near: Mask = difference.max(axis=-1) <= tolerance
        return is_near

    return _grown(rc, shape, near)


def component_at(mask: Mask, rc: tuple[int, int]) -> tuple[Rect, Mask]:
    """The connected part of ``mask`` that holds the pixel ``rc``; empty where the mask is not set."""
    if not is_inside(rc, mask.shape) or not mask[rc]:
        return _nothing()
    return _grown(rc, mask.shape, lambda window: mask[window.slices])


def fill_holes(mask: Mask, max_area: int | None = None) -> Mask:
    """Fill what is enclosed; holes larger than ``max_area`` pixels stay."""
    filled: Mask = ndimage.binary_fill_holes(mask)
    if max_area is None:
        return filled
    holes = filled & ~mask
    return mask | (holes & ~_large_parts(holes, max_area + 1))


def remove_specks(mask: Mask, min_area: int) -> Mask:
    """Keep only the connected parts of at least ``min_area`` pixels."""
    return _large_parts(mask, min_area)


def smooth(mask: Mask, radius: float) -> Mask:
    """Round off corners and dents smaller than about ``radius`` pixels; the area hardly changes."""

    def rounded(part: Mask) -> Mask:
        blurred = ndimage.gaussian_filter(part.astype(np.float32), radius / 2, mode="nearest")
        return np.asarray(blurred >= 0.5, np.bool_)

    return _along_edges(mask, ceil(2 * radius) + 1, rounded)


def grow(mask: Mask, radius: float) -> Mask:
    """Add everything within ``radius`` pixels."""

    def grown(part: Mask) -> Mask:
        return np.asarray(ndimage.distance_transform_edt(~part) <= radius, np.bool_)

    return _along_edges(mask, ceil(radius) + 1, grown)


def shrink(mask: Mask, radius: float) -> Mask:
    """Take away everything within ``radius`` pixels of what is outside; the image's border is not outside."""

    def shrunk(part: Mask) -> Mask:
        return np.asarray(ndimage.distance_transform_edt(part) > radius, np.bool_)

    return _along_edges(mask, ceil(radius) + 1, shrunk)


def components(mask: Mask) -> tuple[NDArray[np.int32], int]:
    """Numbers 1..n of the connected parts, int32 [H, W], and n; neighbours share an edge."""
    numbers = np.empty(mask.shape, np.int32)
    return numbers, int(ndimage.label(mask, _EDGES, output=numbers))


def _large_parts(mask: Mask, min_area: int) -> Mask:
    numbers, _ = components(mask)
    is_large = np.bincount(numbers.ravel()) >= min_area
    is_large[0] = False
    return np.asarray(is_large[numbers], np.bool_)


def _along_edges(mask: Mask, reach: int, operation: Callable[[Mask], Mask]) -> Mask:
    """Apply an operation that looks ``reach`` pixels far, and does nothing where the mask is uniform.

    Only the tiles near an edge of the mask are worked on: a large area costs its outline.
    """
    result = mask.copy()
    side = max(_TILE, 2 * reach)
    for row in range(0, mask.shape[0], side):
        for col in range(0, mask.shape[1], side):
            tile = Rect(row, col, row + side, col + side).clipped(mask.shape)
            window = Rect(row - reach, col - reach, row + side + reach, col + side + reach).clipped(
                mask.shape
            )
            part = mask[window.slices]
            if part.any() and not part.all():
                inner = slice(tile.row0 - window.row0, tile.row1 - window.row0)
                columns = slice(tile.col0 - window.col0, tile.col1 - window.col0)
                result[tile.slices] = operation(part)[inner, columns]
    return result


def _nothing() -> tuple[Rect, Mask]:
    return Rect(0, 0, 0, 0), np.zeros((0, 0), np.bool_)


def _grown(rc: tuple[int, int], shape: tuple[int, int], area_in: Callable[[Rect], Mask]) -> tuple[Rect, Mask]:
    """The part connected to ``rc``, looked for in a window that is widened until the part ends inside it."""
    half = _FIRST_WINDOW // 2
    while True:
        window = Rect(rc[0] - half, rc[1] - half, rc[0] + half, rc[1] + half).clipped(shape)
        numbers, _ = components(area_in(window))
        part: Mask = numbers == numbers[rc[0] - window.row0, rc[1] - window.col0]
        inner = Rect.around(part)
        if not _is_cut(inner, window, shape):
            rect = Rect(
                window.row0 + inner.row0,
                window.col0 + inner.col0,
                window.row0 + inner.row1,
                window.col0 + inner.col1,
            )
            return rect, part[inner.slices].copy()
        half *= 4


def _is_cut(inner: Rect, window: Rect, shape: tuple[int, int]) -> bool:
    """Whether the part reaches an edge of the window that is not an edge of the image."""
    height, width = window.shape
    return (
        (inner.row0 == 0 and window.row0 > 0)
        or (inner.col0 == 0 and window.col0 > 0)
        or (inner.row1 == height and window.row1 < shape[0])
        or (inner.col1 == width and window.col1 < shape[1])
    )
