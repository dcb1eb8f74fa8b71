"""What a tool is."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from PySide6.QtCore import Qt

from latentseg_gui.canvas.chrome.trail import Trail
from latentseg_gui.canvas.display import CanvasDisplay
from latentseg_gui.canvas.gestures import Gesture, Pointer


class ToolName(Enum):
    """The tools there are."""

    CLICK = "click"
    BRUSH = "brush"
    ERASER = "eraser"
    POLYGON = "polygon"
    LASSO = "lasso"
    FILL = "fill"
    WAND = "wand"
    PICKER = "picker"
    SPLIT = "split"
    SELECT = "select"
    PAN = "pan"


class Tool:
    """Turns the pointer into intents of the canvas; the base class does nothing.

    Args:
        canvas: whose signals it emits.
        trail: the line that it may draw while it is at work.
    """

    name: ClassVar[ToolName]
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.CrossCursor
    has_brush: ClassVar[bool] = False
    takes_right_button: ClassVar[bool] = False
    previews_on_hover: ClassVar[bool] = False

    def __init__(self, canvas: CanvasDisplay, trail: Trail) -> None:
        self.canvas = canvas
        self.trail = trail

    @property
    def is_busy(self) -> bool:
        """Whether it is at work between two gestures."""
        return False

    def press(self, pointer: Pointer) -> Gesture | None:
        """A button goes down: the gesture that begins, if any."""
        return None

    def hover(self, pointer: Pointer) -> None:
        """The mouse moves without a button."""

    def key(self, key: int) -> bool:
        """A key goes down; whether it was meant for the tool."""
        return False

    def abort(self) -> bool:
        """Gives up what lies between gestures; whether there was anything."""
        return False

    def redraw(self) -> None:
        """Draws the trail again."""
        self.canvas.refresh_chrome(self.trail)
