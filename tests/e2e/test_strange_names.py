"""Names that are no text: of images, folders and projects; they cost nothing, and least of all the settings."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.log import start_log, state_folder, stop_log
from latentseg_gui.app.preferences import load_preferences, preferences_path
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.controllers.training.weights import WeightsController
from tests.e2e.conftest import Witness
from tests.e2e.person import Person
from tests.leaks import no_leaks

pytestmark = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="names are text there, whatever a program does"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture, both with names that are no UTF-8."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "plain.png")
    (folder / "plain.png").rename(folder / os.fsdecode(b"fa\xe7ade.png"))
    return folder


def test_a_name_that_is_no_text_costs_neither_settings_nor_the_shutdown(
    qtbot: QtBot, own_home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeightsController, "activate_shipped", lambda self: None)  # no model is needed here
    (image,), work, opened = folder.iterdir(), folder / "work", folder
    for turn in range(2):
        with no_leaks():
            application.application()
            reporter = Reporter()
            told = Witness(reporter)
            session = application.start(reporter, [opened])
            person = Person(session)
            try:
                person.wait_for(lambda person=person: person.image_id is not None, 20)
                monkeypatch.setattr(session.dialogs, "choose_new_folder", lambda *_: work)
                monkeypatch.setattr(session.dialogs, "choose_action", lambda *_: "discard")
                person.choose("tool_brush")
                person.drag((10.0, 20.0), (60.0, 20.0 + 10 * turn))
                person.choose("save_project")
                person.wait_for(lambda session=session: not session.document.is_dirty, 20, "it is saved")
                session.preferences.theme = "light"
                assert person.window.close()
            finally:
                application.finish(session)
        assert not told.errors
        preferences, error = load_preferences(preferences_path())
        assert error is None
        assert preferences.theme == "light"
        assert preferences.recent[0] == str(work)
        assert Path(preferences.recent[0]).is_dir()
        assert json.loads((work / "project.json").read_text())["images"][0]["path_hex"]
        opened = work
    assert image.exists()


def test_whatever_the_settings_hold_the_window_ends_in_order(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(session, "shutdown", lambda: ended.append(True))
    monkeypatch.setattr(session.window, "layout_texts", lambda: 1 / 0)
    application.finish(session)
    assert ended
    monkeypatch.undo()


def test_the_state_folder_is_for_its_owner_only(
    qtbot: QtBot, own_home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeightsController, "activate_shipped", lambda self: None)
    own_home.chmod(0o755)
    state_folder().mkdir(parents=True)
    (state_folder() / "latentseg.log").touch(0o644)
    start_log(state_folder())
    try:
        with no_leaks():
            application.application()
            session = application.start(Reporter(), [folder])
            person = Person(session)
            try:
                person.wait_for(lambda: person.image_id is not None, 20)
                person.choose("tool_brush")
                person.drag((10.0, 20.0), (60.0, 20.0))
                kept = [state_folder(), *state_folder().rglob("*")]
                assert any(path.name.startswith("journal-") for path in kept)
                open_to_others = [path for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077]
                assert open_to_others == []
                monkeypatch.setattr(session.dialogs, "choose_action", lambda *_: "discard")
                assert person.window.close()
            finally:
                application.finish(session)
    finally:
        stop_log()
