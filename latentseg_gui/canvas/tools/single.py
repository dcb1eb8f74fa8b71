"""Tools that act on one press."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from typing_extensions import override

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.document.masks.tools import ToolName

BAND_START: Final = 6.0
"""Logical pixels after which a press becomes a drag."""


class SinglePressTool(Tool):
    """Tells where on the image it was pressed."""

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        if self.at.viewport.contains(pointer.xy):
            self.act(*pointer.xy)
        return None

    def act(self, x: float, y: float) -> None:
        """Emits the intent."""


class FillTool(SinglePressTool):
    """Gives the connected area of one class another class."""

    name = ToolName.FILL

    @override
    def act(self, x: float, y: float) -> None:
        self.at.intents.fill_requested.emit(x, y)


class WandTool(SinglePressTool):
    """Takes the connected area of like colours."""

    name = ToolName.WAND

    @override
    def act(self, x: float, y: float) -> None:
        self.at.intents.wand_requested.emit(x, y)


class PickerTool(SinglePressTool):
    """Makes the class under the mouse the current one."""

    name = ToolName.PICKER

    @override
    def act(self, x: float, y: float) -> None:
        self.at.intents.pick_requested.emit(x, y)


class CandidateTool(Tool):
    """Takes what the model has found under the mouse; the right button drops it."""

    name = ToolName.CANDIDATES
    cursor = Qt.CursorShape.PointingHandCursor
    takes_right_button = True

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        if self.at.viewport.contains(pointer.xy):
            self.at.intents.candidate_pointed_at.emit(*pointer.xy, not pointer.is_right)
        return None


class SelectTool(Tool):
    """Chooses the object under the mouse, or by a drag all that a rectangle touches; with Shift, some more."""

    name = ToolName.SELECT
    cursor = Qt.CursorShape.PointingHandCursor

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        return self._point_or_band(pointer)

    def _point_or_band(self, start: Pointer) -> Gesture:
        pointer, is_band = start, False
        is_added = start.has(Qt.KeyboardModifier.ShiftModifier)
        try:
            while pointer.kind is not PointerKind.RELEASE:
                pointer = yield
                is_band = is_band or (pointer.position - start.position).manhattanLength() > BAND_START
                if is_band:
                    self._draw(self.at.viewport.clamped(start.xy), self.at.viewport.clamped(pointer.xy))
        finally:
            self.trail.clear()
            self.redraw()
        if is_band:
            (x0, y0), (x1, y1) = self.at.viewport.clamped(start.xy), self.at.viewport.clamped(pointer.xy)
            box = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
            self.at.intents.band_drawn.emit(box, is_added)
        elif self.at.viewport.contains(start.xy):
            self.at.intents.select_requested.emit(*start.xy, is_added)

    def _draw(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.trail.points = [start, (end[0], start[1]), end, (start[0], end[1])]
        self.trail.is_closed, self.trail.has_handles = True, False
        self.redraw()
