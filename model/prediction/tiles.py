"""Class prediction of pictures that are too large for one pass, in bounded memory.

Overlapping tiles are blended with weights that fall off linearly towards the seams, away from the very
border of a tile, where a network sees least. What is kept between tiles is one strip of the height of a
seam; every part of the picture is handed out as soon as no later tile can change it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

OVERLAP: Final = 192
STEP: Final = 32
BLIND: Final = 4
"""This part of a seam, next to the border of the tile (1 / BLIND), counts for next to nothing."""

STRIP_BYTES: Final = 256 << 20
TILE_BYTES: Final = 256 << 20
_LEAST: Final = 1e-3


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


@dataclass(frozen=True, slots=True)
class FinishedTile:
    """A finished part of the picture.

    Attributes:
        rows: of the picture.
        cols: of the picture.
        probabilities: float32 [C, rows, cols], on the CPU; sums to 1 over C. Other maps follow, where there are any.
    """

    rows: slice
    cols: slice
    probabilities: Tensor


def tile_side(max_pixels: int, num_classes: int) -> int:
    """Side of square tiles of at most ``max_pixels`` whose probabilities fit ``TILE_BYTES``."""
    side = min(math.isqrt(max_pixels), math.isqrt(TILE_BYTES // (4 * num_classes)))
    return max(side // STEP * STEP, 2 * STEP)


def overlap_of(side: int, num_classes: int, width: int) -> int:
    """Rows and columns that neighbours share: a strip of them across the picture fits ``STRIP_BYTES``."""
    return max(2, min(OVERLAP, side // 4, STRIP_BYTES // (4 * num_classes * width)))


def spans(length: int, side: int, overlap: int) -> list[tuple[int, int]]:
    """Evenly spread pieces of one size, at most ``side``, that share at least ``overlap``."""
    if length <= side:
        return [(0, length)]
    count = math.ceil((length - overlap) / (side - overlap))
    least = math.ceil((length + (count - 1) * overlap) / count)
    side = min(side, math.ceil(least / STEP) * STEP)
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    return [(start, start + side) for start in starts]


def plan(shape: tuple[int, int], side: int, overlap: int) -> list[list[Tile]]:
    """Rows of tiles that cover a picture of ``shape``."""
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
    """Weights [length]: 1 inside, falling linearly across the middle of each seam, never 0."""
    place = torch.arange(length, dtype=torch.float32) + 0.5
    weights = torch.ones(length)
    for seam, inward in zip(seams, (place, length - place), strict=True):
        if seam:
            blind = seam / BLIND
            weights = torch.minimum(weights, (inward - blind) / (seam - 2 * blind))
    return weights.clamp(min=_LEAST)


def blend(
    shape: tuple[int, int],
    num_classes: int,
    side: int,
    infer: Callable[[Tile], Tensor],
    *,
    num_more: int = 0,
) -> Iterator[FinishedTile]:
    """The parts of a picture of ``shape``, which together cover it once.

    Args:
        shape: (rows, columns).
        num_classes: C.
        side: of the tiles, at most.
        infer: probabilities [C, h, w] of a tile, on any device, and after them ``num_more`` other maps.
        num_more: maps that are blended with the same weights and sum to nothing in particular.
    """
    num_maps = num_classes + num_more
    above = torch.zeros(num_maps, 0, shape[1])
    rows = plan(shape, side, overlap_of(side, num_maps, shape[1]))
    for index, tiles in enumerate(rows):
        first, last = tiles[0].rows
        done = rows[index + 1][0].rows[0] - first if index + 1 < len(rows) else last - first
        below = torch.zeros(num_maps, last - first - done, shape[1])
        weights = ramp(last - first, tiles[0].row_seams)[:, None]
        for cols, strip in _across(tiles, infer):
            strip *= weights
            strip[:, : above.shape[1]] += above[:, :, cols]
            below[:, :, cols] = strip[:, done:]
            finished = strip[:, :done]
            yield FinishedTile(slice(first, first + done), cols, finished / finished[:num_classes].sum(0))
        above = below


def _across(tiles: list[Tile], infer: Callable[[Tile], Tensor]) -> Iterator[tuple[slice, Tensor]]:
    """Tiles of a row blended with their neighbours: columns of the picture and [C, h, columns]."""
    rest: Tensor | None = None
    for index, tile in enumerate(tiles):
        first, last = tile.cols
        part = infer(tile).float().cpu() * ramp(last - first, tile.col_seams)
        if rest is not None:
            part[:, :, : rest.shape[2]] += rest
        done = tiles[index + 1].cols[0] - first if index + 1 < len(tiles) else last - first
        rest = part[:, :, done:].clone()
        yield slice(first, first + done), part[:, :, :done]
