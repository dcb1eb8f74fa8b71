"""Point at an object: clicks on it, clicks on what it is not, a box around it, lines along or round it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, Qt

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind, every_sample
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.document.masks.tools import ClickDrag, ToolName

DRAG_START: Final = 6.0
"""Logical pixels after which a press becomes a drag."""
_STEP: Final = 3.0
"""Logical pixels between two points of a line."""
_CLOSED: Final = 16.0
"""A line that ends so near its start, in logical pixels, runs round something, if it went farther meanwhile."""


class ClickTool(Tool):
    """Left: on the object. Right, or Shift and left: not on it. Ctrl: what is there is taken up.

    A drag draws a box, a stroke along the object, or a lasso round it, as `Tool.drag` says. With Ctrl, and with the
    right button beside boxes, it is a stroke, or a lasso where it ends near its start.
    """

    name = ToolName.CLICK
    takes_right_button = True

    def press(self, pointer: Pointer) -> Gesture | None:
        """The gesture that a press begins; None where the press itself was all (of `Tool`)."""
        index = self.at.markers.index_at(pointer.position, self.at.viewport)
        if index is not None:
            if pointer.is_right:
                self.at.intents.prompt_removed.emit(index)
                return None
            return self._move(index, pointer)
        if not self.at.viewport.contains(pointer.xy):
            return None
        is_free = pointer.has(Qt.KeyboardModifier.ControlModifier)
        is_negative = pointer.is_right or pointer.has(Qt.KeyboardModifier.ShiftModifier)
        if self.drag is ClickDrag.BOX and not is_free and not is_negative:
            return self._point_or_box(pointer)
        drag = None if is_free or self.drag is ClickDrag.BOX else self.drag
        return self._point_or_line(pointer, drag, takes_up=is_free and not is_negative)

    def _point_or_box(self, start: Pointer) -> Gesture:
        pointer, is_box = start, False
        try:
            while pointer.kind is not PointerKind.RELEASE:
                pointer = yield
                is_box = is_box or _is_drag(start, pointer)
                if is_box:
                    self._draw_box(start.xy, self.at.viewport.clamped(pointer.xy))
        finally:
            self.trail.clear()
            self.redraw()
        if not is_box:
            self.at.intents.prompt_added.emit(*start.xy, True)
            return
        x, y = self.at.viewport.clamped(pointer.xy)
        x0, x1 = sorted((start.xy[0], x))
        y0, y1 = sorted((start.xy[1], y))
        if x0 < x1 and y0 < y1:
            self.at.intents.box_added.emit(x0, y0, x1, y1)

    def _draw_box(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.trail.points = [start, (end[0], start[1]), end, (start[0], end[1])]
        self.trail.is_closed, self.trail.has_handles = True, False
        self.redraw()

    def _point_or_line(self, start: Pointer, drag: ClickDrag | None, *, takes_up: bool) -> Gesture:
        """A click, or a line of the kind of ``drag``; None: whether it is closed tells."""
        pointer, is_line = start, False
        is_positive = not start.is_right and not start.has(Qt.KeyboardModifier.ShiftModifier)
        way = [start.xy]
        try:
            with every_sample():
                while pointer.kind is not PointerKind.RELEASE:
                    pointer = yield
                    is_line = is_line or _is_drag(start, pointer)
                    self._extend(way, pointer)
                    if is_line:
                        self._draw_line(way, is_loop=self._is_loop(way, drag))
        finally:
            self.trail.clear()
            self.redraw()
        if is_line:
            self.at.intents.line_added.emit(way, is_positive, self._is_loop(way, drag))
        elif takes_up:
            self.at.intents.take_up_requested.emit(*start.xy)
        else:
            self.at.intents.prompt_added.emit(*start.xy, is_positive)

    def _extend(self, way: list[tuple[float, float]], pointer: Pointer) -> None:
        xy = self.at.viewport.clamped(pointer.xy)
        away = self.at.viewport.to_logical(way[-1]) - self.at.viewport.to_logical(xy)
        is_last = pointer.kind is PointerKind.RELEASE and xy != way[-1]
        if is_last or away.manhattanLength() >= _STEP:
            way.append(xy)

    def _is_loop(self, way: list[tuple[float, float]], drag: ClickDrag | None) -> bool:
        """Whether a line runs round what is meant; one of two places runs along it, whatever was chosen."""
        if drag is ClickDrag.STROKE or len(way) < 3:
            return False
        if drag is ClickDrag.LASSO:
            return True
        start, *others = (self.at.viewport.to_logical(point) for point in way)
        farthest = max(_distance(start, other) for other in others)
        return _distance(start, others[-1]) <= _CLOSED and farthest > 2 * _CLOSED

    def _draw_line(self, way: list[tuple[float, float]], *, is_loop: bool) -> None:
        self.trail.points = list(way)
        self.trail.is_closed, self.trail.has_handles = is_loop, False
        self.redraw()

    def _move(self, index: int, start: Pointer) -> Gesture:
        markers, pointer, is_moved = self.at.markers, start, False
        try:
            while pointer.kind is not PointerKind.RELEASE:
                pointer = yield
                is_moved = is_moved or (pointer.position - start.position).manhattanLength() > 2
                if is_moved:
                    markers.held = (index, self.at.viewport.clamped(pointer.xy))
                    self.at.surface.refresh_chrome(markers)
        finally:
            markers.held = None
            self.at.surface.refresh_chrome(markers)
        if is_moved:
            self.at.intents.prompt_moved.emit(index, *self.at.viewport.clamped(pointer.xy))


def _is_drag(start: Pointer, pointer: Pointer) -> bool:
    return (pointer.position - start.position).manhattanLength() > DRAG_START


def _distance(one: QPointF, other: QPointF) -> float:
    between = one - other
    return float(QPointF.dotProduct(between, between) ** 0.5)
