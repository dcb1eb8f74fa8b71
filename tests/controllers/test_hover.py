"""What a click would give is shown for the place where the mouse rests, and for no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.canvas.layers.proposal import LOST
from latentseg_gui.controllers.prediction.hover import HoverController
from latentseg_gui.controllers.prediction.meanings import MeaningsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import (
    MaskProposal,
    PromptPoint,
    PromptSet,
    TakenUp,
    as_it_was,
)
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.inference.messages import SegmentObject
from tests.held import HeldJobs, Quiet


class Encoder(QObject):
    """Every image is encoded."""

    forgotten = Signal()

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
        canvas.resize(620, 420)
        canvas.image.set(pixels)
        canvas.camera.zoom_to_fit()
        canvas.pointer.set_tool(ToolName.CLICK)
        encoder: Any = Encoder()
        errors: Any = Quiet()
        meanings = MeaningsController(self.document, canvas, encoder, engine=self.engine, errors=errors)
        self.hover = HoverController(self.document, canvas, encoder, meanings, engine=self.engine)
        self.hover.set_enabled(True)

    def rest(self, x: float, y: float) -> None:
        self.canvas.cursor_moved.emit(x, y)
        self.canvas.hover_rested.emit(x, y)

    def stay(self, x: float, y: float) -> None:
        self.canvas.hover_stayed.emit(x, y)

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


def clicked(mouse: Mouse, *, rect: Rect, score: float = 0.9) -> MaskProposal:
    """A proposal that the user has clicked for, at the left of it."""
    prompts = PromptSet((PromptPoint((rect.col0 + 0.5, rect.row0 + 0.5), True),))
    mouse.document.prompts.set("a", prompts)
    proposal = MaskProposal("a", "v1", rect, np.ones(rect.shape, bool), score, prompts)
    mouse.document.prompts.set_proposal("a", proposal)
    mouse.canvas.prompts.set(prompts)
    return proposal


def what_is_drawn(mouse: Mouse) -> np.ndarray:
    padded = mouse.canvas._stack.proposal._padded
    assert padded is not None
    return padded[1:-1, 1:-1]


def test_on_the_proposal_what_a_right_click_would_take_away_is_shown(mouse: Mouse) -> None:
    proposal = clicked(mouse, rect=Rect(2, 2, 12, 26))
    mouse.rest(22, 6)
    (request,) = mouse.engine.requests
    assert request.is_preview
    assert [each.is_positive for each in request.prompts.points] == [True, False]
    less = MaskProposal("a", "v1", Rect(2, 2, 12, 16), np.ones((10, 14), bool), 0.9, request.prompts)
    mouse.engine.answer(lambda _: less)
    drawn = what_is_drawn(mouse)
    assert (drawn[:, :14] == 1).all()
    assert (drawn[:, 14:] == LOST).all()
    assert mouse.document.prompts.proposal("a") is proposal, "the document never hears of it"
    mouse.canvas.cursor_moved.emit(5, 6)
    assert (what_is_drawn(mouse) == 1).all()


def test_of_what_was_taken_up_and_narrowed_it_is_what_a_click_would_take_away_now(mouse: Mouse) -> None:
    rect, prompts = Rect(2, 2, 12, 26), mouse.document.prompts
    taken = TakenUp(rect, np.ones(rect.shape, bool), (20, 30), 1, (5, 5), 1)
    prompts.set("a", PromptSet(taken_up=taken))
    was = as_it_was("a", prompts.of("a"))
    assert was is not None
    narrow = Rect(4, 4, 10, 24)
    prompts.set_proposal("a", replace(was, rect=narrow, mask=np.ones(narrow.shape, bool)))
    mouse.rest(20, 6)
    asked = mouse.engine.requests[-1].prompts.taken_up
    assert asked is not None
    assert (asked.rect, asked.rc, asked.number) == (narrow, taken.rc, taken.number)
    assert asked.mask.shape == narrow.shape
    assert prompts.of("a").taken_up is taken, "the document never hears of it"


def test_beside_the_proposal_and_where_nothing_would_go_nothing_changes(mouse: Mouse) -> None:
    clicked(mouse, rect=Rect(2, 2, 12, 16))
    mouse.rest(22, 6)
    assert mouse.engine.requests == []
    mouse.rest(14, 6)
    mouse.engine.answer(
        lambda request: MaskProposal(
            "a", "v1", Rect(2, 2, 12, 16), np.ones((10, 14), bool), 0.9, request.prompts
        )
    )
    assert not mouse.is_shown


def test_what_was_asked_before_another_click_is_not_shown(mouse: Mouse) -> None:
    clicked(mouse, rect=Rect(2, 2, 12, 26))
    mouse.rest(22, 6)
    clicked(mouse, rect=Rect(1, 1, 12, 26))
    mouse.engine.answer(
        lambda request: MaskProposal("a", "v1", Rect(2, 2, 3, 3), np.ones((1, 1), bool), 0.9, request.prompts)
    )
    assert not mouse.is_shown


def test_a_hand_that_has_just_clicked_is_left_alone(mouse: Mouse) -> None:
    clicked(mouse, rect=Rect(2, 2, 12, 26))
    mouse.rest(2.6, 2.6)
    assert mouse.engine.requests == []


def test_no_part_is_promised_that_a_closer_look_may_change(mouse: Mouse) -> None:
    clicked(mouse, rect=Rect(2, 2, 12, 26))
    mouse.rest(22, 6)
    mouse.engine.answer(
        lambda request: MaskProposal(
            "a", "v1", Rect(2, 2, 12, 16), np.ones((10, 14), bool), 0.9, request.prompts, is_refining=True
        )
    )
    assert not mouse.is_shown


ROUGH, CLOSER = Rect(2, 2, 12, 26), Rect(3, 3, 10, 20)


def as_asked(request: SegmentObject) -> MaskProposal:
    """What is known at once is rough; what was looked at closely is not."""
    rect = CLOSER if request.looks_closer else ROUGH
    mask = np.ones(rect.shape, bool)
    is_refining = not request.looks_closer
    return MaskProposal(request.image_id, "v1", rect, mask, 0.9, request.prompts, is_refining=is_refining)


@pytest.mark.parametrize("is_quick", [True, False])
def test_a_mouse_that_stays_is_shown_what_a_click_would_give(mouse: Mouse, *, is_quick: bool) -> None:
    mouse.rest(8, 6)
    if is_quick:
        mouse.engine.answer(as_asked)
        assert what_is_drawn(mouse).shape == ROUGH.shape
        assert mouse.engine.requests == [], "a mouse on its way asks for no closer look"
    mouse.stay(8, 6)
    if not is_quick:
        mouse.engine.answer(as_asked)
    (request,) = mouse.engine.requests
    assert request.is_preview
    assert request.looks_closer
    mouse.engine.answer(as_asked)
    assert what_is_drawn(mouse).shape == CLOSER.shape
    assert mouse.engine.requests == []


def test_where_all_is_known_at_once_a_mouse_that_stays_asks_nothing(mouse: Mouse) -> None:
    mouse.rest(3, 4)
    mouse.answer()
    mouse.stay(3, 4)
    assert mouse.engine.requests == []


def test_a_closer_look_at_a_place_that_the_mouse_has_left_is_not_shown(mouse: Mouse) -> None:
    mouse.rest(8, 6)
    mouse.engine.answer(as_asked)
    mouse.stay(8, 6)
    mouse.canvas.cursor_moved.emit(20, 15)
    mouse.engine.answer(as_asked)
    assert not mouse.is_shown
    mouse.rest(21, 15)
    mouse.engine.answer(as_asked)
    assert what_is_drawn(mouse).shape == ROUGH.shape
    assert mouse.engine.requests == [], "it stayed at another place"


def test_a_closer_look_that_has_not_begun_is_not_taken_where_the_mouse_moves_on(mouse: Mouse) -> None:
    mouse.rest(8, 6)
    mouse.engine.answer(as_asked)
    mouse.engine.kept.is_busy = True
    mouse.stay(8, 6)
    assert mouse.engine.requests
    mouse.canvas.cursor_moved.emit(20, 15)
    assert mouse.engine.requests == [], "the next click would wait for it"
    mouse.engine.kept.is_busy = False
    mouse.rest(21, 15)
    mouse.engine.answer(as_asked)
    assert what_is_drawn(mouse).shape == ROUGH.shape


def test_what_a_right_click_takes_away_is_shown_once_it_was_looked_at_closely(mouse: Mouse) -> None:
    clicked(mouse, rect=Rect(2, 2, 12, 26))
    mouse.rest(22, 6)
    mouse.engine.answer(as_asked)
    assert not mouse.is_shown
    mouse.stay(22, 6)
    mouse.engine.answer(as_asked)
    drawn = what_is_drawn(mouse)
    assert drawn[4, 20] == LOST
    assert drawn[4, 6] == 1
