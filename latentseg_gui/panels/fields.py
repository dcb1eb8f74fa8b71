"""Sliders, numbers and lists to choose from that keep their value while a panel is scrolled over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox, QWidget
from typing_extensions import override

if TYPE_CHECKING:
    _Widget = QWidget
else:
    _Widget = object  # Qt allows one of its own classes among the bases


class _WheelNeedsFocus(_Widget):
    """The wheel changes it only while it has the focus, which the wheel does not give it; else it scrolls the panel."""

    if not TYPE_CHECKING:  # its subclasses take what Qt's classes take

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Slider(_WheelNeedsFocus, QSlider):
    """A slider."""


class SpinBox(_WheelNeedsFocus, QSpinBox):
    """A whole number."""


class DoubleSpinBox(_WheelNeedsFocus, QDoubleSpinBox):
    """A number with decimals."""


class ComboBox(_WheelNeedsFocus, QComboBox):
    """One out of a list."""
