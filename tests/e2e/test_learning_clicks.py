"""Ten objects are accepted, clicks learn from them beside the work, and one click goes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from latentseg_gui.commands.prediction.proposals import accept_proposal
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from tests.e2e.kept_weights import Answers, live, save, window
from tests.e2e.person import Person

pytestmark = pytest.mark.timeout(900)

TAUGHT = "shipped + clicks 1"
STEP, RADIUS = 66, 20


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def rings(path: Path) -> Path:
    """Twelve rings on noise, which are objects together with their holes."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(80, 140, (3 * STEP, 4 * STEP, 3)).astype(np.uint8)
    rows, cols = np.mgrid[: 3 * STEP, : 4 * STEP]
    away = np.hypot(rows % STEP - STEP / 2, cols % STEP - STEP / 2)
    pixels[(away < RADIUS) & (away > RADIUS - 6)] = (200, 60, 60)
    Image.fromarray(pixels).save(path)
    return path


def accept(person: Person, count: int, first: int = 0) -> None:
    """Accepts rings as objects, from one to before another."""
    assert person.image_id is not None
    side = 2 * RADIUS + 1
    rows, cols = np.mgrid[:side, :side] - RADIUS
    disk = np.hypot(rows, cols) < RADIUS
    for number in range(first, count):
        top, left = (STEP * each + STEP // 2 - RADIUS for each in divmod(number, 4))
        rect = Rect(top, left, top + side, left + side)
        proposal = MaskProposal(person.image_id, "shipped", rect, disk, 0.9, PromptSet())
        patch = accept_proposal(person.session.document, proposal, 1)
        assert patch is not None
        person.session.history.do(patch)


def watched(person: Person) -> list[str]:
    """What the user is offered from now on."""
    offers: list[str] = []
    person.session.reporter.suggested.connect(lambda error, *_: offers.append(error.what))
    return offers


def test_ten_accepted_objects_are_learned_from_kept_and_left_with_one_click(
    qtbot: QtBot, own_home: Path, answers: Answers, tmp_path: Path
) -> None:
    with window(rings(tmp_path / "rings.png")) as (person, told):
        session = person.session
        person.wait_for(
            lambda: session.weights.live is not None and person.canvas.image.is_shown, what="the model"
        )
        offers = watched(person)
        accept(person, 9)
        person.wait_for(lambda: session.click_learning.accepted == 9, 30, "nine are counted")
        assert offers == []
        accept(person, 12, first=9)
        person.wait_for(lambda: offers, 30, "it is offered")
        assert offers == ["Clicks can learn from your 12 objects."]
        session.click_learning.seconds = 120.0  # others work on this machine, too
        person.choose("learn_clicks")
        person.wait_for(lambda: session.click_learning.is_running, what="it has begun")
        person.choose("finetune")
        assert told.sentences[-1] == "Clicks are learning. Fine-tuning starts when that is done."
        session.finetune.cancel()
        person.segment((4 * STEP - STEP / 2, 3 * STEP - STEP / 2))  # the window is alive
        person.wait_for(lambda: live(session) == TAUGHT, 400, f"clicks have learned: {told.sentences}")
        assert any("Clicks learned from" in each and "instead of" in each for each in told.sentences)
        assert session.display.options.layers == "mask", "no class was taught, so no prediction is shown"
        assert not any("also know classes" in each for each in told.sentences)
        assert session.evaluation.measuring.weights is None, (
            "nor is there a class whose figures could be told"
        )
        version = session.weights.versions[TAUGHT]
        assert "Clicks learned from" in version.validated_on
        save(person, answers, tmp_path / "work")
        assert person.window.close()
        assert not told.errors
    with window(tmp_path / "work") as (person, told):
        session = person.session
        person.wait_for(lambda: live(session) == TAUGHT, what="the version in use is in use again")
        assert "Clicks learned from" in session.weights.versions[TAUGHT].validated_on
        session.weights.activate_shipped()
        person.wait_for(lambda: live(session) == "shipped", what="back with one click")
        assert not told.errors


def test_learning_is_cancelled_like_a_training_and_says_what_is_missing(
    qtbot: QtBot, own_home: Path, answers: Answers, tmp_path: Path
) -> None:
    with window(rings(tmp_path / "rings.png")) as (person, told):
        session = person.session
        person.wait_for(
            lambda: session.weights.live is not None and person.canvas.image.is_shown, what="the model"
        )
        person.choose("learn_clicks")
        assert "Accept a few objects first" in told.sentences[-1]
        accept(person, 3)
        person.choose("learn_clicks")
        person.wait_for(lambda: told.errors, what="too few")
        assert "Clicks cannot learn from 3 objects" in told.errors[-1].what
        assert "Clicks stay as they were" in told.errors[-1].action
        assert not session.click_learning.is_running
        accept(person, 8, first=3)
        session.click_learning.seconds = 600.0
        titles: list[str] = []
        session.click_learning._training.began.connect(lambda _, title: titles.append(title))
        person.choose("learn_clicks")
        person.wait_for(
            lambda: any("objects measured" in each for each in titles), 120, "what is done is said"
        )
        session.click_learning.cancel()
        person.wait_for(lambda: not session.click_learning.is_running, 60, "it has ended")
        assert any("was cancelled; clicks stay" in each for each in told.sentences)
        assert live(session) == "shipped"
        assert list(session.weights.versions) == ["shipped"]
        assert not session.finetune.awaited().startswith("Clicks are learning")
