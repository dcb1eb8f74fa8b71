"""Changing sizes in bounded memory: pictures down, logits up."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

BAND_ROWS: Final = 512

WHOLE_PIXELS: Final = 1 << 24
"""Larger pictures are averaged over cells before they are resampled."""


@dataclass(frozen=True, slots=True)
class ZoomLimits:
    """Limits of a zoom.

    Attributes:
        pixels: regions with fewer are enlarged to this many.
        most_pixels: regions with more are reduced to this many.
        enlarged: no side grows by more than this factor.
    """

    pixels: int
    most_pixels: int
    enlarged: float


def working_size(shape: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """``shape``, or the size of the same form that has at most ``max_pixels``."""
    rows, cols = shape
    if rows * cols <= max_pixels:
        return shape
    scale = math.sqrt(max_pixels / (rows * cols))
    small_rows = max(1, min(int(rows * scale), max_pixels))
    return small_rows, max(1, min(int(cols * scale), max_pixels // small_rows))


def zoomed_size(shape: tuple[int, int], limits: ZoomLimits) -> tuple[int, int]:
    """Size at which a region of ``shape`` is looked at zoomed in: small ones are enlarged.

    Args:
        shape: (rows, columns) of the region.
        limits: how far.
    """
    scale = math.sqrt(limits.pixels / (shape[0] * shape[1]))
    if scale >= 1:
        scale = min(scale, limits.enlarged)
        return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
    return working_size(shape, limits.most_pixels)


def resize_pixels(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """``pixels`` [H, W, 3] at another ``size``; where it shrinks, every source pixel counts.

    Large pictures, which may be memory-mapped, are read once from top to bottom, in little memory.
    """
    if pixels.shape[:2] == size:
        return pixels
    if pixels.shape[0] * pixels.shape[1] > WHOLE_PIXELS:
        factor = min(pixels.shape[0] / size[0], pixels.shape[1] / size[1]) / 2
        if factor >= 2:
            pixels = _averaged(pixels, int(factor))
    source = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]  # [1, C, H, W]
    small = F.interpolate(source, size=size, mode="bilinear", antialias=True)
    return np.ascontiguousarray(small[0].permute(1, 2, 0).numpy())  # [h, w, C]


def _averaged(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of cells of about ``factor`` x ``factor`` pixels, evenly spread."""
    row_edges, col_edges = (
        np.linspace(0, side, max(1, round(side / factor)) + 1).round().astype(np.intp)
        for side in pixels.shape[:2]
    )
    means = np.empty((len(row_edges) - 1, len(col_edges) - 1, pixels.shape[2]), np.uint8)
    widths = np.diff(col_edges)[:, None]
    for row, (first, last) in enumerate(itertools.pairwise(row_edges)):
        column_sums = pixels[first:last].sum(0, dtype=np.uint32)
        cells = np.add.reduceat(column_sums, col_edges[:-1], axis=0)
        means[row] = np.rint(cells / (widths * (last - first)))
    return means


def resize_logits(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Logits [h, w] at another ``size``, bilinear; shrinking counts every value."""
    if logits.shape == size:
        return logits
    source = torch.from_numpy(np.array(logits, dtype=np.float32))[None, None]
    resized = F.interpolate(source, size=size, mode="bilinear", antialias=True)[0, 0]
    return np.asarray(resized.numpy(), dtype=np.float32)


def grow_in_bands(logits: Tensor, shape: tuple[int, int]) -> Iterator[tuple[slice, Tensor]]:
    """Bilinear enlargement of logits [C, h, w] to ``shape``, some rows at a time: (rows, [C, n, W])."""
    height = logits.shape[1]
    for first in range(0, shape[0], BAND_ROWS):
        last = min(first + BAND_ROWS, shape[0])
        place = (torch.arange(first, last, device=logits.device) + 0.5) * (height / shape[0]) - 0.5
        place = place.clamp(0, height - 1)
        above = place.long()
        below = (above + 1).clamp(max=height - 1)
        share = (place - above)[:, None]
        band = logits[:, above] * (1 - share) + logits[:, below] * share  # [C, n, w]
        wide = F.interpolate(band[None], size=(last - first, shape[1]), mode="bilinear", align_corners=False)
        yield slice(first, last), wide[0]
