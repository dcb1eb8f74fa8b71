"""Tools that act on one press."""

from __future__ import annotations

from PySide6.QtCore import Qt

from latentseg_gui.canvas.gestures import Gesture, Pointer
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.document.tools import ToolName


class SinglePressTool(Tool):
    """Tells where on the image it was pressed."""

    def press(self, pointer: Pointer) -> Gesture | None:
        """See `Tool.press`."""
        if self.at.viewport.contains(pointer.xy):
            self.act(*pointer.xy)
        return None

    def act(self, x: float, y: float) -> None:
        """Emits the intent."""


class FillTool(SinglePressTool):
    """Gives the connected area of one class another class."""

    name = ToolName.FILL

    def act(self, x: float, y: float) -> None:
        """See `SinglePressTool.act`."""
        self.at.intents.fill_requested.emit(x, y)


class WandTool(SinglePressTool):
    """Takes the connected area of like colours."""

    name = ToolName.WAND

    def act(self, x: float, y: float) -> None:
        """See `SinglePressTool.act`."""
        self.at.intents.wand_requested.emit(x, y)


class PickerTool(SinglePressTool):
    """Makes the class under the mouse the current one."""

    name = ToolName.PICKER

    def act(self, x: float, y: float) -> None:
        """See `SinglePressTool.act`."""
        self.at.intents.pick_requested.emit(x, y)


class SelectTool(Tool):
    """Chooses the object under the mouse; with Shift, one more."""

    name = ToolName.SELECT
    cursor = Qt.CursorShape.PointingHandCursor

    def press(self, pointer: Pointer) -> Gesture | None:
        """See `Tool.press`."""
        if self.at.viewport.contains(pointer.xy):
            self.at.intents.select_requested.emit(*pointer.xy, pointer.has(Qt.KeyboardModifier.ShiftModifier))
        return None
