"""How long from an accepted correction to the new overlay, with live refit on, in the real window.

    python -m tests.benchmarks.live_refit [--corrections 12] [--side 1024]

A picture of ``side`` x ``side`` pixels with disks; the brush corrects one place after another. The clock
runs from the release of the mouse button until the overlay has been painted with a prediction of
refitted weights. The first refit also makes ready what later ones keep; it is told apart.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from time import perf_counter

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from tests.e2e.person import Person
from tests.tiny import disks


class Refits:
    """Corrects, and measures until the overlay follows."""

    def __init__(self, session: Session, truth: np.ndarray) -> None:
        self._session, self._truth = session, truth
        self._person = Person(session)
        self._side = len(truth)

    def begin(self, path: Path) -> None:
        """Opens the picture and labels a little of both classes."""
        person = self._person
        person.open(path)
        person.wait_for_prediction()
        person.choose("tool_brush")
        self._session.tool.set_diameter(12)
        rng = np.random.default_rng(1)
        for class_id in (0, 1):
            self._stroke(rng, class_id)

    def correct(self, rng: np.random.Generator) -> float:
        """One correction; seconds until the overlay shows what came of it."""
        document, image_id = self._session.document, self._person.image_id
        assert image_id is not None
        before = document.predictions.of(image_id)
        self._stroke(rng, int(rng.integers(2)))
        started = perf_counter()
        self._person.wait_for(
            lambda: (
                document.predictions.of(image_id) is not before
                and not document.predictions.is_stale(image_id)
            ),
            seconds=60,
            what="a new prediction",
        )
        self._session.window.canvas.grab()
        seconds = perf_counter() - started
        self._person.wait_for(lambda: not self._session.finetune.is_running, what="the refit is over")
        self._person.wait_for(lambda: self._session.lanes.engine.is_idle, what="the weights are loaded")
        QTest.qWait(50)
        return seconds

    def _stroke(self, rng: np.random.Generator, class_id: int) -> None:
        """A short stroke inside a place of that class."""
        session = self._session
        session.classes.choose_class(class_id)
        rows, cols = np.nonzero(self._truth[12:-40, 12:-40] == class_id)
        while True:
            index = rng.integers(len(rows))
            x, y = float(cols[index] + 12), float(rows[index] + 12)
            if (self._truth[int(y) - 8 : int(y) + 8, int(x) - 8 : int(x) + 34] == class_id).all():
                break
        self._person.drag((x, y), (x + 12, y), (x + 24, y))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corrections", type=int, default=12)
    parser.add_argument("--side", type=int, default=1024)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
            os.environ[name] = folder
        small = arguments.side // 4
        pixels, truth = (part.repeat(4, 0).repeat(4, 1) for part in disks(0, (small, small), 20))
        path = Path(folder) / "picture.png"
        Image.fromarray(pixels).save(path)
        application.application()
        session = application.start(Reporter())
        session.window.resize(1440, 900)
        QApplication.processEvents()
        try:
            refits, rng = Refits(session, truth), np.random.default_rng(0)
            refits.begin(path)
            print("ready", flush=True)
            session.window.action["live"].setChecked(True)
            first = refits.correct(rng)
            print(f"first {first:.2f} s", flush=True)
            later = np.array([refits.correct(rng) for _ in range(arguments.corrections)])
        finally:
            application.finish(session)
    print(
        f"{arguments.side} x {arguments.side}: first {first:.2f} s; then {len(later)} corrections: "
        f"median {np.median(later):.2f} s, p95 {np.percentile(later, 95):.2f} s, worst {later.max():.2f} s "
        f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )


if __name__ == "__main__":
    main()
