"""Does the window stay alive while the model learns? A 10 ms timer in the GUI thread says how late it is.

    python -m tests.benchmarks.heartbeat [--seconds 20] [--speeds live,quick,thorough]

The real window, a picture of 1024 x 1024 pixels with its prediction shown; a brush paints on it at 30 Hz by
the mouse, first with nothing beside it, then while the training worker fine-tunes at each speed (live:
after every stroke). Wanted on an idle machine with two cores: p99 below 30 ms and no more than 100 ms at
worst; on a busy one read what the window's thread itself worked between two beats ("own").
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Slot
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.app import main as application
from latentseg_gui.app.bindings import GuiThreadCollector
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from tests.e2e.person import LEFT, Person
from tests.tiny import disks

BEAT_MS = 10
BRUSH_MS = 33
SIDE = 1024
MOVES = 24
"""Of the mouse in one stroke."""


class Hand:
    """Paints in circles, by the mouse, a move at a time.

    Args:
        person: in front of the window.
        side: pixels of the square to paint in.
    """

    def __init__(self, person: Person, side: int = SIDE) -> None:
        self._person, self._side, self._moves = person, side, 0

    def move(self) -> None:
        """Goes on with a stroke; ends it and begins another where it is long enough."""
        turn, end = divmod(self._moves, MOVES)
        angle = self._moves * 0.1
        x, y = (self._side * (0.5 + 0.3 * part) for part in (np.cos(angle), np.sin(angle)))
        place = self._person.at((x, y))
        canvas, none = self._person.canvas, Qt.KeyboardModifier.NoModifier
        if end == 0:
            self._person.session.classes.choose_class(turn % 2)
            QTest.mousePress(canvas, LEFT, none, place)
        elif end == MOVES - 1:
            QTest.mouseRelease(canvas, LEFT, none, place)
        else:
            QTest.mouseMove(canvas, place)
        self._moves += 1

    def rest(self) -> None:
        """Ends the stroke."""
        while self._moves % MOVES:
            self.move()


class Heart(QObject):
    """Measures how late a timer is while a hand paints.

    Args:
        hand: paints.
    """

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self.own_ms: list[float] = []
        self._hand, self._last, self._own = hand, 0.0, 0.0
        self._beat, self._brush = QTimer(self), QTimer(self)
        for timer, interval, slot in (
            (self._beat, BEAT_MS, self._on_beat),
            (self._brush, BRUSH_MS, self._on_brush),
        ):
            timer.setTimerType(Qt.TimerType.PreciseTimer)
            timer.setInterval(interval)
            timer.timeout.connect(slot)

    def measure(self, seconds: float) -> None:
        """Beat and paint for so long."""
        self.late_ms.clear()
        self.own_ms.clear()
        loop = QEventLoop()
        self._last, self._own = time.perf_counter(), time.thread_time()
        self._beat.start()
        self._brush.start()
        QTimer.singleShot(int(seconds * 1000), loop.quit)
        loop.exec()
        self._beat.stop()
        self._brush.stop()
        self._hand.rest()

    @Slot()
    def _on_beat(self) -> None:
        now, own = time.perf_counter(), time.thread_time()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self.own_ms.append((own - self._own) * 1000)
        self._last, self._own = now, own

    @Slot()
    def _on_brush(self) -> None:
        self._hand.move()


def describe(name: str, heart: Heart, idle: tuple[float, float] | None) -> tuple[float, float]:
    """Print one line; returns p99 and maximum of the lateness."""
    late, own = np.array(heart.late_ms), max(heart.own_ms)
    p50, p99, worst = (float(np.percentile(late, q)) for q in (50, 99, 100))
    ratio = (
        ""
        if idle is None
        else f"   {p99 / max(idle[0], 0.1):.2f} x idle p99, {worst / max(idle[1], 0.1):.2f} x idle max"
    )
    print(
        f"{name:>9}: late p50 {p50:6.1f}  p99 {p99:6.1f}  max {worst:6.1f} ms, "
        f"own work of a beat at most {own:5.1f} ms{ratio}",
        flush=True,
    )
    return p99, worst


def refits(session: Session) -> list[str]:
    """The versions that live refits made, as far as they are kept."""
    return [name for name, version in session.weights.versions.items() if version.is_refit]


def begin(session: Session, speed: str) -> None:
    """Start learning, and return once it is at work."""
    person, steps = Person(session), []
    session.finetune.progressed.connect(steps.append)
    if speed == "live":
        session.window.action["live"].setChecked(True)
        person.wait_for(lambda: refits(session), what="the first refit, which encodes")
        return
    session.window.training.set_speed(speed, 600)
    person.choose("finetune")
    person.wait_for(lambda: len(steps) > 3, what=f"{speed} fine-tuning is at work")
    session.finetune.progressed.disconnect(steps.append)


def end(session: Session, speed: str) -> None:
    """Stop learning, and return once nothing is at work."""
    person = Person(session)
    if speed == "live":
        session.window.action["live"].setChecked(False)
    else:
        session.finetune.cancel()
    person.wait_for(lambda: not session.finetune.is_running, what="learning has ended")
    person.wait_for(lambda: session.lanes.engine.is_idle, what="the model is idle")


def beat(session: Session, path: Path, speeds: list[str], seconds: float) -> None:
    """Measure and print."""
    person = Person(session)
    session.window.resize(1440, 900)
    person.open(path)
    person.wait_for_prediction()
    person.choose("tool_brush")
    session.tool.set_diameter(40)
    heart = Heart(Hand(person))
    heart.measure(4.0)  # two strokes of either class; the first pictures build caches
    heart.measure(seconds)
    idle = describe("idle", heart, None)
    for speed in speeds:
        begin(session, speed)
        heart.measure(seconds)
        describe(speed, heart, idle)
        end(session, speed)


def main() -> None:
    """Start the application in a folder of its own, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement")
    parser.add_argument("--speeds", default="live,quick,thorough")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
            os.environ[name] = folder
        path = Path(folder) / "picture.png"
        Image.fromarray(disks(0, (SIDE // 4, SIDE // 4), 20)[0].repeat(4, 0).repeat(4, 1)).save(path)
        application.application()
        collector = GuiThreadCollector()
        session = application.start(Reporter())
        collector.freeze()
        QApplication.processEvents()
        try:
            beat(session, path, arguments.speeds.split(","), arguments.seconds)
        finally:
            application.finish(session)


if __name__ == "__main__":
    main()
