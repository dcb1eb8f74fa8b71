"""What annotation files say, whatever their format: one entry per object, drawn later, and entries that cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Mask, Rect
from latentseg_gui.io.masks.spans import RingGroup

Points = NDArray[np.float64]
"""Corners (x, y) in pixels, float64 [n, 2]."""

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels."""

_FARTHEST = 1e9
_CIRCLE = 64
_PLAIN = {int, float}


class ShapeError(ValueError):
    """An annotation that has no area that could be drawn.

    Args:
        reason: why, as words that follow a colon.
        box: where it lies, as far as that is known; None where it may be anywhere.
        is_bare: whether it is whole, but encloses nothing, as a line or a point.
    """

    def __init__(self, reason: str, box: Box | None = None, *, is_bare: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.box = box
        self.is_bare = is_bare


@dataclass(frozen=True, slots=True)
class Annotation:
    """One object of a file.

    Attributes:
        place: how to find it in the file: "annotation 3".
        name: of its class; None where the file has no names.
        pieces: its polygons, together.
        area: gives its pixels where it is a picture or run lengths; called once.
        size: how many pixels it has, where it has no polygons.
        number: of the object; 0 for none, None for the next free one.
        class_number: of its class, where that has no name.
    """

    place: str
    name: str | None
    pieces: tuple[RingGroup, ...] = ()
    area: Callable[[], tuple[Rect, Mask]] | None = None
    size: float = 0.0
    number: int | None = None
    class_number: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One annotation that is not drawn.

    Attributes:
        place: as of `Annotation`.
        name: of its class; None where unknown.
        reason: why not.
        box: where it lies; None where that is not known.
    """

    place: str
    name: str | None
    reason: str
    box: Box | None


def outline(
    place: str, name: str | None, pieces: Sequence[RingGroup], number: int | None = None, **more: Any
) -> Annotation:
    """An annotation of polygons."""
    return Annotation(place, name, tuple(pieces), None, 0.0, number, **more)


def polygon(points: Points) -> RingGroup:
    """A ring that is filled wherever it goes around.

    Raises:
        ShapeError: it has fewer than three corners.
    """
    if len(points) < 3:
        raise ShapeError("a polygon of fewer than three corners", box_around(points), is_bare=True)
    return RingGroup((points,))


def pieces_of(makers: Iterable[Callable[[], list[RingGroup]]]) -> list[RingGroup]:
    """The parts of one object; a part that encloses nothing is passed over where another one does.

    Raises:
        ShapeError: a part is damaged: the object may lie anywhere; or no part has an area.
    """
    pieces: list[RingGroup] = []
    bare: list[ShapeError] = []
    for make in makers:
        try:
            pieces += make()
        except ShapeError as error:
            if not error.is_bare:
                raise ShapeError(error.reason) from error
            bare.append(error)
    if bare and not pieces:
        raise ShapeError(bare[0].reason, _box_around([error.box for error in bare]), is_bare=True)
    return pieces


def _box_around(boxes: Sequence[Box | None]) -> Box | None:
    known = [box for box in boxes if box is not None]
    if len(known) < len(boxes):
        return None
    lefts, tops, rights, bottoms = zip(*known, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def points_of(values: object) -> Points:
    """Corners from [[x, y], ...], with more numbers per corner than two, if need be.

    Raises:
        ShapeError: they are no such list, or not all are numbers.
    """
    if not isinstance(values, list | tuple):
        raise ShapeError("its corners are not a list")
    try:
        return finite_corners([(number(point[0]), number(point[1])) for point in values])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        if isinstance(error, ShapeError):
            raise
        raise ShapeError("its corners are not all pairs of numbers") from None


def flat_points(values: object) -> Points:
    """Corners from [x, y, x, y, ...].

    Raises:
        ShapeError: they are no such list.
    """
    if not isinstance(values, list | tuple):
        raise ShapeError("its corners are not a list")
    if len(values) % 2:
        raise ShapeError("an odd count of numbers, which do not make pairs")
    if _are_plain(values):
        return np.array(values, np.float64).reshape(-1, 2)
    try:
        numbers = [number(value) for value in values]
    except (TypeError, ValueError):
        raise ShapeError("its corners are not all numbers") from None
    return finite_corners(list(zip(numbers[::2], numbers[1::2], strict=True)))


def _are_plain(values: Sequence[Any]) -> bool:
    """Whether these are finite numbers, as nearly all are; quick, for there may be a million lists of them."""
    if not set(map(type, values)) <= _PLAIN or not values:
        return False
    return -_FARTHEST < min(values) <= max(values) < _FARTHEST and math.isfinite(sum(values))


def number(value: object) -> float:
    """A number, also one that was written as text; ValueError or TypeError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def finite_corners(points: Sequence[tuple[float, float]]) -> Points:
    """Corners as an array; ShapeError if one is not finite."""
    array = np.array(points, np.float64).reshape(-1, 2)
    if not np.isfinite(array).all():
        raise ShapeError("a corner is not a finite number")
    return np.clip(array, -_FARTHEST, _FARTHEST)


def box_around(points: Points) -> Box | None:
    """The box around points, with a margin because lines have a width; None without points."""
    if not len(points):
        return None
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left) - 1, float(top) - 1, float(right) + 1, float(bottom) + 1


def rectangle(points: Points) -> RingGroup:
    """The rectangle between two opposite corners, or of four corners, turned or not."""
    if len(points) >= 4:
        return polygon(points)
    if len(points) != 2:
        raise ShapeError("a rectangle of neither two nor four corners", box_around(points))
    (x0, y0), (x1, y1) = points.tolist()
    return RingGroup((np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64),))


def ellipse(x: float, y: float, rx: float, ry: float, degrees: float = 0.0) -> RingGroup:
    """An ellipse around (x, y) with half axes ``rx`` and ``ry``, turned clockwise."""
    if rx <= 0 or ry <= 0:
        raise ShapeError("a circle without a radius", (x - 1, y - 1, x + 1, y + 1))
    count = int(min(4096, max(_CIRCLE, 4 * max(rx, ry))))
    angle = np.arange(count) * (2 * math.pi / count)
    across, along = rx * np.cos(angle), ry * np.sin(angle)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    points = np.stack([x + across * cos - along * sin, y + across * sin + along * cos], axis=1)
    return RingGroup((finite_corners([tuple(point) for point in points.tolist()]),))


def box_of(values: object, *, is_size: bool = True) -> Box | None:
    """The box of [x, y, width, height] (or of two corners); None if it is none."""
    if not isinstance(values, list | tuple) or len(values) != 4:
        return None
    try:
        x, y, third, fourth = (number(value) for value in values)
    except (TypeError, ValueError):
        return None
    right, bottom = (x + third, y + fourth) if is_size else (third, fourth)
    return (x, y, right, bottom) if all(map(math.isfinite, (x, y, right, bottom))) else None


def gathered(
    entries: Iterable[tuple[str, str | None, Callable[[], Annotation]]],
) -> tuple[list[Annotation], list[LeftOut]]:
    """Make every annotation; one that cannot be made never stops the others.

    Args:
        entries: (place, name of the class, what makes it).
    """
    made: list[Annotation] = []
    left: list[LeftOut] = []
    for place, name, make in entries:
        try:
            made.append(make())
        except ShapeError as error:
            left.append(LeftOut(place, name, error.reason, error.box))
        except Exception as error:  # entries of damaged files raise nearly everything
            left.append(LeftOut(place, name, f"it is damaged ({type(error).__name__})", None))
    return made, left
