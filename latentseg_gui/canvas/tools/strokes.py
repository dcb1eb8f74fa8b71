"""Brush, eraser and the hand that pushes borders: a stroke is told as it is drawn; the document follows it."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt
from typing_extensions import override

from latentseg_gui.canvas.gestures import Gesture, Pointer, PointerKind, every_sample
from latentseg_gui.canvas.tools.base import Tool
from latentseg_gui.document.masks.tools import ToolName


class BrushTool(Tool):
    """Paints; with Ctrl or the right button it erases."""

    name = ToolName.BRUSH
    cursor = Qt.CursorShape.BlankCursor
    has_brush = True
    takes_right_button = True
    always_erases: ClassVar[bool] = False

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        is_erasing = pointer.is_right or pointer.has(Qt.KeyboardModifier.ControlModifier)
        return self._stroke(pointer, is_erasing or self.always_erases)

    def _stroke(self, pointer: Pointer, is_erasing: bool) -> Gesture:
        self.at.intents.stroke_started.emit(pointer.xy, is_erasing)
        try:
            with every_sample():
                while pointer.kind is not PointerKind.RELEASE:
                    last = pointer.xy
                    pointer = yield
                    if pointer.xy != last:
                        self.at.intents.stroke_moved.emit(pointer.xy)
        except GeneratorExit:
            self.at.intents.stroke_aborted.emit()
            return
        self.at.intents.stroke_finished.emit()


class EraserTool(BrushTool):
    """Erases, whatever is held."""

    name = ToolName.ERASER
    always_erases = True


class NudgeTool(Tool):
    """Pushes and pulls the border of an object with a soft round hand."""

    name = ToolName.NUDGE
    cursor = Qt.CursorShape.BlankCursor
    has_brush = True

    @override
    def press(self, pointer: Pointer) -> Gesture | None:
        return self._push(pointer)

    def _push(self, pointer: Pointer) -> Gesture:
        intents = self.at.intents
        intents.nudge_started.emit(pointer.xy)
        try:
            with every_sample():
                while pointer.kind is not PointerKind.RELEASE:
                    last = pointer.xy
                    pointer = yield
                    if pointer.xy != last:
                        intents.nudge_moved.emit(pointer.xy)
        except GeneratorExit:
            intents.nudge_aborted.emit()
            return
        intents.nudge_finished.emit()
