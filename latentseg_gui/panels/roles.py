"""Colours with a meaning, derived from the palette in force, so that panels follow the theme."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QColor, QPalette

_DARK: Final = {
    "good": "#5cc98b",
    "warn": "#e8b04a",
    "bad": "#f2777a",
    "info": "#6fb1ff",
    "quiet": "#9aa2ad",
}
_LIGHT: Final = {
    "good": "#1b7f4b",
    "warn": "#95610a",
    "bad": "#b93338",
    "info": "#1d63c4",
    "quiet": "#5d6672",
}


def is_dark(palette: QPalette) -> bool:
    """Whether text is lighter than what it stands on."""
    text = palette.color(QPalette.ColorRole.WindowText).lightnessF()
    return bool(text > palette.color(QPalette.ColorRole.Window).lightnessF())


def role_colour(name: str, palette: QPalette) -> QColor:
    """The colour that means ``name``: "good", "warn", "bad", "info" or "quiet"."""
    return QColor((_DARK if is_dark(palette) else _LIGHT)[name])


def wash(colour: QColor, strength: float = 0.16) -> QColor:
    """``colour`` as a faint layer to lay under text."""
    result = QColor(colour)
    result.setAlphaF(strength)
    return result


def muted(palette: QPalette) -> QColor:
    """Secondary text."""
    return palette.color(QPalette.ColorRole.PlaceholderText)


def hairline(palette: QPalette) -> QColor:
    """Borders and separators."""
    return palette.color(QPalette.ColorRole.Mid)
