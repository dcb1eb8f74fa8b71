"""Which click model made an object is noted for that object, whatever else is done before its turn comes."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.masks.carrying import CarriedObject
from latentseg_gui.controllers.masks import mask_looks
from latentseg_gui.controllers.masks.carrying import CarryController
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.waiting import LabelsToCome
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.workers.lanes import ThreadLane
from tests.controllers.clicking import Hand
from tests.controllers.test_edits import Desk, held, rect_make


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


def test_what_is_pasted_behind_a_large_edit_is_noted_under_its_own_number(
    qtbot: QtBot, lane: ThreadLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mask_looks, "LARGE", 0)  # every edit counts as large
    desk = Desk(qtbot, lane)
    objects = ObjectsController(desk.document, desk.edits, desk.canvas, errors=desk.told, parent=desk.canvas)
    carry = CarryController(
        desk.document,
        desk.edits,
        objects,
        errors=desk.told,
        image_before=lambda: None,
        coming=LabelsToCome(desk.document),
        parent=desk.canvas,
    )
    make, go_on = held(rect_make(Rect(0, 0, 9, 9), 1, 7))
    desk.edits.do("image", "Rectangle", make)
    carried = CarriedObject(1, Rect(20, 20, 26, 26), np.ones((6, 6), bool), number=4, made_by="SAM")
    without_room = CarriedObject(1, Rect(2, 2, 5, 5), np.ones((3, 3), bool), number=5, made_by="SAM")
    carry._put_down((carried, without_room), "Paste objects")
    go_on.set()
    qtbot.waitUntil(lambda: len(desk.history.entries) == 2 and not desk.edits.is_working)
    numbers, makers = desk.document.masks.instances("image"), desk.document.makers
    assert makers.of("image", int(numbers[3, 3])) == ""
    assert makers.of("image", int(numbers[22, 22])) == "SAM"
    assert [numbers[rc] for rc in objects.chosen] == [numbers[22, 22]], "the pasted one alone is chosen"
