"""Sliders, numbers and lists to choose from that keep their value while a panel is scrolled over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unicodedata import decimal

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSlider, QSpinBox, QWidget
from typing_extensions import override

_DECIMAL_MARKS: Final = {ord(mark): "." for mark in (",", "\N{ARABIC DECIMAL SEPARATOR}")}

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


class _SameFiguresEverywhere(_WheelNeedsFocus):
    """Numbers are shown and typed in the same way whatever the language of the system is."""

    if not TYPE_CHECKING:

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.setLocale(QLocale.c())


class SpinBox(_SameFiguresEverywhere, QSpinBox):
    """A whole number, in the figures that the program uses everywhere."""

    @override
    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return super().validate(_with_ascii_digits(text), position)

    @override
    def valueFromText(self, text: str) -> int:
        return super().valueFromText(_with_ascii_digits(text))


class DoubleSpinBox(_SameFiguresEverywhere, QDoubleSpinBox):
    """A number with decimals, which may be typed with a comma or a point on any system.

    Where the comma is the decimal mark, Qt takes a point for one between thousands, and 0.5 for 5; and the other way
    round.
    """

    @override
    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        return super().validate(_with_decimal_point(text), position)

    @override
    def valueFromText(self, text: str) -> float:
        return super().valueFromText(_with_decimal_point(text))


def _with_decimal_point(text: str) -> str:
    return _with_ascii_digits(text).translate(_DECIMAL_MARKS)


def _with_ascii_digits(text: str) -> str:
    """The same text with the digits of other scripts as 0 to 9."""
    return "".join(str(decimal(each)) if each.isdecimal() else each for each in text)


class ComboBox(_WheelNeedsFocus, QComboBox):
    """One out of a list."""
