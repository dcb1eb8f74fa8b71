"""A hand on the canvas that speaks image coordinates, and an ear for its signals."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from latentseg_gui.canvas import CanvasView

LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
NONE = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier

SIGNALS = (
    "stroke_started",
    "stroke_moved",
    "stroke_finished",
    "stroke_aborted",
    "prompt_added",
    "prompt_moved",
    "prompt_removed",
    "box_added",
    "line_added",
    "take_up_requested",
    "border_move_requested",
    "polygon_completed",
    "lasso_completed",
    "split_line_completed",
    "split_seed_added",
    "join_requested",
    "outline_requested",
    "corner_moved",
    "corner_added",
    "corner_removed",
    "nudge_started",
    "nudge_moved",
    "nudge_finished",
    "nudge_aborted",
    "fill_requested",
    "wand_requested",
    "pick_requested",
    "brush_diameter_change_requested",
    "context_menu_requested",
)

Button = Qt.MouseButton
Keys = Qt.KeyboardModifier


def numbered_image(rows: int, cols: int) -> NDArray[np.uint8]:
    """Every pixel says where it is: red and green are its column and row, blue their high bits."""
    row, col = np.mgrid[:rows, :cols]
    high = (row // 256) * 16 + col // 256
    return np.stack([col % 256, row % 256, high], axis=-1).astype(np.uint8)


def class_colours() -> NDArray[np.uint8]:
    table = np.zeros((256, 4), np.uint8)
    table[1], table[2], table[3] = (230, 159, 0, 255), (86, 180, 233, 255), (0, 158, 115, 255)
    return table


def adjusted(brightness: float = 0.0, contrast: float = 1.0, gamma: float = 1.0) -> NDArray[np.uint8]:
    """What each of the 256 values is shown as, as a `tone` of the image, uint8 [256]."""
    values = (np.linspace(0.0, 1.0, 256) ** (1.0 / gamma) - 0.5) * contrast + 0.5 + brightness
    return np.round(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)


def grabbed(view: QWidget) -> NDArray[np.uint8]:
    """What is on the screen, uint8 [H, W, 3] in device pixels."""
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    packed = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return packed[..., 2::-1].copy()


def settled(view: CanvasView) -> None:
    """Waits until the reduced copies of the image are there."""
    pyramid = view._stack.image.pyramid
    while pyramid is not None and not pyramid.is_complete:
        QApplication.processEvents()
    QApplication.processEvents()


def turn_wheel(view: QWidget, place: QPoint, steps: int, keys: Keys = NONE) -> None:
    """Turns the wheel by so many notches over a place of the view."""
    event = QWheelEvent(
        QPointF(place),
        QPointF(view.mapToGlobal(place)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


class Hand:
    """Presses, moves and releases at image positions, and remembers the intents that come of it."""

    def __init__(self, view: CanvasView) -> None:
        self.view = view
        self.heard: list[tuple[Any, ...]] = []
        for name in SIGNALS:
            getattr(view, name).connect(partial(self._hear, name))

    def _hear(self, name: str, *values: Any) -> None:
        self.heard.append((name, *values))

    @property
    def names(self) -> list[str]:
        return [entry[0] for entry in self.heard]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self.heard if entry[0] == name]

    def at(self, x: float, y: float) -> QPoint:
        return self.view.camera.viewport.to_logical((x, y)).toPoint()

    def press(self, x: float, y: float, button: Button = LEFT, keys: Keys = NONE) -> None:
        QTest.mousePress(self.view, button, keys, self.at(x, y))

    def move(self, x: float, y: float) -> None:
        QTest.mouseMove(self.view, self.at(x, y))

    def release(self, x: float, y: float, button: Button = LEFT, keys: Keys = NONE) -> None:
        QTest.mouseRelease(self.view, button, keys, self.at(x, y))

    def click(self, x: float, y: float, button: Button = LEFT, keys: Keys = NONE) -> None:
        self.press(x, y, button, keys)
        self.release(x, y, button, keys)

    def double_click(self, x: float, y: float) -> None:
        self.click(x, y)
        QTest.mouseDClick(self.view, LEFT, NONE, self.at(x, y))
        self.release(x, y)

    def drag(self, *places: tuple[float, float], button: Button = LEFT, keys: Keys = NONE) -> None:
        self.press(*places[0], button, keys)
        for place in places[1:]:
            self.move(*place)
        self.release(*places[-1], button, keys)

    def wheel(self, x: float, y: float, steps: int, keys: Keys = NONE) -> None:
        turn_wheel(self.view, self.at(x, y), steps, keys)

    def key(self, key: Qt.Key) -> None:
        QTest.keyClick(self.view, key)
