"""Which click model made an object is noted for that object, whatever else is done before its turn comes."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from tests.controllers.clicking import Hand


@pytest.fixture
def hand(qtbot: QtBot) -> Hand:
    canvas = CanvasView()
    qtbot.addWidget(canvas)
    made = Hand(canvas)
    made.history.undo()  # nothing is painted yet
    return made


def proposed(rect: Rect, made_by: str) -> MaskProposal:
    return MaskProposal("image", "live", rect, np.ones(rect.shape, bool), 0.9, PromptSet(), made_by=made_by)


def maker_at(hand: Hand, row: int, col: int) -> str:
    return hand.document.makers.of("image", int(hand.document.masks.instances("image")[row, col]))


@pytest.mark.parametrize("first", [Rect(0, 0, 2, 2), Rect(2, 2, 5, 5)])
def test_a_proposal_without_a_pixel_of_its_own_says_nothing_of_the_object_that_has_them(
    hand: Hand, first: Rect
) -> None:
    hand.segment.take((proposed(Rect(2, 2, 9, 9), "SAM"),), 1)
    hand.segment.take(
        (proposed(first, "HQ"), proposed(Rect(3, 3, 6, 6), "HQ"), proposed(Rect(9, 12, 11, 14), "")), 1
    )
    assert maker_at(hand, 4, 4) == maker_at(hand, 8, 8) == "SAM"
    assert maker_at(hand, 9, 12) == ""
    if first.row0 == 0:
        assert maker_at(hand, 0, 0) == "HQ"


def test_a_proposal_that_others_keep_from_the_mask_leaves_its_name_to_nobody(hand: Hand) -> None:
    hand.segment.set_protect_others(True)
    hand.segment.set_overwrites(True)
    hand.segment.take((proposed(Rect(2, 2, 9, 9), "SAM"),), 0)  # background, which no object has
    hand.document.set_classes(hand.document.classes.added("leaf"))
    hand.segment.take((proposed(Rect(0, 10, 4, 14), "SAM"),), 2)
    hand.segment.take((proposed(Rect(1, 11, 3, 13), "HQ"), proposed(Rect(9, 0, 11, 2), "")), 1)
    hand.segment.take((proposed(Rect(9, 10, 11, 12), ""),), 1)
    assert maker_at(hand, 2, 12) == "SAM"
    assert maker_at(hand, 9, 0) == maker_at(hand, 9, 10) == ""
