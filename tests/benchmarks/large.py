"""A large image in the real window: opened, predicted, painted, exported; how long, how still, how much memory.

"Still" is the longest time in which the window did not answer, "own" what its thread itself worked meanwhile: on a
busy machine the former is that of the neighbours as well. The mark is 100 ms (I-09).

python -m tests.benchmarks.large                        # 100 megapixels
python -m tests.benchmarks.large --megapixels 20 --format TIFF
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import tifffile
from PIL import Image
from PySide6.QtCore import Qt, QTimer

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from tests.e2e.person import Person

MEGABYTE = 2**20
MARK_MS = 100.0
PEAK = Path("/proc/self/clear_refs")
"""Takes a "5", and the peak of memory begins anew."""


def memory(pid: int | None, field: str) -> float:
    """A line of /proc/<pid>/status in MB: "VmRSS" is now, "VmHWM" the peak."""
    if pid is None:
        return 0.0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def picture(folder: Path, megapixels: float, kind: str) -> Path:
    """A real photograph, repeated to the size."""
    tile = np.asarray(Image.open(sample_paths()[0]).convert("RGB"))
    side = round((megapixels * 1e6) ** 0.5)
    times = -(-side // min(tile.shape[:2]))
    pixels = np.tile(tile, (times, times, 1))[:side, :side]
    path = folder / f"large.{kind.lower()}"
    if kind == "TIFF":
        tifffile.imwrite(path, pixels, photometric="rgb", tile=(256, 256))
    else:
        Image.MAX_IMAGE_PIXELS = None
        Image.fromarray(pixels).save(path)
    return path


class Watch:
    """Times steps, with the longest time that the window did not answer, and the peak of both processes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.person = Person(session)
        self._turns: list[tuple[float, float]] = []
        self._last = 0.0, 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(5)
        print(
            "| step                 |      s | still ms |  own ms | mark 100 ms | peak MB: window | MB now | model |"
        )
        print(
            "|----------------------|--------|----------|---------|-------------|-----------------|--------|-------|"
        )

    def step(self, name: str, begin: Callable[[], object], is_done: Callable[[], object]) -> None:
        """Does one step and prints what it took."""
        PEAK.write_text("5")
        self._turns.clear()
        started = time.perf_counter()
        self._last = started, time.thread_time()
        begin()
        self.person.wait_for(is_done, 7200, name)
        self._beat()  # the turn in which it was done counts too
        still, own = (max(turn) * 1e3 for turn in zip(*self._turns, strict=True))
        seconds = time.perf_counter() - started
        pid, engine = os.getpid(), self._session.lanes.engine.child_pid
        print(
            f"| {name:20} | {seconds:6.2f} | {still:8.0f} | {own:7.0f} | {'over' if still > MARK_MS else 'ok':>11} "
            f"| {memory(pid, 'VmHWM'):15.0f} | {memory(pid, 'VmRSS'):6.0f} | {memory(engine, 'VmHWM'):5.0f} |",
            flush=True,
        )

    def _beat(self) -> None:
        now, before = (time.perf_counter(), time.thread_time()), self._last
        self._turns.append((now[0] - before[0], now[1] - before[1]))
        self._last = now

    def stop(self) -> None:
        """Ends the measurement."""
        self._timer.stop()

    def rest(self, seconds: float = 3.0) -> None:
        """Lets the window do what it does later: counts, ranks, saves."""
        end = time.perf_counter() + seconds
        self.step("  and after it", lambda: None, lambda: time.perf_counter() > end)


def walk(session: Session, path: Path, out: Path) -> None:
    """Open, predict, paint, undo, look, export."""
    watch, document = Watch(session), session.document
    person = watch.person
    watch.step("the model is loaded", lambda: None, lambda: session.weights.live is not None)
    watch.step("opened", lambda: session.images.open([path]), lambda: person.canvas.image.is_shown)
    image_id = document.images.current_id
    assert image_id is not None
    watch.step("encoded for clicks", lambda: None, lambda: session.predict.is_encoded(image_id))
    watch.step("predicted", lambda: None, lambda: document.predictions.of(image_id) is not None)
    watch.rest()
    rows, cols = document.masks.layer(image_id).shape
    person.choose("tool_brush")

    def paint() -> None:
        person.drag((cols * 0.3, rows * 0.3), (cols * 0.6, rows * 0.4), (cols * 0.5, rows * 0.7))

    watch.step("painted", paint, lambda: document.masks.layer(image_id).num_labelled > 0)
    watch.rest()
    for action in ("undo", "redo"):
        watch.step(action, lambda what=action: person.choose(what), lambda: not session.edits.is_working)
    for is_on in (True, False):
        switch = lambda on=is_on: session.window.action["show_uncertainty"].setChecked(on)  # noqa: E731
        watch.step(f"uncertainty {'shown' if is_on else 'hidden'}", switch, lambda: True)
    for name in ("png", "coco"):
        target = out / f"mask{'.json' if name == 'coco' else '.png'}"
        start = lambda name=name, target=target: session.export.export_to(target, name)  # noqa: E731
        watch.step(
            f"exported as {name}",
            start,
            lambda target=target: target.exists() and session.lanes.files.is_idle,
        )
    watch.stop()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, default=100.0)
    parser.add_argument("--format", choices=("JPEG", "PNG", "TIFF"), default="JPEG")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = name
        path = picture(folder, given.megapixels, given.format)
        print(f"{given.megapixels:g} MP {given.format}, {path.stat().st_size / MEGABYTE:.0f} MB", flush=True)
        application.application()
        session = application.start(Reporter())
        try:
            walk(session, path, folder)
        finally:
            application.finish(session)


if __name__ == "__main__":
    main()
