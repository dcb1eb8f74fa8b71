"""Outlines along the edges of pixels: exact, with holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from latentseg_gui.document.types import Mask, Rect

Ring = list[tuple[float, float]]
"""Corners (x, y) in order; the last is joined to the first."""

_TURN_RIGHT = {(1, 0): (0, 1), (0, 1): (-1, 0), (-1, 0): (0, -1), (0, -1): (1, 0)}


@dataclass(frozen=True, slots=True)
class Outline:
    """A connected area: its outer ring (clockwise on the screen) and its holes (the other way)."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


def outlines_of(mask: Mask, rect: Rect) -> list[Outline]:
    """The outlines of an area inside ``rect``, one per connected part, in pixels of the image.

    `latentseg_gui.document.brush.rings_mask` of the rings is exactly the area again.
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
