"""The canvas as the window uses it: content through setters, the hand through signals."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from latentseg_gui.canvas.pointer import CanvasPointer
from latentseg_gui.canvas.tools import ToolName

_WHEEL_ZOOM: Final = 1.25
_WHEEL_BRUSH: Final = 1.15
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


class CanvasView(CanvasPointer):
    """Shows an image with masks, predictions and heatmaps, and hands on what the user does to it.

    It is told everything through setters and says everything through the signals of
    `CanvasIntents`; it writes to no array and knows neither the document nor the model.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Image canvas"))
        self.setAccessibleDescription(
            self.tr(
                "Shows the image with its mask. The tools of the tool bar act here; the menu Help lists the keys."
            )
        )

    def _is_mine(self, event: QEvent) -> bool:
        """Whether a key goes to the canvas rather than to a shortcut of the window."""
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        if event.key() == Qt.Key.Key_Space:
            return event.modifiers() == Qt.KeyboardModifier.NoModifier
        return self.is_busy and event.key() in _WORK_KEYS

    def _hold_space(self, is_held: bool) -> None:
        self._is_space_held = is_held
        self._show_cursor(None)

    def _hold_eraser(self, is_held: bool) -> None:
        """Ctrl over the brush: the next press erases, with the size of the eraser."""
        if self.tool is ToolName.BRUSH and not self._work.is_active and self.has_image:
            self.erasing_announced.emit(is_held)

    def _navigate(self, event: QKeyEvent) -> bool:
        """Arrows move the view and plus and minus zoom it, so that it can be looked around without a mouse."""
        held = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if not self.has_image or held != Qt.KeyboardModifier.NoModifier:
            return False
        if event.key() in _KEY_PANS:
            self.pan_by(QPoint(*_KEY_PANS[event.key()]))
        elif event.key() in _KEY_ZOOMS:
            self.zoom_at(_KEY_ZOOMS[event.key()], QPointF(self.rect().center()))
        else:
            return False
        return True

    def event(self, event: QEvent) -> bool:
        """Takes pinches, and keys that shortcuts of the window would take."""
        if isinstance(event, QNativeGestureEvent) and self._on_native_gesture(event):
            return True
        if self._is_mine(event):
            event.accept()
            return True
        return super().event(event)

    def _on_native_gesture(self, event: QNativeGestureEvent) -> bool:
        """A pinch on the touchpad zooms."""
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        if self.has_image:
            self.zoom_at(max(0.2, 1.0 + event.value()), event.position())
        return True

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zooms at the cursor; with Shift it asks for another brush size."""
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if not self.has_image or not steps:
            event.ignore()
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.brush_diameter_change_requested.emit(_WHEEL_BRUSH**steps)
        else:
            self.zoom_at(_WHEEL_ZOOM**steps, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space pans, Esc aborts; other keys are for the tool in the hand, then for looking around."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hold_space(True)
        elif event.key() == Qt.Key.Key_Control:
            self._hold_eraser(True)
        elif event.key() == Qt.Key.Key_Escape and self.abort_gesture():
            self._show_cursor(None)
        elif not self._tool.key(event.key()) and not self._navigate(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hold_space(False)
        elif event.key() == Qt.Key.Key_Control:
            self._hold_eraser(False)
        else:
            super().keyReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Only the menu key: a right click is up to the tool."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.has_image:
            position = self._brush.position or QPointF(self.rect().center())
            xy = self._viewport.to_image(position)
            self.context_menu_requested.emit(self.mapToGlobal(position).toPoint(), xy)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Takes the keyboard, for Space and Esc, unless somebody is typing."""
        super().enterEvent(event)
        typing = QApplication.focusWidget()
        if typing is None or not typing.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
            self.setFocus(Qt.FocusReason.MouseFocusReason)

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse is no longer over the canvas."""
        super().leaveEvent(event)
        self._brush.position = None
        self._settling.stop()
        self.refresh_chrome(self._brush)
        self.cursor_left.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A Space that is let go elsewhere is not heard."""
        super().focusOutEvent(event)
        self._hold_space(False)
        self._hold_eraser(False)

    def hideEvent(self, event: QHideEvent) -> None:
        """What cannot be seen cannot go on."""
        super().hideEvent(event)
        self._navigation.abort()
        self.abort_gesture()
