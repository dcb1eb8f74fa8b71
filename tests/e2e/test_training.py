"""Fine-tuning as a person meets it: pause and finish, live refit, what training sees, where to go next."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QSpinBox, QToolButton

from latentseg_gui.app.session import Session
from tests.e2e.conftest import Witness
from tests.e2e.person import Person


def correct_two_classes(person: Person) -> None:
    person.choose("tool_brush")
    person.session.tool.set_diameter(30)
    person.session.classes.choose_class(1)
    person.drag((200.0, 120.0), (240.0, 120.0), (240.0, 160.0))
    person.session.classes.choose_class(0)
    person.drag((420.0, 40.0), (470.0, 40.0), (470.0, 90.0))


def button(session: Session, text: str) -> QPushButton:
    return next(each for each in session.window.training.findChildren(QPushButton) if each.text() == text)


@pytest.fixture
def painted(person: Person, skimage_photo: Path) -> Person:
    person.open(skimage_photo)
    person.wait_for_prediction()
    correct_two_classes(person)
    return person


def test_a_run_is_held_goes_on_and_is_finished_before_its_time(painted: Person) -> None:
    session = painted.session
    session.window.show_panel("training")
    steps: list[int] = []
    ended: list[object] = []
    session.finetune.progressed.connect(lambda progress: steps.append(progress.step))
    session.finetune.ended.connect(ended.append)
    session.window.training.set_speed("quick", 600)
    painted.wait_for(lambda: session.finetune.samples.counts.is_complete, what="labels are counted")
    painted.wait_for(lambda: button(session, "Start").isEnabled(), what="it may start")
    button(session, "Start").click()
    painted.wait_for(lambda: steps and steps[-1] > 5, what="steps")
    button(session, "Pause").click()
    assert session.finetune.is_paused
    held = -1
    for _ in range(10):  # the step that was under way may take its time, and its report as well
        held = len(steps)
        QTest.qWait(1000)
        if len(steps) == held:
            break
    assert len(steps) == held, "no step while it is held"
    button(session, "Go on").click()
    painted.wait_for(lambda: len(steps) > held, what="more steps")
    button(session, "Finish").click()
    painted.wait_for(lambda: ended, what="the end")
    assert ended[0] is not None
    assert "v1" in session.weights.versions


def test_what_training_sees_is_shown_on_request(painted: Person) -> None:
    session = painted.session
    button(session, "Show what training sees").click()
    painted.wait_for(lambda: button_exists(session, "Draw others"), what="crops")


def button_exists(session: Session, text: str) -> bool:
    return any(each.text() == text for each in session.window.training.findChildren(QPushButton))


def test_live_refit_changes_the_overlay_without_being_asked(painted: Person) -> None:
    session = painted.session
    painted.wait_for(lambda: session.inspect.maps is not None, what="maps of the experts")
    maps = session.inspect.maps
    assert maps is not None
    painted.choose("live")
    image_id = painted.image_id
    assert image_id is not None
    painted.wait_for(lambda: any(v.is_refit for v in session.weights.versions.values()), what="a refit")
    first = session.document.predictions.of(image_id)
    assert first is not None
    painted.drag((60.0, 300.0), (90.0, 300.0))

    def is_refitted() -> bool:
        now = session.document.predictions.of(image_id)
        return now is not None and now.version not in ("shipped", first.version)

    painted.wait_for(is_refitted, what="a prediction of refitted weights")
    painted.wait_for(lambda: not session.finetune.is_running and session.lanes.engine.is_idle)
    kept = session.inspect.maps
    assert kept is not None, "a refit leaves the experts as they are, and what is shown of them"
    assert kept.mix is maps.mix
    assert kept.version == session.inspect.labels.version != maps.version
    refits = [version for version in session.weights.versions.values() if version.is_refit]
    assert len(refits) <= 3, "few refits are kept"


def test_buttons_stay_while_strokes_are_learned_and_start_waits_for_the_refit(painted: Person) -> None:
    session = painted.session
    session.window.show_panel("training")
    session.window.training.set_speed("quick", 5)
    seen: list[tuple[bool, bool]] = []

    def look() -> None:
        start, cancel = button(session, "Start"), button(session, "Cancel")
        seen.append((start.isVisible() and start.isEnabled(), cancel.isVisible()))

    session.finetune.state_changed.connect(look)
    painted.choose("live")
    painted.wait_for(lambda: session.finetune.is_refitting, what="a refit")
    assert set(seen) == {(True, False)}
    button(session, "Start").click()
    assert seen[-1] == (False, True), "it waits, and can be taken back"
    assert session.finetune.is_refitting
    painted.wait_for(
        lambda: session.finetune.is_running and not session.finetune.is_refitting, what="the run itself"
    )
    assert button(session, "Cancel").isVisible()
    button(session, "Cancel").click()
    painted.wait_for(lambda: not session.finetune.is_running, what="the end")
    assert [version.is_refit for version in session.weights.versions.values()] == [False, True]


def test_live_refit_says_what_it_waits_for(person: Person, skimage_photo: Path, told: Witness) -> None:
    session = person.session

    person.open(skimage_photo)
    person.wait_for_prediction()
    person.choose("live")
    person.wait_for(lambda: told.sentences, what="a word about what is missing")
    assert "Live refit is on" in told.sentences[0]
    assert "Paint or accept a mask" in told.sentences[0]
    session.classes.choose_class(1)
    person.choose("tool_brush")
    person.drag((200.0, 120.0), (240.0, 120.0))
    QTest.qWait(500)
    assert len(told.sentences) == 1, "once is enough"
    assert not session.finetune.is_running


def test_what_the_panel_shows_is_what_a_key_starts(painted: Person) -> None:
    session = painted.session
    session.window.show_panel("training")
    thorough = next(b for b in session.window.training.findChildren(QToolButton) if b.text() == "Thorough")
    thorough.click()
    time = next(b for b in session.window.training.findChildren(QSpinBox) if b.accessibleName() == "Time")
    painted.come_to_front()
    time.setFocus()
    time.selectAll()
    QTest.keyClicks(time, "95")  # no Enter: whoever is in a hurry goes on with the next key
    QTest.keyClick(time, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert session.finetune.is_running
    assert (session.finetune.plan.speed, session.finetune.plan.seconds) == ("thorough", 95.0)
    session.finetune.cancel()


def test_a_key_jumps_to_the_region_where_a_correction_teaches_most(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    session = person.session
    person.choose("next_uncertain_region")
    assert any("Nothing is ranked" in sentence for sentence in told.sentences)
    person.open(skimage_photo)
    person.wait_for_prediction()
    person.wait_for(lambda: session.uncertain_regions.regions, what="the image is ranked")
    place = session.uncertain_regions.regions[0]
    person.press(Qt.Key.Key_N)
    middle = (place.rect.col0 + place.rect.col1) / 2, (place.rect.row0 + place.rect.row1) / 2
    shown = person.at(middle)
    assert abs(shown.x() - person.canvas.width() / 2) < person.canvas.width() / 4
    assert session.window.canvas.camera.zoom > 0
    session.edit.mark_current_reviewed()
    person.wait_for(
        lambda: not session.uncertain_regions.regions, what="what is labelled is uncertain no more"
    )
    told.sentences.clear()
    person.choose("next_uncertain_region")
    assert "No uncertain region is left" in told.sentences[-1]


def test_closing_while_it_trains_asks_and_then_leaves_no_process(
    painted: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M-10; that no process and no thread is left is what the fixture checks at the end."""
    session = painted.session
    questions: list[str] = []

    def refuse(title: str, text: str, *rest: object) -> object:
        questions.append(text)
        return None

    monkeypatch.setattr(session.dialogs, "confirm", refuse)
    monkeypatch.setattr(session.dialogs, "choose_action", refuse)
    steps: list[object] = []
    session.finetune.progressed.connect(steps.append)
    session.finetune.plan = session.finetune.plan.with_seconds(600.0)
    painted.choose("finetune")
    painted.wait_for(lambda: steps, what="the first step")
    session.window.close()
    assert any("fine-tuning is running" in text for text in questions)
    assert session.finetune.is_running, "a refusal changes nothing"
    started = monotonic()
    session.lanes.training.shutdown()
    assert monotonic() - started < 2
