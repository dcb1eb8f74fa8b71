"""What a click would give is shown for the place where the mouse rests, and for no other."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.prediction.hover import HoverController
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.inference.messages import SegmentObject
from tests.held import HeldJobs


class Encoder:
    """Every image is encoded."""

    def is_encoded(self, image_id: str) -> bool:
        return True


class Mouse:
    """A canvas on which the mouse rests, and the model that is asked about it."""

    def __init__(self, canvas: CanvasView) -> None:
        self.document, self.engine, self.canvas = Document(), HeldJobs(), canvas
        pixels = np.zeros((20, 30, 3), np.uint8)
        for name in ("a", "b"):
            self.document.images.add_record(ImageRecord(name, pixels, pixels))
        self.document.images.current_id = "a"
        canvas.pointer.set_tool(ToolName.CLICK)
        self.hover = HoverController(self.document, canvas, Encoder(), engine=self.engine)  # type: ignore[arg-type]
        self.hover.set_enabled(True)

    def rest(self, x: float, y: float) -> None:
        self.canvas.cursor_moved.emit(x, y)
        self.canvas.hover_settled.emit(x, y)

    def answer(self) -> None:
        """Answers the oldest question: the object is one pixel, at the place that was asked about."""
        self.engine.answer(at_the_point)

    @property
    def is_shown(self) -> bool:
        return self.hover._is_shown


def at_the_point(request: SegmentObject) -> MaskProposal:
    x, y = request.prompts.points[0].xy
    rect = Rect(int(y), int(x), int(y) + 1, int(x) + 1)
    return MaskProposal(request.image_id, "v1", rect, np.ones((1, 1), bool), 0.9, request.prompts)


@pytest.fixture
def mouse(qtbot: QtBot) -> Mouse:
    canvas = CanvasView()
    qtbot.addWidget(canvas)
    return Mouse(canvas)


def test_where_the_mouse_rests_the_object_is_shown(mouse: Mouse) -> None:
    mouse.rest(3, 4)
    mouse.answer()
    assert mouse.is_shown
    mouse.canvas.cursor_moved.emit(9, 9)
    assert not mouse.is_shown


def test_an_answer_for_an_earlier_place_is_not_shown_at_the_new_one(mouse: Mouse) -> None:
    mouse.rest(3, 4)
    mouse.rest(20, 10)
    mouse.answer()
    assert not mouse.is_shown, "the mouse rests elsewhere by now"
    mouse.answer()
    assert mouse.is_shown


def test_an_answer_for_another_image_is_not_shown(mouse: Mouse) -> None:
    mouse.rest(3, 4)
    mouse.document.images.current_id = "b"
    mouse.answer()
    assert not mouse.is_shown
