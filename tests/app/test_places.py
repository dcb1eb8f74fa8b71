"""Where things are in the window: the picture stays in its place, the window on its screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentseg_gui.app.actions import ACTIONS
from latentseg_gui.app.session import Session
from latentseg_gui.panels.feedback import Message

TOOLS = [spec.name for spec in ACTIONS if spec.is_tool]
SIZES = [(1366, 768), (1600, 1000), (1280, 800), (1920, 1080), (900, 600)]


def picture_place(session: Session) -> QRect:
    """The canvas, in pixels of the window, once all layouts have come to rest."""
    for _ in range(3):
        QApplication.processEvents()
    canvas = session.window.canvas
    return QRect(canvas.mapTo(session.window, QPoint(0, 0)), canvas.size())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_picture_stays_where_it_is_whatever_tool_is_taken(
    composed: Session, size: tuple[int, int]
) -> None:
    window, session = composed.window, composed
    window.resize(*size)
    session.images.paste(np.full((300, 400, 3), 90, np.uint8))
    places, views = {}, {}
    for name in TOOLS:
        window.action[name].trigger()
        places[name] = picture_place(session)
        views[name] = (window.canvas.camera.viewport.scale, window.canvas.camera.viewport.offset)
    assert len(set(map(str, places.values()))) == 1, places
    assert len(set(views.values())) == 1, views
    place = places["tool_click"]
    for message in (Message("It went wrong. " * 40, "Do something else. " * 20, "Traceback"), None):
        window.messages.show_message(message) if message else window.messages.clear()
        assert picture_place(session) == place
        strip = QRect(window.messages.mapTo(window, QPoint(0, 0)), window.messages.size())
        assert not strip.intersects(place), "nothing that is said covers the picture"


def test_the_picture_does_not_move_when_something_runs(composed: Session) -> None:
    window = composed.window
    window.resize(1366, 768)
    before = picture_place(composed)
    window.jobs.set_job("one", "Encoding", 0.3)
    assert picture_place(composed) == before
    window.jobs.set_job("two", "Predicting")
    window.set_timing_text("predicted in 0.02 s")
    window.set_cursor_text("x 1  y 2   object 97 % (predicted)")
    window.device.set_device("model stopped", "It stopped.")
    assert picture_place(composed) == before
    for job in ("one", "two"):
        window.jobs.finish_job(job)
    assert picture_place(composed) == before


SCRIPT = """
import json
from PySide6.QtCore import QPoint, QRect
from latentseg_gui.app.main import application
from latentseg_gui.app.actions import ACTIONS
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.compose import compose
from latentseg_gui.app.theme import apply_theme
app = application()
apply_theme(app, "dark")
session = compose(Preferences(), Reporter())
window, canvas = session.window, session.window.canvas
window.resize(1280, 800)
window.show()
places = []
for spec in ACTIONS:
    if spec.is_tool:
        window.action[spec.name].trigger()
        for _ in range(3):
            app.processEvents()
        corner = canvas.mapTo(window, QPoint(0, 0))
        places.append([corner.x(), corner.y(), canvas.width(), canvas.height()])
print(json.dumps({"ratio": canvas.devicePixelRatioF(), "places": places}))
session.shutdown()
"""


@pytest.mark.parametrize("factor", ["1.5", "2"])
def test_it_stays_on_screens_of_high_resolution_too(factor: str, own_home: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "QT_SCALE_FACTOR": factor},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    found = json.loads(outcome.stdout.splitlines()[-1])
    assert found["ratio"] == float(factor)
    assert len({str(place) for place in found["places"]}) == 1


def test_the_options_of_the_tool_do_not_move_those_of_the_display(composed: Session, qtbot: QtBot) -> None:
    window = composed.window
    for width in (820, 1366, 1700):
        window.resize(width, 800)
        corners = set()
        for name in TOOLS:
            window.action[name].trigger()
            picture_place(composed)
            corners.add(window.options.display.parts[0].pos().y())
        assert len(corners) == 1, width
