"""Which network suits my images: several learn beside the window, a table says how they did, one click takes one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.training import ComparisonWish, NetworksDialog
from tests.e2e.kept_weights import Answers, live, save, window
from tests.e2e.person import Person

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def label(person: Person, photo: Path) -> None:
    person.open(photo)
    person.wait_for(lambda: person.session.weights.live is not None, what="the model")
    person.choose("tool_brush")
    person.session.tool.set_diameter(40)
    person.session.classes.choose_class(1)
    person.drag((200.0, 120.0), (240.0, 120.0), (240.0, 160.0))
    person.session.classes.choose_class(0)
    person.drag((420.0, 40.0), (470.0, 40.0), (470.0, 90.0))


def start(person: Person, networks: tuple[str, ...], seconds: float) -> NetworksDialog:
    person.choose("compare_networks")
    dialog = person.session.comparing.dialog
    assert dialog is not None
    dialog.set_wish(ComparisonWish(networks, seconds))
    person.wait_for(dialog._start.isEnabled, what="it can begin")
    dialog._start.click()
    person.wait_for(lambda: person.session.comparing.is_running, what="it has begun")
    return dialog


def weights_of(person: Person) -> list[Path]:
    return sorted(person.session.own_versions.folder.glob("*.safetensors"))


def test_the_best_of_two_is_used_and_the_next_comparison_is_cancelled_half_way(
    qtbot: QtBot, own_home: Path, answers: Answers, skimage_photo: Path, tmp_path: Path
) -> None:
    with window() as (person, told):
        session = person.session
        label(person, skimage_photo)
        dialog = start(person, ("fcn", "unet"), 8)
        person.choose("finetune")
        assert told.sentences[-1] == "Networks are being compared. Fine-tuning starts when that is done."
        session.finetune.cancel()
        person.drag((300.0, 200.0), (340.0, 200.0))  # the window is alive
        person.wait_for(lambda: session.comparing.outcome.outcomes, 400, "both have learned")
        assert dialog.table.rowCount() == 2
        assert len(weights_of(person)) == 2
        scores = [float(dialog.table.item(row, 1).text()) for row in (0, 1)]
        assert scores == sorted(scores, reverse=True)
        person.wait_for(
            lambda: not any(each.is_waited_for for each in dialog.pictures.shown), what="what they see"
        )
        assert dialog.pictures.shown[0].title == "Your labels"
        assert len(dialog.pictures.shown) == 3
        best = dialog.table.item(0, 0).text()
        assert best in dialog._use.text()
        assert live(session) == "shipped", "nothing is in use before it is taken"
        dialog._use.click()
        person.wait_for(lambda: live(session) == "v1", what="the best is in use")
        assert session.weights.versions["v1"].network == best
        dialog._use.click()
        person.wait_for(lambda: session.lanes.engine.is_idle)
        assert list(session.weights.versions) == ["shipped", "v1"], "pressed twice, taken once"
        save(person, answers, tmp_path / "work")
        session.weights.activate("shipped")
        person.wait_for(lambda: live(session) == "shipped", what="others are in use")
        dialog._use.click()
        person.wait_for(
            lambda: live(session) == "v1", what="it is taken from the list, where the project has it"
        )
        assert list(session.weights.versions) == ["shipped", "v1"]
        start(person, ("fcn", "unet"), 600)
        person.wait_for(lambda: dialog._progress.value() > 0, what="the first learns")
        dialog.close()
        assert session.comparing.is_running, "it goes on behind"
        person.choose("compare_networks")
        dialog._cancel.click()
        person.wait_for(lambda: not session.comparing.is_running, 30, "it has ended")
        assert weights_of(person) == [session.weights.versions["v1"].path]
        assert live(session) == "v1"
        assert dialog.table.rowCount() == 0
        assert not session.finetune.obstacle()
        start(person, ("attention-cnn",), 1)
        person.wait_for(lambda: session.comparing.outcome.outcomes, 400, "it has learned")
        assert dialog.table.rowCount() == 1
        person.choose("save_project")
        person.wait_for(lambda: told.sentences[-1] == "Saved “work”.", what="the project is saved")
        shutil.copytree(tmp_path / "work", tmp_path / "another")
        session.images.open([tmp_path / "another"])
        person.wait_for(
            lambda: not session.comparing.outcome.outcomes, what="its rows are gone with its images"
        )
        assert dialog.table.rowCount() == 0
        assert not dialog.pictures.shown
        assert not list(session.own_versions.folder.glob("compared-*-attention-cnn.safetensors"))
        assert not told.errors


def test_closing_the_window_half_way_asks_and_leaves_nothing(
    qtbot: QtBot, own_home: Path, answers: Answers, skimage_photo: Path
) -> None:
    """That no process and no thread is left is what the window checks at its end."""
    with window() as (person, told):
        label(person, skimage_photo)
        dialog = start(person, ("fcn", "unet"), 600)
        person.wait_for(lambda: dialog._progress.value() > 0, what="the first learns")
        answers.is_confirmed, answers.action = False, None
        assert not person.window.close()
        assert any("Networks are being compared" in each for each in answers.asked)
        assert person.session.comparing.is_running, "a refusal changes nothing"
        folder = person.session.own_versions.folder
        assert not told.errors
    assert not folder.exists()
