"""Text is text: names of files, classes and experts are never laid out as markup, and never lose a letter."""

from __future__ import annotations

from PySide6.QtGui import Qt as Rich


def plain(text: str) -> str:
    """``text`` for a place where Qt looks for markup: a tool tip, the text of a dialog.

    Qt lays such a text out as rich text where it looks like some, pictures from the disk included. What looks
    so is escaped, as rich text that reads as the text does; everything else stays as it is.
    """
    return Rich.convertFromPlainText(text) if Rich.mightBeRichText(text) else text


def unmarked(text: str) -> str:
    """``text`` for a button or a menu, where a single ``&`` would underline the letter behind it."""
    return text.replace("&", "&&")
