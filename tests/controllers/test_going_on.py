"""Shift and Enter: what is shown is accepted and the next image comes, but no unanswered click is left behind."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.prediction.going_on import GoingOn
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.messages import SegmentObject
from tests.controllers.clicking import Hand, Silent


class Heard(Silent):
    """Remembers what the user was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def inform(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def hand(qtbot: QtBot) -> Hand:
    canvas = CanvasView()
    qtbot.addWidget(canvas)
    made = Hand(canvas)
    made.history.undo()  # nothing is painted yet
    return made


def one_pixel(request: SegmentObject) -> MaskProposal:
    """The object is the pixel at row 3, column 3."""
    return MaskProposal("image", "live", Rect(3, 3, 4, 4), np.ones((1, 1), bool), 0.9, request.prompts)


def test_it_stays_while_what_is_pointed_at_cannot_be_accepted(hand: Hand) -> None:
    steps: list[str] = []
    heard, owner = Heard(), QObject()
    going_on = GoingOn(
        hand.document,
        accept=hand.pointing.accept,
        next_image=lambda: steps.append("next"),
        errors=heard,
        parent=owner,
    )
    hand.pointing.add_click(9.5, 3.5, False)
    going_on.accept_and_go_on()
    assert steps == []
    assert "not answered yet" in heard.said[-1]
    hand.pointing.add_click(3.5, 3.5, True)
    going_on.accept_and_go_on()
    assert steps == ["next"], "the object follows as soon as it is outlined"
    assert not (hand.mask()[0] == 1).any()
    while hand.engine.requests:
        hand.engine.answer(one_pixel)
    assert np.argwhere(hand.mask()[0] == 1).tolist() == [[3, 3]]
    going_on.accept_and_go_on()
    assert steps == ["next", "next"], "where there is nothing to accept"
