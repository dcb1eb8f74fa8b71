"""Crisp areas from the movements of the hand: brush strokes and polygons.

A pixel belongs to an area when its centre does. Nothing here looks at an image: each function
returns the bounding rectangle of the area, clipped to the image, and the area inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Mask, Rect

_Floats = NDArray[np.float64]
_EMPTY = Rect(0, 0, 0, 0)
_TIE = 1e-6


def disk_stamp(diameter: float) -> Mask:
    """The brush itself, bool [d, d], d being ``diameter`` rounded to at least 1."""
    size = max(1, round(diameter))
    return stroke_mask((size / 2, size / 2), (size / 2, size / 2), size, (size, size))[1]


def stroke_mask(
    xy_from: tuple[float, float], xy_to: tuple[float, float], diameter: float, shape: tuple[int, int]
) -> tuple[Rect, Mask]:
    """The area that a round brush covers on a straight way.

    The ends are snapped to pixel centres (odd diameters) or corners (even ones), so that a dab is the
    same disk everywhere and a one-pixel line has no gaps.

    Args:
        xy_from: where the way begins.
        xy_to: where it ends; equal to ``xy_from`` for a dab.
        diameter: of the brush in pixels; rounded to at least 1.
        shape: (rows, columns) of the image.

    Returns:
        The clipped bounding rectangle and the area inside it.
    """
    size = max(1, round(diameter))
    start, end, radius = _snapped(xy_from, size), _snapped(xy_to, size), size / 2
    top, bottom = min(start[1], end[1]) - radius, max(start[1], end[1]) + radius
    rows = np.arange(max(0, int(np.floor(top))), min(shape[0], int(np.ceil(bottom))))
    if rows.size == 0:
        return _EMPTY, np.zeros((0, 0), np.bool_)
    left, right = _capsule_spans(rows.astype(np.float64) + 0.5, start, end, radius)
    first = np.clip(np.ceil(left - 0.5 - _TIE), 0, shape[1]).astype(np.int32)
    last = np.clip(np.floor(right - 0.5 + _TIE) + 1, 0, shape[1]).astype(np.int32)
    filled = first < last
    if not filled.any():
        return _EMPTY, np.zeros((0, 0), np.bool_)
    row0, row1 = int(np.argmax(filled)), int(filled.size - np.argmax(filled[::-1]))
    first, last = first[row0:row1], last[row0:row1]
    col0, col1 = int(first[first < last].min()), int(last[first < last].max())
    columns = np.arange(col0, col1, dtype=np.int32)
    mask = (columns >= first[:, None]) & (columns < last[:, None])
    return Rect(int(rows[0]) + row0, col0, int(rows[0]) + row1, col1), mask


def polygon_mask(
    vertices_xy: Sequence[tuple[float, float]],
    shape: tuple[int, int],
    rule: Literal["nonzero", "evenodd"] = "nonzero",
) -> tuple[Rect, Mask]:
    """The area inside a closed polygon.

    Args:
        vertices_xy: its corners in order; the last is joined to the first.
        shape: (rows, columns) of the image.
        rule: what is inside where the line crosses itself: everything it goes around ("nonzero", what a
            lasso means), or every second part ("evenodd").

    Returns:
        The clipped bounding rectangle and the area inside it.
    """
    return rings_mask([vertices_xy], shape, rule)


def rings_mask(
    rings_xy: Sequence[Sequence[tuple[float, float]]],
    shape: tuple[int, int],
    rule: Literal["nonzero", "evenodd"] = "evenodd",
) -> tuple[Rect, Mask]:
    """The area of several closed rings together: with "evenodd", a ring inside another is a hole."""
    arrays = [np.asarray(ring, np.float64).reshape(-1, 2) for ring in rings_xy if len(ring) >= 3]
    if not arrays:
        return _EMPTY, np.zeros((0, 0), np.bool_)
    points = np.concatenate(arrays)
    if not np.isfinite(points).all():
        return _EMPTY, np.zeros((0, 0), np.bool_)
    low = np.floor(np.clip(points.min(axis=0), -1, max(shape) + 1)).astype(int)
    high = np.ceil(np.clip(points.max(axis=0), -1, max(shape) + 1)).astype(int)
    rect = Rect(int(low[1]), int(low[0]), int(high[1]), int(high[0])).clipped(shape)
    if rect.is_empty:
        return _EMPTY, np.zeros((0, 0), np.bool_)
    height, width = rect.shape
    crossings = np.zeros((height, width + 1), np.int16)
    for ring in arrays:
        _add_crossings(crossings, ring, rect)
    winding = np.cumsum(crossings[:, :width], axis=1, dtype=np.int16)
    return rect, (winding & 1).astype(np.bool_) if rule == "evenodd" else winding != 0


def _snapped(xy: tuple[float, float], size: int) -> tuple[float, float]:
    if size % 2:
        return float(np.floor(xy[0])) + 0.5, float(np.floor(xy[1])) + 0.5
    return float(np.floor(xy[0] + 0.5)), float(np.floor(xy[1] + 0.5))


def _capsule_spans(
    heights: _Floats, start: tuple[float, float], end: tuple[float, float], radius: float
) -> tuple[_Floats, _Floats]:
    """Left and right end of the capsule at each height y; left > right where it is not met."""
    left, right = _disk_spans(heights, start, radius)
    length = hypot(end[0] - start[0], end[1] - start[1])
    if length == 0:
        return left, right
    other_left, other_right = _disk_spans(heights, end, radius)
    along = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    dy = heights - start[1]
    # Points of the body: 0 <= along . d <= length and -radius <= across . d <= radius.
    body = [
        _solve(along[0], along[1] * dy, 0.0, length),
        _solve(-along[1], along[0] * dy, -radius, radius),
    ]
    body_left = start[0] + np.maximum(body[0][0], body[1][0])
    body_right = start[0] + np.minimum(body[0][1], body[1][1])
    is_met = body_left <= body_right + _TIE
    body_left, body_right = np.where(is_met, body_left, np.inf), np.where(is_met, body_right, -np.inf)
    return (
        np.minimum(np.minimum(left, other_left), body_left),
        np.maximum(np.maximum(right, other_right), body_right),
    )


def _disk_spans(heights: _Floats, centre: tuple[float, float], radius: float) -> tuple[_Floats, _Floats]:
    square = radius * radius - (heights - centre[1]) ** 2
    half = np.sqrt(np.maximum(square, 0))
    is_met = square >= -_TIE
    return np.where(is_met, centre[0] - half, np.inf), np.where(is_met, centre[0] + half, -np.inf)


def _solve(factor: float, offset: _Floats, low: float, high: float) -> tuple[_Floats, _Floats]:
    """The interval of x with ``low <= factor * x + offset <= high``, per entry of ``offset``."""
    if abs(factor) < 1e-12:
        is_met = (offset >= low - _TIE) & (offset <= high + _TIE)
        return np.where(is_met, -np.inf, np.inf), np.where(is_met, np.inf, -np.inf)
    ends = (low - offset) / factor, (high - offset) / factor
    return np.minimum(*ends), np.maximum(*ends)


def _add_crossings(crossings: NDArray[np.int16], ring: _Floats, rect: Rect) -> None:
    """Mark, in every row, the first pixel centre right of each edge with the direction of the edge."""
    following = np.roll(ring, -1, axis=0)
    for (x0, y0), (x1, y1) in zip(ring.tolist(), following.tolist(), strict=True):
        if y0 == y1:
            continue
        sign = 1 if y1 > y0 else -1
        if sign < 0:
            x0, y0, x1, y1 = x1, y1, x0, y0
        first = max(rect.row0, int(np.ceil(max(y0, rect.row0 - 1) - 0.5)))
        last = min(rect.row1, int(np.ceil(min(y1, rect.row1 + 1) - 0.5)))
        if first >= last:
            continue
        rows = np.arange(first, last)
        x = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(x - 0.5) - rect.col0, 0, crossings.shape[1] - 1).astype(np.intp)
        crossings[rows - rect.row0, columns] += sign
