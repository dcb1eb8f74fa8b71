"""Shift and Enter: what is shown is accepted and the next image comes, but no unanswered click is left behind."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.prediction.going_on import GoingOn
from tests.controllers.clicking import Hand, Silent
from tests.controllers.test_in_turn import accepted, one_pixel


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


def test_it_stays_until_the_click_is_answered(hand: Hand) -> None:
    steps: list[str] = []
    heard, owner = Heard(), QObject()
    going_on = GoingOn(
        hand.document,
        accept=hand.segment.accept,
        next_image=lambda: steps.append("next"),
        errors=heard,
        parent=owner,
    )
    hand.pointing.add_click(3.5, 3.5, True)
    going_on.accept_and_go_on()
    assert steps == []
    assert "not answered yet" in heard.said[-1]
    hand.engine.answer(one_pixel)
    assert accepted(hand) == set()
    going_on.accept_and_go_on()
    assert accepted(hand) == {(3, 3)}
    assert steps == ["next"]
    going_on.accept_and_go_on()
    assert steps == ["next", "next"], "where there is nothing to accept"
