"""Does the window stay alive while the model learns? A 10 ms timer in the GUI thread says how late it is.

    python -m tests.benchmarks.heartbeat [--seconds 8] [--speeds quick,thorough,live] [--weights FILE]

A brush paints at 30 Hz on a 1024 x 1024 picture with an overlay, first with nothing beside it, then
while the training worker fine-tunes at each speed. Wanted on an idle machine with two cores: p99
below 30 ms and no more than 100 ms at worst; on a busy one read the ratio to idle.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication

from latentseg_gui.document.brush import stroke_mask
from latentseg_gui.document.types import TrainingSample
from latentseg_gui.inference.messages import FineTune
from latentseg_gui.inference.service import TRAINING
from latentseg_gui.workers.lanes import ChildLane, training_threads

BEAT_MS = 10
BRUSH_MS = 33
SIDE = 1024


class Heart(QObject):
    """Measures how late a timer is, and how long a repaint takes, while a brush paints.

    Args:
        canvas: image and overlay.
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self.repaint_ms: list[float] = []
        self._canvas = canvas
        self._beat, self._brush = QTimer(self), QTimer(self)
        for timer, interval, slot in (
            (self._beat, BEAT_MS, self._on_beat),
            (self._brush, BRUSH_MS, self._on_brush),
        ):
            timer.setTimerType(Qt.TimerType.PreciseTimer)
            timer.setInterval(interval)
            timer.timeout.connect(slot)
        self._last = 0.0

    def measure(self, seconds: float) -> None:
        """Beat and paint for so long."""
        self.late_ms.clear()
        self.repaint_ms.clear()
        self._last = time.perf_counter()
        self._beat.start()
        self._brush.start()
        QTimer.singleShot(int(seconds * 1000), QApplication.instance().quit)
        QApplication.exec()
        self._beat.stop()
        self._brush.stop()

    @Slot()
    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now

    @Slot()
    def _on_brush(self) -> None:
        started = time.perf_counter()
        self._canvas.paint()
        self.repaint_ms.append((time.perf_counter() - started) * 1000)


class Ears(QObject):
    """Hears whether a lane has begun to train.

    Args:
        lane: the training lane.
    """

    def __init__(self, lane: ChildLane) -> None:
        super().__init__(lane)
        self.has_begun, self.failure = False, ""
        lane.job_progress.connect(self._on_progress)
        lane.job_failed.connect(self._on_failed)

    @Slot(int, object)
    def _on_progress(self, job: int, progress: object) -> None:
        self.has_begun = True

    @Slot(int, object)
    def _on_failed(self, job: int, failure: object) -> None:
        self.has_begun, self.failure = True, str(failure)


class Canvas:
    """A picture with an overlay that a brush paints on in circles."""

    def __init__(self) -> None:
        pg.setConfigOptions(imageAxisOrder="row-major")
        self.view = pg.GraphicsLayoutWidget(size=(900, 900))
        box = self.view.addViewBox(lockAspect=True, invertY=True)
        self.picture, self.overlay = pg.ImageItem(), pg.ImageItem()
        box.addItem(self.picture)
        box.addItem(self.overlay)
        rng = np.random.default_rng(0)
        self.picture.setImage(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8), levels=(0, 255))
        self._rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
        self._turn = 0.0
        self.view.show()

    def paint(self) -> None:
        """One piece of a stroke, shown at once."""
        before, self._turn = self._turn, self._turn + 0.1
        ends = [(512 + 300 * np.cos(t), 512 + 300 * np.sin(t)) for t in (before, self._turn)]
        rect, where = stroke_mask(ends[0], ends[1], 40, (SIDE, SIDE))
        self._rgba[rect.slices][where] = (255, 120, 0, 120)
        self.overlay.setImage(self._rgba, levels=(0, 255))
        self.view.grab()  # renders for certain, also where there is no screen


def samples() -> tuple[TrainingSample, ...]:
    """Three pictures of disks on noise, every pixel labelled."""
    rng, made = np.random.default_rng(0), []
    rows, cols = np.mgrid[:512, :512]
    for index in range(3):
        labels = np.zeros((512, 512), np.uint8)
        for row, col in rng.uniform(0, 512, (8, 2)):
            labels[(rows - row) ** 2 + (cols - col) ** 2 < 40**2] = 1
        light = np.where(labels, 150, 100)[..., None] + rng.normal(0, 20, (512, 512, 3))
        made.append(TrainingSample(f"picture {index}", light.clip(0, 255).astype(np.uint8), labels))
    return tuple(made)


def describe(name: str, heart: Heart, idle: tuple[float, float] | None) -> tuple[float, float]:
    """Print one line; returns p99 and maximum of the lateness."""
    late = np.array(heart.late_ms)
    p50, p99, worst = (float(np.percentile(late, q)) for q in (50, 99, 100))
    repaint = float(np.median(heart.repaint_ms))
    ratio = (
        ""
        if idle is None
        else f"   {p99 / max(idle[0], 0.1):.2f} x idle p99, {worst / max(idle[1], 0.1):.2f} x idle max"
    )
    print(
        f"{name:>9}: late p50 {p50:6.1f}  p99 {p99:6.1f}  max {worst:6.1f} ms, repaint {repaint:5.1f} ms{ratio}",
        flush=True,
    )
    return p99, worst


def train(lane: ChildLane, speed: str, weights: Path | None, output: Path) -> None:
    """Start fine-tuning and return once it is at work."""
    request = FineTune(
        weights, speed, samples(), ("background", "disk"), (), output / f"{speed}.safetensors", 600.0, speed
    )
    heard = Ears(lane)
    lane.submit(request)
    until = time.monotonic() + 180
    while not heard.has_begun and time.monotonic() < until:
        QApplication.processEvents()
    if heard.failure or not heard.has_begun:
        raise SystemExit(f"the training worker did not start: {heard.failure}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each measurement")
    parser.add_argument("--speeds", default="live,quick,thorough")
    parser.add_argument("--weights", type=Path, default=None)
    arguments = parser.parse_args()
    application = QApplication([])
    canvas = Canvas()
    heart = Heart(canvas)
    heart.measure(2.0)  # the first pictures build caches
    heart.measure(arguments.seconds)
    idle = describe("idle", heart, None)
    with tempfile.TemporaryDirectory() as folder:
        for speed in arguments.speeds.split(","):
            lane = ChildLane(TRAINING, name="training", niceness=10, threads=training_threads())
            train(lane, speed, arguments.weights, Path(folder))
            heart.measure(arguments.seconds)
            describe(speed, heart, idle)
            lane.shutdown()
    application.quit()


if __name__ == "__main__":
    main()
