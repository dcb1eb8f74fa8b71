"""Outlines along the edges of pixels: exact, with holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from latentseg_gui.document.types import Mask, Rect

Ring = list[tuple[float, float]]
"""Corners (x, y) in order; the last is joined to the first."""

_HALF = 0.499
_FEW, _STRIP = 64, 32.0
_TURN_RIGHT = {(1, 0): (0, 1), (0, 1): (-1, 0), (-1, 0): (0, -1), (0, -1): (1, 0)}


@dataclass(frozen=True, slots=True)
class Outline:
    """A connected area: its outer ring (clockwise on the screen) and its holes (the other way)."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


def outlines_of(mask: Mask, rect: Rect) -> list[Outline]:
    """The outlines of an area inside ``rect``, one per connected part, in pixels of the image.

    `latentseg_gui.document.masks.brush.rings_mask` of the rings is exactly the area again.
    """
    parts, _ = ndimage.label(mask)
    outlines = []
    for index, place in enumerate(ndimage.find_objects(parts), 1):
        row, col = rect.row0 + place[0].start, rect.col0 + place[1].start
        rings = _rings(parts[place] == index)
        placed: list[Ring] = [[(x + col, y + row) for x, y in ring] for ring in rings]
        outer = max(placed, key=_twice_area)
        outlines.append(Outline(outer, tuple(ring for ring in placed if ring is not outer)))
    return outlines


def keyhole(outline: Outline) -> Ring:
    """One ring that goes into each hole and back on the same line, for formats without holes."""
    ring = list(outline.outer)
    for hole in sorted(outline.holes, key=lambda points: max(x for x, _ in points), reverse=True):
        entry = max(range(len(hole)), key=lambda index: hole[index][0])
        at = _nearest(ring, hole[entry])
        ring[at:at] = [ring[at], *hole[entry:], *hole[:entry], hole[entry]]
    return ring


def simplified(outline: Outline) -> Outline:
    """The outline with fewer corners, nowhere half a pixel from where it was.

    The centres of pixels are half a pixel from every outline: none of them changes sides.
    """
    return Outline(_fewer(outline.outer), tuple(map(_fewer, outline.holes)))


def _fewer(ring: Ring) -> Ring:
    from skimage.measure import approximate_polygon  # takes a quarter of a second, which only this needs

    closed = np.array([*ring, ring[0]])
    return _points(approximate_polygon(closed, _HALF)[:-1])


def bridged(rings: Sequence[Ring]) -> Ring:
    """Several rings as one, joined where they are near each other, there and back on one line."""
    return _chained(rings) if len(rings) > _FEW else _spanned(rings)


def _spanned(rings: Sequence[Ring]) -> Ring:
    """The nearest of those that wait comes next, to wherever it is nearest."""
    waiting = [np.array(ring) for ring in sorted(rings, key=lambda ring: -abs(_twice_area(ring)))]
    whole: Ring = _points(waiting.pop(0))
    while waiting:
        tree = KDTree(np.array(whole))
        near = [_nearest_pair(tree, ring) for ring in waiting]
        index = min(range(len(waiting)), key=lambda each: near[each][0])
        _, entry, at = near[index]
        part = _points(np.roll(waiting.pop(index), -entry, axis=0))
        whole[at + 1 : at + 1] = [*part, part[0], whole[at]]
    return whole


def _chained(rings: Sequence[Ring]) -> Ring:
    """Each is joined to the one before, strip by strip: many parts would take for ever otherwise."""
    there: list[Ring] = []
    back: list[Ring] = []
    before: NDArray[np.float64] | None = None
    for ring in sorted(rings, key=lambda each: (each[0][1] // _STRIP, each[0][0])):
        part = np.array(ring)
        entry = 0
        if before is not None:
            _, entry, leave = _nearest_pair(KDTree(before), part)
            there.append(_points(before[: leave + 1]))
            back.append(_points(np.vstack([before[leave:], before[:1]])))
        before = np.roll(part, -entry, axis=0)
    there.append(_points(None if before is None else np.vstack([before, before[:1]])))
    return [point for each in (*there, *reversed(back)) for point in each]


def _nearest_pair(tree: KDTree, ring: NDArray[np.float64]) -> tuple[float, int, int]:
    """How near a ring comes to the points of a tree, at which of its own points, and at which of those."""
    distances, places = map(np.asarray, tree.query(ring))
    entry = int(distances.argmin())
    return float(distances[entry]), entry, int(places[entry])


def _points(ring: NDArray[np.float64] | None) -> Ring:
    return [] if ring is None else [(float(x), float(y)) for x, y in ring.tolist()]


def _twice_area(ring: Sequence[tuple[float, float]]) -> float:
    total = 0.0
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        total += x0 * y1 - x1 * y0
    return total


def _nearest(ring: Ring, point: tuple[float, float]) -> int:
    return min(
        range(len(ring)),
        key=lambda index: (ring[index][0] - point[0]) ** 2 + (ring[index][1] - point[1]) ** 2,
    )


def _rings(mask: Mask) -> list[Ring]:
    """Closed rings around a connected area, with the area to the right of the way.

    Where two ways cross (two pixels that touch at a corner only), each turns right: it stays at its pixel.
    """
    ways = _edges(mask)
    waiting = {(corner, heading) for corner, headings in ways.items() for heading in headings}
    rings: list[Ring] = []
    for first in sorted(waiting):
        if first not in waiting:
            continue
        ring: Ring = []
        corner, heading = first
        while (corner, heading) in waiting:
            waiting.remove((corner, heading))
            ring.append((float(corner[0]), float(corner[1])))
            length = ways[corner][heading]
            corner = corner[0] + heading[0] * length, corner[1] + heading[1] * length
            right = _TURN_RIGHT[heading]
            heading = right if right in ways[corner] else next(iter(ways[corner]))
        rings.append(ring)
    return rings


def _edges(mask: Mask) -> dict[tuple[int, int], dict[tuple[int, int], int]]:
    """The straight edges of the area: by corner (x, y), heading (dx, dy) and length."""
    framed = np.pad(mask, 1).astype(np.int8)
    ways: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
    across = np.diff(framed, axis=0)[:, 1:-1]
    for sign, heading in ((1, (1, 0)), (-1, (-1, 0))):
        for row, start, stop in _runs(across == sign):
            corner = (start, row) if sign == 1 else (stop, row)
            ways.setdefault(corner, {})[heading] = stop - start
    down = np.diff(framed, axis=1)[1:-1].T
    for sign, heading in ((1, (0, -1)), (-1, (0, 1))):
        for col, start, stop in _runs(down == sign):
            corner = (col, stop) if sign == 1 else (col, start)
            ways.setdefault(corner, {})[heading] = stop - start
    return ways


def _runs(lines: Mask) -> list[tuple[int, int, int]]:
    """(line, start, stop) of every run of true values."""
    framed = np.pad(lines, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(framed, axis=1)
    line, start = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    return list(zip(line.tolist(), start.tolist(), stop.tolist(), strict=True))
