"""One click, one object: the object before is accepted by the next click, however late its answer comes."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.messages import SegmentObject
from tests.controllers.clicking import Hand


@pytest.fixture
def hand(qtbot: QtBot) -> Hand:
    canvas = CanvasView()
    qtbot.addWidget(canvas)
    made = Hand(canvas)
    made.pointing.set_each_new(True)
    made.history.undo()  # nothing is painted yet
    return made


def one_pixel(request: SegmentObject, *, is_refining: bool = False, version: str = "live") -> MaskProposal:
    """The object is the pixel under the first click, or the first of the box."""
    x, y = request.prompts.points[0].xy if request.prompts.points else request.prompts.box[:2]  # type: ignore[index]
    rect = Rect(int(y), int(x), int(y) + 1, int(x) + 1)
    return MaskProposal(
        "image", version, rect, np.ones((1, 1), bool), 0.9, request.prompts, is_refining=is_refining
    )


def accepted(hand: Hand) -> set[tuple[int, int]]:
    return {(int(row), int(col)) for row, col in np.argwhere(hand.mask()[0] == 1)}


def shown_to_come(hand: Hand) -> list[tuple[float, float]]:
    """Where markers of objects are that are accepted and not outlined."""
    return [point.xy for each in hand.pointing._canvas.prompts.markers.coming for point in each.points]


def test_the_next_click_accepts_the_object_before_as_a_step_of_its_own(hand: Hand) -> None:
    hand.pointing.add_click(3.5, 3.5, True)
    hand.engine.answer(one_pixel)
    assert accepted(hand) == set()
    hand.pointing.add_click(9.5, 5.5, True)
    assert accepted(hand) == {(3, 3)}
    hand.engine.answer(one_pixel)
    hand.pointing.add_box(12.0, 8.0, 14.0, 10.0)
    assert accepted(hand) == {(3, 3), (5, 9)}
    hand.engine.answer(one_pixel)
    hand.segment.accept()
    assert accepted(hand) == {(3, 3), (5, 9), (8, 12)}
    assert len(np.unique(hand.mask()[2])) == 4, "three objects, and what is none"
    hand.history.undo()
    assert accepted(hand) == {(3, 3), (5, 9)}


def test_clicks_that_are_faster_than_the_answers_lose_no_object(hand: Hand) -> None:
    for x in (2.5, 5.5, 8.5, 11.5):
        hand.pointing.add_click(x, 4.5, True)
    while hand.engine.requests:
        hand.engine.answer(one_pixel)
    assert accepted(hand) == {(4, 2), (4, 5), (4, 8)}
    proposal = hand.document.prompts.proposal("image")
    assert proposal is not None
    assert proposal.rect.col0 == 11, "the last one waits for Enter"


@pytest.mark.parametrize("each_is_new", [False, True])
def test_enter_before_the_outline_is_not_lost(hand: Hand, each_is_new: bool) -> None:
    hand.pointing.set_each_new(each_is_new)
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.accept()
    assert hand.document.prompts.is_idle("image"), "the hand is free for the next object"
    assert shown_to_come(hand) == [(3.5, 3.5)], "it can be seen where the object comes"
    hand.document.images.current_id = None
    assert shown_to_come(hand) == [], "on its image only"
    hand.document.images.current_id = "image"
    assert shown_to_come(hand) == [(3.5, 3.5)]
    assert "as soon as it is outlined" in hand.said[-1]
    assert "still being outlined" in hand.pointing._in_turn.labels.says(), "who needs the mask waits for it"
    hand.pointing.accept()
    while hand.engine.requests:
        hand.engine.answer(one_pixel)
    assert accepted(hand) == {(3, 3)}, "once, however often Enter was pressed"
    assert shown_to_come(hand) == [], "the outline is there instead"
    hand.history.undo()
    assert accepted(hand) == set()


def test_what_is_no_object_is_not_accepted_early(hand: Hand) -> None:
    hand.pointing.add_click(3.5, 3.5, False)
    hand.pointing.accept()
    assert not hand.document.prompts.of("image").is_empty
    assert hand.pointing._in_turn.labels.says() == ""


def test_whoever_needs_the_mask_is_told_of_objects_on_their_way(hand: Hand, qtbot: QtBot) -> None:
    turn = hand.pointing._in_turn
    for x in (2.5, 5.5, 8.5):
        hand.pointing.add_click(x, 4.5, True)
    assert "still being outlined" in turn.labels.says()
    with qtbot.waitSignals([turn.labels.changed] * 2):
        while hand.engine.requests:
            hand.engine.answer(one_pixel)
    assert turn.labels.says() == "", "the last one waits for Enter"


def test_nothing_is_waited_for_where_no_model_comes(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = list[str]()
    hand.in_turn.labels.lost.connect(lost.append)
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.accept()
    hand.in_turn.give_up()
    assert hand.in_turn.labels.says() == ""
    assert lost == ["An object that was accepted could not be outlined."], "an export does not go on without"
    assert "the model could not be loaded" in hand.said[-1]
    monkeypatch.setattr(hand.in_turn, "has_no_model", lambda: True)
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.accept()
    assert not hand.document.prompts.of("image").is_empty, "the click stays until there is a model"
    hand.pointing.add_click(9.5, 5.5, True)  # each click is an object, and accepts the one before
    assert hand.in_turn.labels.says() == "", "nothing that needs all labels is held up for ever"


def test_where_an_image_must_be_looked_at_before_its_objects_come_that_is_said(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, seen = hand.pointing._in_turn._predict, list[str]()
    monkeypatch.setattr(predict, "is_encoded", lambda image_id: False)
    monkeypatch.setattr(predict, "encode", seen.append, raising=False)
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.accept()
    assert "still being outlined" in hand.in_turn.labels.says(), "its pixels are there to be encoded"
    hand.document.images.current_id = None
    hand.document.records.release("image")  # the user has gone on to others, and memory was short
    assert "is outlined when that image is shown again" in hand.in_turn.labels.says()
    assert hand.document.images.name("image") in hand.in_turn.labels.says()


def test_a_rough_answer_is_not_accepted_when_a_better_one_is_on_its_way(hand: Hand) -> None:
    hand.pointing.add_click(3.5, 3.5, True)
    hand.engine.report(one_pixel(hand.engine.requests[0], is_refining=True))
    hand.pointing.add_click(9.5, 5.5, True)
    assert accepted(hand) == set()
    index = next(i for i, each in enumerate(hand.engine.requests) if each.prompts.points[0].xy == (3.5, 3.5))
    hand.engine.report(one_pixel(hand.engine.requests[index], is_refining=True), index)
    assert accepted(hand) == set()
    while hand.engine.requests:
        hand.engine.answer(one_pixel)
    assert accepted(hand) == {(3, 3)}


def test_what_old_weights_say_is_asked_again(hand: Hand) -> None:
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.add_click(9.5, 5.5, True)
    index = next(i for i, each in enumerate(hand.engine.requests) if each.prompts.points[0].xy == (3.5, 3.5))
    hand.engine.answer(lambda request: one_pixel(request, version="old"), index)
    assert accepted(hand) == set()
    while hand.engine.requests:
        hand.engine.answer(one_pixel)
    assert accepted(hand) == {(3, 3)}


def test_what_does_not_belong_to_it_corrects_the_present_object(hand: Hand) -> None:
    hand.pointing.add_click(3.5, 3.5, True)
    hand.engine.answer(one_pixel)
    hand.pointing.add_click(4.5, 3.5, False)
    assert accepted(hand) == set()
    assert [each.is_positive for each in hand.document.prompts.of("image").points] == [True, False]
    hand.pointing.add_line([(1.0, 1.0), (3.0, 1.0)], False, False)
    assert len(hand.document.prompts.of("image").points) == 3


def test_an_object_keeps_the_class_that_was_in_use_when_it_was_left(hand: Hand) -> None:
    second = hand.document.classes.ids[-1]
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.add_click(9.5, 5.5, True)
    hand.document.active_class = 0
    while hand.engine.requests:
        hand.engine.answer(one_pixel)
    assert hand.mask()[0][3, 3] == second != 0


def test_off_clicks_join_each_other_again(hand: Hand) -> None:
    hand.pointing.set_each_new(False)
    hand.pointing.add_click(3.5, 3.5, True)
    hand.pointing.add_click(9.5, 5.5, True)
    assert len(hand.document.prompts.of("image").points) == 2
    hand.pointing.clear()
    assert hand.document.prompts.of("image") == PromptSet()
