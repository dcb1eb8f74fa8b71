"""What a tool is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import Qt

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.prompts import PromptMarkers
from latentseg_gui.canvas.chrome.trail import Trail
from latentseg_gui.canvas.gestures import Gesture, Pointer
from latentseg_gui.canvas.intents import CanvasIntents
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.masks.tools import ClickDrag, ToolName


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a tool needs of the canvas.

    Attributes:
        intents: the signals that it emits.
        camera: what is looked at, and how to move there.
        surface: draws again what the tool has changed.
        markers: the clicks and the box that are shown.
        trail: the line that the tool may draw while it is at work.
        outline: what is shown of the object that is edited: its corners, or pixels in its parts.
    """

    intents: CanvasIntents
    camera: Camera
    surface: Surface
    markers: PromptMarkers
    trail: Trail
    outline: Trail

    @property
    def viewport(self) -> Viewport:
        """Where the image lies on the canvas."""
        return self.camera.viewport


class Tool:
    """Turns the pointer into intents of the canvas; the base class does nothing.

    Args:
        at: where it works.

    Attributes:
        drag: what a drag draws, where that can be chosen.
    """

    name: ClassVar[ToolName]
    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.CrossCursor
    has_brush: ClassVar[bool] = False
    takes_right_button: ClassVar[bool] = False

    def __init__(self, at: Workplace) -> None:
        self.at = at
        self.trail = at.trail
        self.drag = ClickDrag.BOX

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
        self.at.surface.refresh_chrome(self.trail)
