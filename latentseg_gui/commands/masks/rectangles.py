"""Rectangles inside rectangles."""

from __future__ import annotations

from latentseg_gui.document.types import Rect


def common_part(one: Rect, other: Rect) -> Rect:
    """What both hold; empty, or turned over, where that is nothing."""
    return Rect(
        max(one.row0, other.row0),
        max(one.col0, other.col0),
        min(one.row1, other.row1),
        min(one.col1, other.col1),
    )


def shifted_by(inner: Rect, outer: Rect) -> Rect:
    """A rectangle that is meant relative to ``outer`` as one of the image."""
    row, col = outer.row0, outer.col0
    return Rect(inner.row0 + row, inner.col0 + col, inner.row1 + row, inner.col1 + col)


def relative_to(inner: Rect, outer: Rect) -> Rect:
    """A rectangle of the image as one that is meant relative to ``outer``."""
    return Rect(
        inner.row0 - outer.row0,
        inner.col0 - outer.col0,
        inner.row1 - outer.row0,
        inner.col1 - outer.col0,
    )
