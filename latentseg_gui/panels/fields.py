"""Sliders, numbers and lists to choose from that keep their value while a panel is scrolled over them.

The wheel changes them only while they have the focus, which it does not give them; else it scrolls the panel.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox, QWidget


class Slider(QSlider):
    """A slider."""

    def __init__(self, orientation: Qt.Orientation, parent: QWidget | None = None) -> None:
        super().__init__(orientation, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Qt: the wheel was turned over it."""
        if _is_meant(self, event):
            super().wheelEvent(event)


class SpinBox(QSpinBox):
    """A whole number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Qt: the wheel was turned over it."""
        if _is_meant(self, event):
            super().wheelEvent(event)


class DoubleSpinBox(QDoubleSpinBox):
    """A number with decimals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Qt: the wheel was turned over it."""
        if _is_meant(self, event):
            super().wheelEvent(event)


class ComboBox(QComboBox):
    """One out of a list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Qt: the wheel was turned over it."""
        if _is_meant(self, event):
            super().wheelEvent(event)


def _is_meant(widget: QWidget, event: QWheelEvent) -> bool:
    """Whether the wheel is turned for this widget; if not, whatever it lies in gets the event."""
    if not widget.hasFocus():
        event.ignore()
    return widget.hasFocus()
