"""Whatever is clicked, moved, dropped and answered, in any order: only "accept" writes to the mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.prediction.segment import whose_pixels
from tests.commands import hand as one_image
from tests.controllers.clicking import SHAPE, Hand

XS = st.floats(0, SHAPE[1] - 0.01)
YS = st.floats(0, SHAPE[0] - 0.01)
STEPS = st.one_of(
    st.tuples(st.just("click"), XS, YS, st.booleans()),
    st.tuples(st.just("line"), st.lists(st.tuples(XS, YS), min_size=2), st.booleans(), st.booleans()),
    st.tuples(st.just("box"), XS, YS, XS, YS),
    st.tuples(st.just("move"), XS, YS),
    st.tuples(st.just("remove")),
    st.tuples(st.just("drop")),
    st.tuples(st.just("clear")),
    st.tuples(
        st.just("answer"),
        st.integers(0, 9),
        st.tuples(st.integers(0, SHAPE[0] - 4), st.integers(0, SHAPE[1] - 4)),
        st.integers(0, 2**16 - 1),
        st.sampled_from(("live", "live", "old")),
        st.booleans(),
    ),
)


def point(hand: Hand, step: tuple[Any, ...]) -> None:
    """Points at something more."""
    match step:
        case ("click", x, y, is_positive):
            hand.pointing.add_click(x, y, is_positive)
        case ("line", places, is_positive, is_loop):
            hand.pointing.add_line(places, is_positive, is_loop)
        case ("box", x0, y0, x1, y1):
            hand.pointing.add_box(x0, y0, x1, y1)


def play(hand: Hand, step: tuple[Any, ...]) -> None:
    """Does one step of the user or of the engine."""
    points = hand.document.prompts.of("image").points
    match step:
        case ("click" | "line" | "box", *_):
            point(hand, step)
        case ("move", x, y) if points:
            hand.pointing.move_click(len(points) - 1, x, y)
        case ("remove",) if points:
            hand.pointing.remove_click(0)
        case ("drop",):
            hand.pointing.drop_last()
        case ("clear",):
            hand.pointing.clear()
        case ("answer", which, corner, bits, version, is_refining):
            mask = np.array([bits >> shift & 1 for shift in range(16)], np.bool_).reshape(4, 4)
            hand.answer(which, corner, mask, version, is_refining=is_refining)


@pytest.fixture
def canvas(qtbot: QtBot) -> CanvasView:
    view = CanvasView()
    qtbot.addWidget(view)
    return view


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=25))
def test_no_sequence_of_clicks_and_answers_touches_the_mask(
    canvas: CanvasView, steps: list[tuple[Any, ...]]
) -> None:
    hand = Hand(canvas)
    before = hand.mask()
    for step in steps:
        play(hand, step)
    assert all((was == now).all() for was, now in zip(before, hand.mask(), strict=True))
    assert len(hand.history.entries) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=25))
def test_accepting_writes_the_proposal_that_is_shown_and_nothing_else(
    canvas: CanvasView, steps: list[tuple[Any, ...]]
) -> None:
    hand = Hand(canvas)
    for step in steps:
        play(hand, step)
    before = hand.mask()
    proposal = hand.document.prompts.proposal("image")
    hand.segment.accept()
    labels = hand.mask()[0]
    expected = before[0].copy()
    if proposal is not None:
        expected[proposal.rect.slices][proposal.mask] = hand.document.active_class
    assert (labels == expected).all()
    while hand.history.can_undo and len(hand.history.entries) > 1 and hand.history.position > 1:
        hand.history.undo()
    assert all((was == now).all() for was, now in zip(before, hand.mask(), strict=True))


ROUGH, FINE = np.ones((4, 4), np.bool_), np.eye(4, dtype=np.bool_)


def test_a_rough_proposal_gives_way_to_the_refined_one(canvas: CanvasView) -> None:
    hand = Hand(canvas)
    hand.pointing.add_click(3.0, 3.0, True)
    hand.answer(0, (1, 1), ROUGH, "live", is_refining=True)
    rough = hand.document.prompts.proposal("image")
    assert rough is not None
    assert rough.mask.all()
    hand.answer(0, (1, 1), FINE, "live")
    refined = hand.document.prompts.proposal("image")
    assert refined is not None
    assert (refined.mask == FINE).all()
    assert not refined.is_refining


def test_enter_accepts_what_is_on_the_screen_and_a_late_refinement_changes_nothing(
    canvas: CanvasView,
) -> None:
    hand = Hand(canvas)
    hand.pointing.add_click(3.0, 3.0, True)
    hand.answer(0, (1, 1), ROUGH, "live", is_refining=True)
    hand.segment.accept()
    accepted = hand.mask()
    assert (accepted[0][1:5, 1:5] == hand.document.active_class).all()
    hand.answer(0, (1, 1), FINE, "live")
    assert hand.document.prompts.proposal("image") is None
    assert all((was == now).all() for was, now in zip(accepted, hand.mask(), strict=True))


def test_a_click_made_while_the_model_looks_closer_is_asked_about_and_the_old_answer_is_dropped(
    canvas: CanvasView,
) -> None:
    hand = Hand(canvas)
    hand.pointing.add_click(3.0, 3.0, True)
    hand.answer(0, (1, 1), ROUGH, "live", is_refining=True)
    hand.pointing.add_click(6.0, 3.0, False)
    assert len(hand.engine.requests) == 2
    hand.answer(0, (1, 1), FINE, "live")
    shown = hand.document.prompts.proposal("image")
    assert shown is not None
    assert shown.mask.all(), "the answer to the first click alone came too late"
    hand.answer(1, (2, 2), FINE, "live")
    shown = hand.document.prompts.proposal("image")
    assert shown is not None
    assert shown.prompts == hand.document.prompts.of("image")


def test_whose_pixels_stay_is_said_where_a_new_object_lies_over_others():
    hand, disk = one_image.Hand(), one_image.disk
    hand.accept(disk(30, 30, 10), class_id=2)
    beside, over, same = disk(30, 60, 10), disk(30, 42, 10), disk(30, 30, 6)
    words = [
        whose_pixels(hand.document, one_image.proposal_of(hand.image_id, mask), class_id, yields=True)
        for mask, class_id in ((beside, 1), (over, 1), (same, 2), (over, 0))
    ]
    assert words[0] == words[3] == ""
    assert "stay with what was accepted before (leaf)" in words[1]
    assert "nothing was changed" in words[2]


def test_what_is_taken_from_others_is_said_where_new_objects_overwrite():
    hand = one_image.Hand()
    hand.accept(one_image.disk(30, 30, 10))
    hand.accept(one_image.disk(30, 60, 10), class_id=2)
    wide = np.zeros(one_image.SHAPE, bool)
    wide[28:33, 25:62] = True
    said = whose_pixels(hand.document, one_image.proposal_of(hand.image_id, wide), 1, yields=False)
    taken = int((hand.instances[wide] > 0).sum())
    assert said.startswith(f"{taken} pixels of 2 accepted objects were taken")
    assert "leaf" in said
