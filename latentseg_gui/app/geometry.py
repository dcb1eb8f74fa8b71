"""Where the window stands on the screen when it is opened."""

from __future__ import annotations

from PySide6.QtCore import QMargins, QRect, QSize
from PySide6.QtWidgets import QWidget

WANTED = QSize(1440, 900)
FRAME = QMargins(8, 40, 8, 8)
"""Of the usual window managers at most; how large it really is shows only when the window does."""


def first_place(available: QRect, least: QSize, frame: QMargins = FRAME) -> QRect:
    """Where a window of a good size goes on a screen, in the middle, its frame included.

    Args:
        available: the part of the screen that panels and docks of the desktop leave.
        least: the smallest size that the window can have.
        frame: what the window manager draws round it.
    """
    room = available.marginsRemoved(frame)
    size = WANTED.boundedTo(room.size()).expandedTo(least)
    place = QRect(room.topLeft(), size)
    if size.width() <= room.width() and size.height() <= room.height():
        place.moveCenter(room.center())
    return place


def bring_onto_screen(window: QWidget) -> None:
    """Puts a window with its frame onto the screen that it is on, smaller where it is too large for it."""
    screen = window.screen()
    if screen is None or window.isMaximized() or window.isFullScreen():
        return
    inner, outer = window.geometry(), window.frameGeometry()
    frame = QMargins(
        max(inner.left() - outer.left(), 0),
        max(inner.top() - outer.top(), 0),
        max(outer.right() - inner.right(), 0),
        max(outer.bottom() - inner.bottom(), 0),
    )
    room = screen.availableGeometry().marginsRemoved(FRAME if frame.isNull() else frame)
    size = inner.size().boundedTo(room.size()).expandedTo(window.minimumSizeHint())
    x = min(max(inner.x(), room.x()), max(room.right() + 1 - size.width(), room.x()))
    y = min(max(inner.y(), room.y()), max(room.bottom() + 1 - size.height(), room.y()))
    place = QRect(x, y, size.width(), size.height())
    if place != inner:
        window.setGeometry(place)
