"""The look that is chosen from the menu: in force at once, ticked, remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPlainTextEdit
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main
from latentseg_gui.app.actions import ACTIONS
from latentseg_gui.app.preferences import load_preferences, preferences_path
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.panels.roles import is_dark
from latentseg_gui.panels.widgets import SliderField
from tests.leaks import no_leaks

THEMES = ("theme_system", "theme_dark", "theme_light")


def ticked(session: Session) -> list[str]:
    return [name for name in THEMES if session.window.action[name].isChecked()]


def test_a_theme_is_in_force_at_once_ticked_and_remembered(composed: Session) -> None:
    assert ticked(composed) == ["theme_dark"]
    composed.window.action["theme_light"].trigger()
    assert not is_dark(composed.window.canvas.palette())
    assert ticked(composed) == ["theme_light"]
    assert load_preferences(preferences_path())[0].theme == "light"
    composed.window.action["theme_light"].trigger()
    assert ticked(composed) == ["theme_light"], "one of them is always ticked"
    composed.window.action["theme_dark"].trigger()
    assert is_dark(composed.window.palette())
    assert load_preferences(preferences_path())[0].theme == "dark"


def test_what_the_pointer_reads_keeps_off_the_edge_in_every_theme(composed: Session) -> None:
    window = composed.window
    label = next(each for each in window.findChildren(QLabel) if each.accessibleName() == "Under the cursor")

    def read(text: str) -> None:
        window.set_cursor_text(text)
        for _ in range(4):
            QApplication.processEvents()

    for theme in ("theme_light", "theme_dark", "theme_light"):
        read("")
        window.action[theme].trigger()
        read("MMM")
        drawn = label.grab().toImage()
        rows, ground = range(drawn.height()), drawn.pixelColor(0, 0)
        inked = [x for x in range(drawn.width()) if any(drawn.pixelColor(x, y) != ground for y in rows)]
        assert inked[0] >= 6, theme


def test_what_can_be_on_shows_a_tick_in_the_menu_and_no_icon(composed: Session) -> None:
    actions = [composed.window.action[spec.name] for spec in ACTIONS if spec.is_checkable]
    assert len(actions) > 20
    assert all(each.isCheckable() and not each.isIconVisibleInMenu() for each in actions)


def test_the_self_test_of_the_device_menu_shows_what_doctor_finds(composed: Session, qtbot: QtBot) -> None:
    def report() -> QDialog | None:
        shown = [each for each in composed.window.findChildren(QDialog) if each.isVisible()]
        return next((each for each in shown if each.windowTitle() == "Self-test"), None)

    composed.window.device.self_test_requested.emit()
    assert composed.window.jobs.job_ids == ("self-test",)
    qtbot.waitUntil(lambda: report() is not None, timeout=120_000)
    dialog = report()
    assert dialog is not None
    text = dialog.findChildren(QPlainTextEdit)[0].toPlainText()
    assert "Python 3" in text
    assert "weights:" in text
    assert composed.window.jobs.job_ids == ()
    dialog.reject()


def test_a_self_test_that_is_given_up_leaves_nothing_behind(composed: Session) -> None:
    with no_leaks():
        composed.self_test.run()
        composed.window.jobs.cancel_requested.emit("self-test")
        assert not composed.self_test.is_running
        loop = QEventLoop()
        QTimer.singleShot(0, loop.quit)  # the process that was killed is deleted
        loop.exec()
    assert not [each for each in QApplication.topLevelWidgets() if each.windowTitle() == "Self-test"]


def test_a_self_test_that_cannot_start_is_said(composed: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[LatentsegError] = []
    composed.reporter.reported.connect(told.append)
    monkeypatch.setattr("latentseg_gui.workers.program.sys.executable", "/nowhere/python")
    composed.self_test.run()
    for _ in range(200):
        if told:
            break
        QApplication.processEvents()
    assert "could not be run" in told[0].what
    assert composed.window.jobs.job_ids == ()


@pytest.mark.parametrize("lane", ["engine", "training"])
def test_a_process_that_does_not_come_back_is_said(composed: Session, lane: str) -> None:
    getattr(composed.lanes, lane).lane_state_changed.emit("broken")
    (message,) = composed.window.messages.messages
    assert "stopped several times in a row" in message.what
    assert "self-test" in message.action
    assert ("stopped" in composed.window.device.text()) == (lane == "engine")


def test_the_opacity_of_masks_stands_as_it_was_left(
    qtbot: QtBot, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WeightsController, "activate_shipped", lambda self: None)  # no model is needed here
    for before, after in ((45, 20), (20, 100)):
        with no_leaks():
            main.application()
            session = main.start(Reporter())
            display = session.window.options.display
            slider = next(each for each in display.parts if isinstance(each, SliderField))
            assert slider.value == before
            assert session.window.canvas._stack.opacity == before / 100
            slider.changed.emit(after)
            main.finish(session)
    assert load_preferences(preferences_path())[0].overlay_opacity == 1
