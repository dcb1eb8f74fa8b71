"""Keys on the canvas: for the gesture in progress, for the tool in the hand, then for looking around."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.parts.image import ImagePart
from latentseg_gui.canvas.pointer import PointerHandler

_WORK_KEYS: Final = (
    Qt.Key.Key_Escape,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
    Qt.Key.Key_Backspace,
    Qt.Key.Key_Delete,
)
"""Keys that belong to an unfinished gesture before they belong to the window."""

_KEY_PANS: Final[dict[int, tuple[int, int]]] = {
    Qt.Key.Key_Left: (64, 0),
    Qt.Key.Key_Right: (-64, 0),
    Qt.Key.Key_Up: (0, 64),
    Qt.Key.Key_Down: (0, -64),
}
_KEY_ZOOMS: Final[dict[int, float]] = {Qt.Key.Key_Plus: 1.25, Qt.Key.Key_Equal: 1.25, Qt.Key.Key_Minus: 0.8}


class KeyHandler:
    """Says of each key whether the canvas had a use for it."""

    def __init__(self, pointer: PointerHandler, image: ImagePart, camera: Camera) -> None:
        self._pointer = pointer
        self._image = image
        self._camera = camera

    def overrides_shortcut(self, event: QEvent) -> bool:
        """Whether a key goes to the canvas rather than to a shortcut of the window."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.key() == Qt.Key.Key_Space:
            return event.modifiers() == Qt.KeyboardModifier.NoModifier
        return self._pointer.is_busy and event.key() in _WORK_KEYS

    def press(self, event: QKeyEvent, middle: QPointF) -> bool:
        """A key goes down; ``middle`` is that of the view, about which keys zoom."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._pointer.hold_space(True)
        elif event.key() == Qt.Key.Key_Control:
            self._pointer.hold_eraser(True)
        elif event.key() == Qt.Key.Key_Escape and self._pointer.abort_gesture():
            self._pointer.show_cursor(None)
        else:
            return self._pointer.send_key(event.key()) or self._look_around(event, middle)
        return True

    def release(self, event: QKeyEvent) -> bool:
        """A key is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._pointer.hold_space(False)
        elif event.key() == Qt.Key.Key_Control:
            self._pointer.hold_eraser(False)
        else:
            return False
        return True

    def release_all(self) -> None:
        """The keyboard goes elsewhere, where no release is heard."""
        self._pointer.hold_space(False)
        self._pointer.hold_eraser(False)

    def _look_around(self, event: QKeyEvent, middle: QPointF) -> bool:
        """Arrows move the view and plus and minus zoom it, so that it can be looked around without a mouse."""
        held = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if not self._image.is_shown or held != Qt.KeyboardModifier.NoModifier:
            return False
        if event.key() in _KEY_PANS:
            self._camera.pan_by(QPoint(*_KEY_PANS[event.key()]))
        elif event.key() in _KEY_ZOOMS:
            self._camera.zoom_at(_KEY_ZOOMS[event.key()], middle)
        else:
            return False
        return True
