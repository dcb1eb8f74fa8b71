"""Clicks that were not accepted yet are there again: after closing and opening, and after a crash."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from tests.e2e.kept_weights import Answers, save, window
from tests.e2e.person import RIGHT, Person

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def disks(tmp_path: Path) -> Path:
    pixels = np.full((120, 200, 3), 60, np.uint8)
    rows, cols = np.mgrid[:120, :200]
    for x, y in ((50.5, 60.5), (140.5, 60.5)):
        pixels[np.hypot(rows + 0.5 - y, cols + 0.5 - x) < 22] = (220, 180, 60)
    pixels = (pixels + np.random.default_rng(0).normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "disks.png")
    return tmp_path / "disks.png"


def point(person: Person) -> None:
    """A box round one disk, and two clicks for the other."""
    person.wait_for(lambda: person.canvas.image.is_shown, what="the image")
    person.choose("tool_click")
    person.drag((23, 33), (50, 60), (77, 87))
    person.wait_for_proposal()
    person.drag((113, 33), (140, 60), (167, 87))
    person.wait_for_proposal()
    person.click((140.5, 75.5))
    person.click((100.5, 20.5), RIGHT)
    person.wait_for_proposal()


def is_as_it_was(person: Person) -> bool:
    prompts, image_id = person.session.document.prompts, person.image_id
    if image_id is None or len(prompts.earlier(image_id)) != 1:
        return False
    (before,), now = prompts.earlier(image_id), prompts.proposal(image_id)
    is_answered = now is not None and now.prompts == prompts.of(image_id) and not now.is_refining
    return is_answered and before.proposal is not None and not before.proposal.is_refining


def accepted(person: Person) -> np.ndarray:
    person.choose("accept")
    return person.mask == 1


def test_a_saved_project_opens_with_its_clicks_and_their_proposals(
    qtbot: QtBot, own_home: Path, disks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(monkeypatch)
    with window(disks) as (person, told):
        person.wait_for(lambda: person.session.weights.live is not None, what="the model")
        person.choose("tool_brush")
        person.drag((10.0, 110.0), (20.0, 110.0))
        save(person, answers, tmp_path / "work")
        point(person)
        assert person.window.close(), "clicks alone are nothing to be asked about"
        assert not told.errors
    with window(tmp_path / "work") as (person, told):
        person.wait_for(lambda: is_as_it_was(person), what="clicks and proposals are there again")
        points = person.session.document.prompts.of(str(person.image_id)).points
        assert [each.is_positive for each in points] == [True, False]
        assert person.canvas.prompts.markers.prompts.points == points
        assert not person.session.storage.has_unsaved
        mask = accepted(person)
        assert mask[60, 50]
        assert mask[60, 140]
        person.choose("save_project")
        person.wait_for(lambda: not person.session.document.is_dirty, what="it is saved")
        assert person.window.close()
        assert not told.errors
    with window(tmp_path / "work") as (person, _):
        person.wait_for(lambda: person.image_id is not None, what="the project")
        assert person.session.document.prompts.is_idle(str(person.image_id)), (
            "what was accepted waits no more"
        )
        assert (person.mask == 1)[60, 50]


def test_a_crash_takes_no_clicks_and_says_that_there_were_some(
    qtbot: QtBot, own_home: Path, disks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def restore(self: object, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str:
        asked.append(text)
        return "discard" if title == "Close latentseg" else "restore"

    monkeypatch.setattr("latentseg_gui.app.dialogs.QtDialogs.choose_action", restore)
    with window(disks) as (person, _):
        person.wait_for(lambda: person.session.weights.live is not None, what="the model")
        point(person)
        shutil.copytree(own_home, tmp_path / "killed")  # what a kill at this moment would leave on the disk
        person.choose("cancel")
        assert person.window.close()
    for lock in (tmp_path / "killed").rglob("*lock*"):
        lock.unlink()
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "killed"))
    with window() as (person, told):
        person.wait_for(lambda: is_as_it_was(person), what="clicks and proposals are there again")
        assert "clicks on disks.png that were not accepted" in asked[-1]
        mask = accepted(person)
        assert mask[60, 50]
        assert mask[60, 140]
        assert not told.errors


def test_clicks_that_came_and_went_are_nothing_to_be_asked_about(
    qtbot: QtBot, own_home: Path, disks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "latentseg_gui.app.dialogs.QtDialogs.choose_action", lambda self, title, text, _: asked.append(text)
    )
    with window(disks) as (person, _):
        person.wait_for(lambda: person.session.weights.live is not None, what="the model")
        person.segment((50.5, 60.5))
        person.choose("cancel")
        shutil.copytree(own_home, tmp_path / "killed")
        assert person.window.close()
    for lock in (tmp_path / "killed").rglob("*lock*"):
        lock.unlink()
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "killed"))
    with window() as (person, _):
        person.wait_for(lambda: person.session.weights.live is not None, what="the model")
        person.wait_for(lambda: person.session.lanes.files.is_idle, what="what was left behind is looked at")
        assert asked == []
