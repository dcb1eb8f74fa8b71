"""The outline of an area as corners that can be moved, added and taken away.

An outline runs along the edges of pixels, so that it makes the area it was taken from again to the pixel. Corners
are points of it. To move one changes the way to its two neighbours, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.masks.brush import polygon_mask
from latentseg_gui.document.types import Mask, Rect

XY = tuple[float, float]

TOLERANCE: Final = 1.5
"""How far, in pixels, an outline may run beside the straight line from corner to corner."""

FEWEST: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """Round one connected area, holes left out.

    Attributes:
        points: along the edges of pixels, (x, y) float64 [N, 2], in pixels of the image.
        corners: places in ``points`` that stand out, rising, at least three.
    """

    points: NDArray[np.float64]
    corners: tuple[int, ...]

    @property
    def xys(self) -> list[XY]:
        """The corners."""
        return [(float(x), float(y)) for x, y in self.points[list(self.corners)]]

    def with_corner(self, index: int, xy: XY) -> Contour:
        """The outline with a corner moved elsewhere."""
        return self._bent((index - 1) % self._count, (index + 1) % self._count, [xy])

    def with_corner_on(self, side: int, xy: XY) -> Contour:
        """The outline that goes over one more point on its way from corner ``side`` to the next."""
        return self._bent(side, (side + 1) % self._count, [xy])

    def without_corner(self, index: int) -> Contour | None:
        """The outline without a corner; None where only a line would be left."""
        if self._count <= FEWEST:
            return None
        return self._bent((index - 1) % self._count, (index + 1) % self._count, [])

    @property
    def _count(self) -> int:
        return len(self.corners)

    def _bent(self, start: int, end: int, between: list[XY]) -> Contour:
        """Straight from a corner to a later one over the given points; all the rest as it is."""
        first, last = self.corners[start], self.corners[end]
        kept = np.roll(self.points, -last, axis=0)  # begins at the later corner
        length = (first - last) % len(self.points) + 1
        points = np.concatenate([kept[:length], np.reshape(np.asarray(between, np.float64), (-1, 2))])
        stay = [(corner - last) % len(self.points) for corner in self.corners]
        corners = sorted(place for place in stay if place < length)
        return Contour(points, (*corners, *range(length, length + len(between))))


def outline_of(rect: Rect, area: Mask, rc: tuple[int, int], tolerance: float = TOLERANCE) -> Contour | None:
    """The outline of the connected part of an area that holds a pixel.

    Args:
        rect: where the area lies in the image.
        area: bool of its shape.
        rc: the pixel, in the image.
        tolerance: see `TOLERANCE`.

    Returns:
        None where the pixel is not in the area.
    """
    row, col = rc[0] - rect.row0, rc[1] - rect.col0
    if not (0 <= row < area.shape[0] and 0 <= col < area.shape[1] and area[row, col]):
        return None
    parts, _ = ndimage.label(area)
    ring = _ring(ndimage.binary_fill_holes(parts == parts[row, col]))
    points = ring + np.array([rect.col0, rect.row0], np.float64)
    return Contour(points, _corners(points, tolerance))


def changed_area(
    rect: Rect, area: Mask, before: Contour, after: Contour, shape: tuple[int, int]
) -> tuple[Rect, Mask]:
    """An area after its outline was changed: what lies between the two outlines is added or taken away.

    Args:
        rect: where the area lies in an image of this ``shape``.
        area: bool of the shape of ``rect``; all else in it, holes and parts that lie apart, stays.
        before: its outline.
        after: the same with corners changed.
        shape: (rows, columns) of the image.
    """
    old_rect, old = polygon_mask([(x, y) for x, y in before.points.tolist()], shape, "evenodd")
    new_rect, new = polygon_mask([(x, y) for x, y in after.points.tolist()], shape)
    box = rect.union(old_rect).union(new_rect)
    was, shall, made = (_placed(*each, box) for each in ((old_rect, old), (new_rect, new), (rect, area)))
    return box, (made | (shall & ~was)) & ~(was & ~shall)


def _placed(rect: Rect, mask: Mask, box: Rect) -> Mask:
    made = np.zeros(box.shape, np.bool_)
    if not rect.is_empty:
        row, col = rect.row0 - box.row0, rect.col0 - box.col0
        made[row : row + mask.shape[0], col : col + mask.shape[1]] = mask
    return made


def _ring(area: Mask) -> NDArray[np.float64]:
    """The corners of pixels along the edge of an area whose pixels share edges, clockwise, (x, y) [N, 2]."""
    padded = np.pad(area, 1)
    follows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Each edge of a pixel that is inside while its neighbour is not, with the inside to its right.
    for (row_step, col_step), start, end in (
        ((-1, 0), (0, 0), (0, 1)),
        ((0, 1), (0, 1), (1, 1)),
        ((1, 0), (1, 1), (1, 0)),
        ((0, -1), (1, 0), (0, 0)),
    ):
        is_edge = padded & ~np.roll(padded, (-row_step, -col_step), axis=(0, 1))
        for row, col in np.argwhere(is_edge).tolist():
            origin = row - 1 + start[0], col - 1 + start[1]
            follows.setdefault(origin, []).append((row - 1 + end[0], col - 1 + end[1]))
    here = min(follows)
    ring, came = [here], (0, 1)
    following = follows[here][0]
    while following != ring[0]:
        came = following[0] - ring[-1][0], following[1] - ring[-1][1]
        ring.append(following)
        ways = follows[following]
        # Where two pixels meet at a corner only, the outline turns right: it stays with the pixel it came along.
        right = following[0] + came[1], following[1] - came[0]
        following = right if len(ways) > 1 and right in ways else ways[0]
    return np.array(ring, np.float64)[:, ::-1].copy()


def _corners(points: NDArray[np.float64], tolerance: float) -> tuple[int, ...]:
    """The points that stay when a closed line is simplified (Douglas and Peucker 1973), at least three."""
    count = len(points)
    first = int(np.argmax(np.hypot(*(points - points.mean(axis=0)).T)))
    far = int(np.argmax(np.hypot(*(points - points[first]).T)))
    closed = np.concatenate([points, points])
    kept = {first, far}
    ways = [(first, far if far > first else far + count), (far, first if first > far else first + count)]
    while ways:
        start, end = ways.pop()
        away = _away(closed[start : end + 1])
        place = int(np.argmax(away))
        if away[place] > tolerance:
            kept.add((start + place) % count)
            ways += [(start, start + place), (start + place, end)]
    if len(kept) < FEWEST:
        kept.add(int(np.argmax(_away_from(points, points[first], points[far]))))
    return tuple(sorted(kept))


def _away(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return _away_from(points, points[0], points[-1])


def _away_from(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far points lie from the line through two others, in pixels."""
    along = end - start
    length = float(np.hypot(*along))
    if length == 0:
        return np.asarray(np.hypot(*(points - start).T))
    offset = points - start
    return np.asarray(np.abs(along[0] * offset[:, 1] - along[1] * offset[:, 0]) / length)
