"""The tour: three steps on a real image, which follow what the user really does and stand in nobody's way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from latentseg_gui.app.tour import CORRECT, OVER, TEACH, TourState, tour_text
from latentseg_gui.document.training.runs import FineTuneResult
from tests.e2e.person import Person

DIALOGS = "latentseg_gui.app.dialogs.QtDialogs"


def step_of(person: Person) -> str:
    """The name of the step that is on."""
    labels = person.window.tour.findChildren(QLabel)
    return next((each.text() for each in labels if each.property("role") == "title" and each.isVisible()), "")


def button(person: Person, text: str) -> QPushButton:
    return next(each for each in person.window.findChildren(QPushButton) if each.text() == text)


def test_a_newcomer_points_accepts_and_teaches(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def take_the_rest(self: object, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str:
        asked.append(text)
        return actions[0][0]

    monkeypatch.setattr(f"{DIALOGS}.choose_action", take_the_rest)
    tour = person.window.tour
    assert not tour.isVisible()
    button(person, "Tour in three steps").click()
    assert tour.isVisible()
    person.wait_for(lambda: "an outline shows" in tour.text, what="the first step, with a sample")
    assert "Point" in step_of(person)

    assert person.image_id is not None
    opened = person.session.document.images.name(person.image_id)
    assert opened == "coffee.png", "there is something to teach: of the cat, nearly all is known already"

    person.choose("tool_brush")
    assert "“Click” (C)" in tour.text, "who has another tool in the hand is told"
    person.segment((225.0, 150.0))
    assert "Correct" in step_of(person)
    assert "Return" in tour.text or "Enter" in tour.text
    person.press(Qt.Key.Key_Escape)
    person.wait_for(lambda: "Point" in step_of(person), what="who clears the clicks points again")

    person.segment((225.0, 150.0))
    person.press(Qt.Key.Key_Return)
    person.wait_for(lambda: "Teach" in step_of(person), what="the third step")
    person.choose("undo")
    person.wait_for(lambda: "Teach" not in step_of(person), what="what is undone is to be done")
    person.choose("redo")
    person.wait_for(lambda: "Teach" in step_of(person), what="the third step again")

    # Steps are waited for, not seconds: on a busy machine a few seconds are over before the first.
    steps: list[int] = []
    person.session.finetune.progressed.connect(lambda progress: steps.append(progress.step))
    person.session.finetune.plan = person.session.finetune.plan.with_seconds(600)
    person.press(Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    person.wait_for(lambda: "is learning" in tour.text, what="it is said that the model learns")
    person.wait_for(lambda: steps and steps[-1] > 3, what="a few steps")
    person.session.finetune.finish()
    person.wait_for(lambda: not person.session.finetune.is_running, what="the end of the training")
    assert asked, "the question that the tour spoke of"
    assert "That is all" in tour.text or "not better yet" in tour.text
    button(person, "Close" if "That is all" in tour.text else "Leave the tour").click()
    assert not tour.isVisible()
    assert (person.mask == 1).any(), "what was done in it stays"


def test_it_can_be_left_at_any_time_and_begun_again(person: Person) -> None:
    tour = person.window.tour
    person.choose("tour")
    person.wait_for(lambda: "an outline shows" in tour.text, what="the first step")
    image_id = person.image_id
    person.segment((225.0, 150.0))
    button(person, "Leave the tour").click()
    assert not tour.isVisible()
    person.press(Qt.Key.Key_Return)
    person.wait_for(lambda: (person.mask == 1).any(), what="the object is accepted without the tour, too")
    assert not tour.isVisible()

    person.choose("tour")
    assert person.image_id == image_id, "an image that is open is not left"
    assert "Point" in step_of(person), "what was labelled before does not count"


def test_it_says_when_nothing_was_gained_and_when_it_is_over() -> None:
    def after(is_better: bool) -> TourState:
        result = FineTuneResult("v1.safetensors", "v1", 0.5, 0.6, is_better, 1.0)  # type: ignore[arg-type]
        return TourState(True, True, False, True, False, result)

    assert after(False).step == TEACH
    assert "not better yet" in tour_text(after(False))
    with_older_labels = replace(after(False), has_labels=False)
    assert with_older_labels.step == TEACH, "it may have learned from what was labelled before the tour"
    assert "not better yet" in tour_text(with_older_labels)
    assert replace(after(False), has_clicks=True).step == CORRECT
    assert after(True).step == OVER
    assert "“v1”" in tour_text(after(True))
