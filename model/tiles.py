"""Class prediction of pictures that are too large for one pass, in bounded memory.

Overlapping tiles are blended with weights that fall off linearly towards the seams. One row of tiles
is held at a time; what no later row can change is written out at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

OVERLAP: Final = 128
STEP: Final = 32
BAND_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Tile:
    """A half-open rectangle and how wide its seams are towards its neighbours.

    Attributes:
        rows: (first, one past the last).
        cols: likewise.
        row_seams: rows shared with the tile above and below; 0 at the border of the picture.
        col_seams: columns shared with the tile to the left and right.
    """

    rows: tuple[int, int]
    cols: tuple[int, int]
    row_seams: tuple[int, int]
    col_seams: tuple[int, int]


def tile_side(max_pixels: int, num_classes: int, width: int) -> int:
    """Side of square tiles of at most ``max_pixels`` whose row fits the memory for one band."""
    side = min(math.isqrt(max_pixels), BAND_BYTES // (4 * num_classes * width))
    return max(side // STEP * STEP, 2 * STEP)


def spans(length: int, side: int, overlap: int) -> list[tuple[int, int]]:
    """Evenly spread pieces of ``side`` that cover ``length`` and share at least ``overlap``."""
    if length <= side:
        return [(0, length)]
    count = math.ceil((length - overlap) / (side - overlap))
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    return [(start, start + side) for start in starts]


def plan(shape: tuple[int, int], side: int) -> list[list[Tile]]:
    """Rows of tiles that cover a picture of ``shape``."""
    overlap = min(OVERLAP, side // 4)
    row_spans, col_spans = spans(shape[0], side, overlap), spans(shape[1], side, overlap)
    return [
        [Tile(row, col, _seams(row_spans, i), _seams(col_spans, j)) for j, col in enumerate(col_spans)]
        for i, row in enumerate(row_spans)
    ]


def _seams(pieces: list[tuple[int, int]], index: int) -> tuple[int, int]:
    before = pieces[index - 1][1] - pieces[index][0] if index > 0 else 0
    after = pieces[index][1] - pieces[index + 1][0] if index + 1 < len(pieces) else 0
    return before, after


def ramp(length: int, seams: tuple[int, int]) -> Tensor:
    """Weights [length]: 1 inside, falling linearly towards the far end of each seam, never 0."""
    place = torch.arange(length, dtype=torch.float32) + 0.5
    weights = torch.ones(length)
    if seams[0]:
        weights = torch.minimum(weights, place / seams[0])
    if seams[1]:
        weights = torch.minimum(weights, (length - place) / seams[1])
    return weights


def stitch(
    shape: tuple[int, int], num_classes: int, side: int, infer: Callable[[Tile], Tensor]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Most likely class and its probability for a picture of ``shape``.

    Args:
        shape: (rows, columns).
        num_classes: C.
        side: of the tiles.
        infer: probabilities [C, h, w] of a tile.

    Returns:
        labels uint8 [H, W], confidence float32 [H, W].
    """
    labels, confidence = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    for first, band in _bands(plan(shape, side), shape[1], num_classes, infer):
        likely, best = band.max(0)
        part = slice(first, first + band.shape[1])
        labels[part] = best.to(torch.uint8).numpy()
        confidence[part] = (likely / band.sum(0)).numpy()
    return labels, confidence


def _bands(
    rows: list[list[Tile]], width: int, num_classes: int, infer: Callable[[Tile], Tensor]
) -> Iterator[tuple[int, Tensor]]:
    """Finished rows of blended, unnormalised probabilities: (first row, [C, rows, W])."""
    rest = torch.zeros(num_classes, 0, width)
    for index, tiles in enumerate(rows):
        first, last = tiles[0].rows
        band = torch.zeros(num_classes, last - first, width)
        band[:, : rest.shape[1]] = rest
        for tile in tiles:
            weights = ramp(last - first, tile.row_seams)[:, None] * ramp(
                tile.cols[1] - tile.cols[0], tile.col_seams
            )
            band[:, :, slice(*tile.cols)] += infer(tile).float().cpu() * weights
        done = rows[index + 1][0].rows[0] - first if index + 1 < len(rows) else last - first
        yield first, band[:, :done]
        rest = band[:, done:]
