"""Point at an object: clicks on it, clicks on what it is not, a box around it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.document.masks.tools import ToolName

DRAG_START: Final = 6.0
"""Logical pixels after which a press becomes a drag."""


class ClickTool(Tool):
    """Left: on the object. Right, or Shift and left: not on it. Drag: a box. Ctrl: what is there is taken up."""

    name = ToolName.CLICK
    takes_right_button = True

    def press(self, pointer: Pointer) -> Gesture | None:
        """See `Tool.press`."""
        index = self.at.markers.index_at(pointer.position, self.at.viewport)
        if index is not None:
            if pointer.is_right:
                self.at.intents.prompt_removed.emit(index)
                return None
            return self._move(index, pointer)
        if not self.at.viewport.contains(pointer.xy):
            return None
        if not pointer.is_right and pointer.has(Qt.KeyboardModifier.ControlModifier):
            self.at.intents.take_up_requested.emit(*pointer.xy)
            return None
        is_negative = pointer.is_right or pointer.has(Qt.KeyboardModifier.ShiftModifier)
        return self._point(pointer) if is_negative else self._point_or_box(pointer)

    def _point(self, start: Pointer) -> Gesture:
        pointer = start
        while pointer.kind is not PointerKind.RELEASE:
            pointer = yield
        self.at.intents.prompt_added.emit(*start.xy, False)

    def _point_or_box(self, start: Pointer) -> Gesture:
        pointer, is_box = start, False
        try:
            while pointer.kind is not PointerKind.RELEASE:
                pointer = yield
                is_box = is_box or (pointer.position - start.position).manhattanLength() > DRAG_START
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
