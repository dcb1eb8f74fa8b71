"""Many polygons at once as horizontal runs of pixels: a million small ones, or hundreds as large as the image.

A pixel is inside when its centre is, exactly as in `latentseg_gui.document.masks.brush.rings_mask`; the runs are worked
out for a batch of polygons together, because a call of numpy per polygon would be most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_BATCH: Final = 1 << 20
_TALL: Final = 1 << 16
_EDGE_BATCH: Final = 1 << 17
_LONG: Final = 48
"""Runs that are longer on average are filled one by one."""


@dataclass(frozen=True, slots=True)
class RingGroup:
    """Closed rings that are filled together.

    Attributes:
        rings: corners (x, y) of each, float64 [n, 2].
        is_evenodd: whether every second part is inside (a ring in a ring is a hole); else all that is gone around.
    """

    rings: tuple[NDArray[np.float64], ...]
    is_evenodd: bool = False


@dataclass(frozen=True, slots=True)
class Spans:
    """Runs of pixels: of which piece, in which row, from ``start`` to before ``stop``; int64 [n] each."""

    piece: NDArray[np.int64]
    row: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]


def ring_extents(pieces: Sequence[RingGroup]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The area inside each piece, about, in pixels; and about how many rows its edges cross, at most."""
    rings = [ring for piece in pieces for ring in piece.rings if len(ring)]
    area, rows = np.zeros(len(pieces)), np.full(len(pieces), 16, np.int64)
    if not rings:
        return area, rows
    owner = [index for index, piece in enumerate(pieces) for ring in piece.rings if len(ring)]
    points = np.concatenate(rings)  # [n, 2]
    lengths = np.array([len(ring) for ring in rings])
    starts = np.cumsum(lengths) - lengths
    from_first = points - np.repeat(points[starts], lengths, axis=0)
    following = from_first[_following(lengths)]
    cross = from_first[:, 0] * following[:, 1] - from_first[:, 1] * following[:, 0]
    twice = np.add.reduceat(cross, starts)
    steps = np.minimum(np.abs(following[:, 1] - from_first[:, 1]), _TALL) + 1
    np.add.at(area, owner, twice / 2)
    np.add.at(rows, owner, np.add.reduceat(steps, starts).astype(np.int64))
    return np.abs(area), rows


def _following(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """For every corner of rings one after the other the index of the next one of its ring."""
    following = np.arange(1, int(lengths.sum()) + 1)
    ends = np.cumsum(lengths)
    following[ends - 1] = ends - lengths
    return following


def spans_of(
    pieces: Sequence[RingGroup], shape: tuple[int, int], rows: NDArray[np.int64] | None = None
) -> Iterator[Spans]:
    """The runs of all pieces in their order, some pieces at a time.

    Args:
        pieces: what is to be filled.
        shape: (rows, columns) of the image.
        rows: of `ring_extents`, if that was asked already.

    Yields:
        Runs whose ``piece`` is the index into ``pieces``.
    """
    weights = ring_extents(pieces)[1] if rows is None else rows
    ends = np.cumsum(weights)
    first = 0
    while first < len(pieces):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _BATCH, side="right")))
        yield _batch(pieces[first:last], first, shape)
        first = last


def _batch(pieces: Sequence[RingGroup], offset: int, shape: tuple[int, int]) -> Spans:
    rings = [(index, ring) for index, piece in enumerate(pieces) for ring in piece.rings if len(ring) >= 3]
    if not rings:
        none = np.zeros(0, np.int64)
        return Spans(none, none, none, none)
    crossings = _crossings(rings, shape)
    piece, row, col, sign = crossings
    order = np.lexsort((col, row, piece))
    piece, row, col, sign = piece[order], row[order], col[order], sign[order]
    winding = np.cumsum(sign)
    evenodd = np.array([each.is_evenodd for each in pieces], np.bool_)
    inside = np.where(evenodd[piece], winding & 1 == 1, winding != 0)[:-1]
    start, stop = col[:-1], col[1:]
    taken = np.flatnonzero(inside & (stop > start))
    return Spans(piece[taken] + offset, row[taken], start[taken], stop[taken])


def _crossings(
    rings: Sequence[tuple[int, NDArray[np.float64]]], shape: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where edges cross the lines through pixel centres: piece, row, first pixel to the right, direction."""
    begin = np.concatenate([ring for _, ring in rings])  # [n, 2]
    lengths = np.array([len(ring) for _, ring in rings])
    end = begin[_following(lengths)]
    piece = np.repeat(np.array([index for index, _ in rings], np.int64), lengths)
    sign = np.sign(end[:, 1] - begin[:, 1]).astype(np.int64)
    upper, lower = np.where((sign < 0)[:, None], end, begin), np.where((sign < 0)[:, None], begin, end)
    limits = np.clip(np.stack([upper[:, 1], lower[:, 1]]), -1, shape[0] + 1)
    first = np.maximum(np.ceil(limits[0] - 0.5), 0).astype(np.int64)
    last = np.minimum(np.ceil(limits[1] - 0.5), shape[0]).astype(np.int64)
    count = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(begin)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - first, count)
    x0, y0 = upper[edge, 0], upper[edge, 1]
    slope = (lower[edge, 0] - x0) / (lower[edge, 1] - y0)
    x = x0 + (row + 0.5 - y0) * slope
    col = np.clip(np.ceil(x - 0.5), 0, shape[1]).astype(np.int64)
    return piece[edge], row, col, sign[edge]


def fill(target: NDArray[np.int32], spans: Spans, value_of: NDArray[np.int32]) -> None:
    """Write the value of its piece into every run, in order: later runs lie on top.

    Args:
        target: int32 [H, W]; must be contiguous.
        spans: the runs.
        value_of: by piece.
    """
    lengths = spans.stop - spans.start
    if not len(lengths):
        return
    flat, width = target.reshape(-1), target.shape[1]
    begin, values = spans.row * width + spans.start, value_of[spans.piece]
    if lengths.mean() > _LONG:
        ends = (begin + lengths).tolist()
        for first, last, value in zip(begin.tolist(), ends, values.tolist(), strict=True):
            flat[first:last] = value
        return
    for low in range(0, len(lengths), _EDGE_BATCH):
        part = slice(low, low + _EDGE_BATCH)
        size = lengths[part]
        within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        flat[np.repeat(begin[part], size) + within] = np.repeat(values[part], size)
