"""A polygon set corner by corner; corners can be moved, added and removed until it is closed."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QPointF, Qt
from typing_extensions import override

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.document.masks.tools import ToolName

_EDGE_REACH: Final = 8.0
"""How near, in logical pixels, a press must be to a side to be meant for it."""


class PolygonTool(Tool):
    """Click sets a corner, drag moves one, Shift+click on a side adds one between, right click removes one.

    A click on the first corner, a double click or Enter closes it.
    """

    name = ToolName.POLYGON
    takes_right_button = True

    @property
    def is_busy(self) -> bool:
        """Whether a polygon is in progress."""
        return bool(self.trail.points)

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        index = self.trail.handle_at(pointer.position, self.at.viewport)
        if pointer.is_right:
            self._remove(len(self.trail.points) - 1 if index is None else index)
            return None
        if pointer.is_double and self._complete():
            return None
        self.trail.has_handles, self.trail.is_closed = True, False
        if index is None:
            index = self._insert(pointer)
            return self._hold(index, pointer, closes=False)
        return self._hold(index, pointer, closes=index == 0)

    @override
    def hover(self, pointer: Pointer) -> None:
        if self.is_busy:
            self.trail.rubber = pointer.xy
            self.trail.hot = self.trail.handle_at(pointer.position, self.at.viewport)
            self.redraw()

    @override
    def key(self, key: int) -> bool:
        if not self.is_busy:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._complete()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._remove(len(self.trail.points) - 1)
        else:
            return False
        return True

    @override
    def abort(self) -> bool:
        was_busy = self.is_busy
        self.trail.clear()
        self.redraw()
        return was_busy

    def _hold(self, index: int, start: Pointer, *, closes: bool) -> Gesture:
        """Moves a corner; a mere click on the first one closes the polygon."""
        trail, pointer, is_moved = self.trail, start, False
        before = trail.points[index]
        trail.rubber, trail.hot = None, index
        self.redraw()
        try:
            while pointer.kind is not PointerKind.RELEASE:
                pointer = yield
                is_moved = is_moved or (pointer.position - start.position).manhattanLength() > 3
                if is_moved:
                    trail.points[index] = pointer.xy
                    self.redraw()
        except GeneratorExit:
            trail.points[index] = before
            self.redraw()
            return
        if closes and not is_moved:
            self._complete()

    def _insert(self, pointer: Pointer) -> int:
        points = self.trail.points
        side = self._side_at(pointer.position) if pointer.has(Qt.KeyboardModifier.ShiftModifier) else None
        index = len(points) if side is None else side + 1
        points.insert(index, pointer.xy)
        return index

    def _side_at(self, position: QPointF) -> int | None:
        return side_at(position, [self.at.viewport.to_logical(point) for point in self.trail.points])

    def _remove(self, index: int) -> None:
        if 0 <= index < len(self.trail.points):
            del self.trail.points[index]
            self.trail.hot = None
            if not self.trail.points:
                self.trail.clear()
            self.redraw()

    def _complete(self) -> bool:
        points = list(self.trail.points)
        if len(points) < 3:
            return False
        self.abort()
        self.at.intents.polygon_completed.emit(points)
        return True


def side_at(position: QPointF, corners: list[QPointF]) -> int | None:
    """The side of a line that is near: the number of the corner it begins at; None where none is."""
    sides = range(len(corners) - 1)
    away = [_distance(position, corners[side], corners[side + 1]) for side in sides]
    nearest = min(sides, key=away.__getitem__, default=None)
    return nearest if nearest is not None and away[nearest] <= _EDGE_REACH else None


def _distance(point: QPointF, start: QPointF, end: QPointF) -> float:
    """From a point to a line segment."""
    along, towards = end - start, point - start
    length = QPointF.dotProduct(along, along)
    share = min(max(QPointF.dotProduct(towards, along) / length, 0.0), 1.0) if length else 0.0
    away = towards - along * share
    return math.hypot(away.x(), away.y())
