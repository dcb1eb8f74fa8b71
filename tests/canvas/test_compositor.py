"""What is drawn again of a frame that has moved, and when a drag is over, whatever else is pressed."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter

from latentseg_gui.canvas.gestures import Gesture, GestureRunner
from latentseg_gui.canvas.surface import Compositor
from latentseg_gui.canvas.viewport import Viewport


class Flat:
    """A layer of one colour."""

    def __init__(self) -> None:
        self.colour = QColor("red")

    def paint(self, painter: QPainter, viewport: Viewport, rect: QRect) -> None:
        painter.fillRect(rect, self.colour)


def test_what_was_to_be_drawn_again_moves_with_the_picture(qapp: object) -> None:
    compositor, layer, viewport = Compositor(), Flat(), Viewport()
    compositor.resize((60, 20))
    compositor.render(viewport, [layer])
    layer.colour = QColor("green")
    compositor.invalidate(QRect(0, 0, 10, 10))
    compositor.shift(20, 0)
    compositor.render(viewport, [layer])
    seen = {x: compositor.frame.pixelColor(x, 5).name() for x in (5, 25, 35)}
    assert seen == {5: layer.colour.name(), 25: layer.colour.name(), 35: QColor("red").name()}


def test_a_drag_is_over_when_its_own_button_is_not_held_any_more() -> None:
    def gesture() -> Gesture:
        while True:
            yield

    runner, left, right = GestureRunner(), Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
    runner.start(gesture(), left)
    assert not runner.is_lost(left | right)
    assert runner.is_lost(right)
    assert runner.is_lost(Qt.MouseButton.NoButton)
    runner.abort()
    assert not runner.is_lost(right)
