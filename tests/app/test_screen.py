"""Without a screen a sentence, on small ones the whole window."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PySide6.QtCore import QMargins, QRect
from pytestqt.qtbot import QtBot

from latentseg_gui.app.geometry import FRAME, WANTED, bring_onto_screen, first_place
from latentseg_gui.app.main import require_screen
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.session import Session
from latentseg_gui.document.errors import LatentsegError

BAR = 40
"""Height of the desktop's own bar."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a screen")
@pytest.mark.parametrize("display", ["", ":4711", "nowhere.invalid:0"])
def test_a_start_without_a_screen_ends_in_a_sentence(display: str) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if display:
        environment["DISPLAY"] = display
    outcome = subprocess.run(
        [sys.executable, "-m", "latentseg_gui"], env=environment, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 2
    (line,) = outcome.stderr.strip().splitlines()
    assert line.startswith("latentseg: ")
    assert "screen" in line
    assert "ssh -X" in line
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize("name", ["QT_QPA_PLATFORM", "WAYLAND_DISPLAY"])
def test_what_qt_can_do_without_x_is_left_to_it(name: str) -> None:
    require_screen({name: "something"})


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    require_screen({})


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("latentseg_gui.app.main._answers", lambda display: True)
    monkeypatch.setattr("latentseg_gui.app.main._loads", lambda library: False)
    with pytest.raises(LatentsegError, match="libxcb-cursor"):
        require_screen({"DISPLAY": ":0"})


@pytest.mark.parametrize("factor", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize(
    "screen", [(1366, 768), (1280, 800), (1920, 1080), (2560, 1600), (1024, 768)], ids=str
)
def test_the_first_window_fits_the_screen_with_its_frame(
    screen: tuple[int, int], factor: float, qtbot: QtBot
) -> None:
    width, height = (int(side / factor) for side in screen)
    if width < 800 or height < 480:
        pytest.skip("smaller than the window can be")
    window = MainWindow()
    qtbot.addWidget(window)
    available = QRect(0, 0, width, height - BAR)
    place = first_place(available, window.minimumSizeHint())
    assert available.contains(place.marginsAdded(FRAME))
    assert place.size() == WANTED or place.width() == width - 16 or place.height() == height - BAR - 48
    second = QRect(1920, 100, width, height)
    assert second.contains(first_place(second, window.minimumSizeHint()).marginsAdded(FRAME))


def test_a_new_window_is_no_larger_than_its_screen(qtbot: QtBot) -> None:
    window = MainWindow()
    qtbot.addWidget(window)
    assert window.screen().availableGeometry().contains(window.geometry().marginsAdded(FRAME))


@pytest.mark.parametrize(
    "place", [(-500, -300, 900, 600), (5000, 4000, 900, 600), (0, 0, 4000, 3000)], ids=str
)
def test_a_window_that_was_left_elsewhere_comes_back(composed: Session, place: tuple[int, ...]) -> None:
    window = composed.window
    window.setGeometry(*place)
    bring_onto_screen(window)
    available = window.screen().availableGeometry()
    least = window.minimumSizeHint()
    assert available.contains(window.geometry().topLeft())
    assert window.width() <= max(available.width(), least.width())
    if least.width() < available.width() - 20 and least.height() < available.height() - 60:
        assert available.contains(window.geometry())


def test_one_that_fits_stays_where_it_is(composed: Session) -> None:
    window = composed.window
    window.setGeometry(window.screen().availableGeometry().marginsRemoved(QMargins(20, 60, 20, 20)))
    before = window.geometry()
    bring_onto_screen(window)
    assert window.geometry() == before
