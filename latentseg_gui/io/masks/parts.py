"""The connected parts of a mask, from its runs: an array of their numbers would take four bytes per pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.types import Mask, Rect

_BAND_PIXELS: Final = 1 << 20
_NOISE: Final = 24
"""From one run in so many pixels on, numbers per pixel take less than runs."""

Band = Callable[[slice], Mask]
"""Gives the rows of a mask in a slice; the whole of it need never be there."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """The horizontal runs of a mask, row by row, each from ``start`` to before ``stop``; int64 [n]."""

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    def taken(self, index: NDArray[np.intp]) -> _Runs:
        """Some of them."""
        return _Runs(self.row[index], self.start[index], self.stop[index])


def connected_parts(band: Band, shape: tuple[int, int]) -> Iterator[tuple[Rect, Mask]]:
    """The connected parts in the order of their first pixels; neighbours share an edge.

    Args:
        band: the mask.
        shape: (rows, columns) of it.

    Yields:
        The bounding box of a part, and the part in it.
    """
    runs = _runs_of(band, shape)
    if runs is None:
        yield from _by_numbers(band(slice(0, shape[0])))
        return
    numbers = _numbers_of(runs, shape[1])
    order = np.argsort(numbers, kind="stable")
    for index in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        if index.size:
            yield _part(runs.taken(index))


def _by_numbers(mask: Mask) -> Iterator[tuple[Rect, Mask]]:
    numbers, _ = ndimage.label(mask)
    for number, place in enumerate(ndimage.find_objects(numbers), 1):
        rect = Rect(place[0].start, place[1].start, place[0].stop, place[1].stop)
        yield rect, numbers[place] == number


def _runs_of(band: Band, shape: tuple[int, int]) -> _Runs | None:
    """The runs, some rows at a time; None where there are so many that they would take more than numbers."""
    rows, starts, stops = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    height, count = max(1, _BAND_PIXELS // max(1, shape[1])), 0
    for top in range(0, shape[0], height):
        part = band(slice(top, min(top + height, shape[0])))
        padded = np.zeros((part.shape[0], shape[1] + 2), np.int8)
        padded[:, 1:-1] = part
        change = np.diff(padded, axis=1)
        row, start = np.nonzero(change == 1)
        rows.append(row + top)
        starts.append(start)
        stops.append(np.nonzero(change == -1)[1])
        count += row.size
        if count * _NOISE > shape[0] * shape[1] + _BAND_PIXELS:
            return None
    return _Runs(np.concatenate(rows), np.concatenate(starts), np.concatenate(stops))


def _numbers_of(runs: _Runs, width: int) -> NDArray[np.int32]:
    """For every run the number of its part, in the order of their first runs."""
    from scipy.sparse import coo_array, csgraph  # takes a moment, which only this needs

    size, count = width + 2, runs.row.size
    below = (runs.row + 1) * size
    first = np.searchsorted(runs.row * size + runs.stop, below + runs.start, side="right")
    last = np.searchsorted(runs.row * size + runs.start, below + runs.stop, side="left")
    touching = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(count), touching)
    lower = np.arange(upper.size) - np.repeat(np.cumsum(touching) - touching - first, touching)
    graph = coo_array((np.ones(upper.size, np.int8), (upper, lower)), shape=(count, count))
    numbers: NDArray[np.int32] = csgraph.connected_components(graph, directed=False)[1]
    return numbers


def _part(runs: _Runs) -> tuple[Rect, Mask]:
    """The area of the runs in their bounding box."""
    rect = Rect(int(runs.row[0]), int(runs.start.min()), int(runs.row[-1]) + 1, int(runs.stop.max()))
    change = np.zeros((rect.shape[0], rect.shape[1] + 1), np.int8)
    change[runs.row - rect.row0, runs.start - rect.col0] = 1
    change[runs.row - rect.row0, runs.stop - rect.col0] = -1
    rows = max(1, _BAND_PIXELS // change.shape[1])
    for top in range(0, change.shape[0], rows):
        change[top : top + rows] = np.cumsum(change[top : top + rows], axis=1, dtype=np.int8)
    return rect, change[:, :-1].view(np.bool_)
