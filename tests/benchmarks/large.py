"""A large image in the real window: opened, predicted, painted, exported; seconds and peak memory of each step.

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

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.app.session import Session
from tests.e2e.person import Person

MEGABYTE = 2**20


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

    def step(self, name: str, begin: Callable[[], object], is_done: Callable[[], object]) -> None:
        """Does one step and prints what it took."""
        started = time.perf_counter()
        longest, last = 0.0, started

        def look() -> object:
            nonlocal longest, last
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
            return is_done()

        begin()
        self.person.wait_for(look, 7200, name)
        seconds = time.perf_counter() - started
        engine = self._session.lanes.engine.child_pid
        print(
            f"{name:28} {seconds:8.2f} s   window stood still {longest * 1000:6.0f} ms   "
            f"peak MB: window {memory(os.getpid(), 'VmHWM'):6.0f}, model {memory(engine, 'VmHWM'):6.0f}",
            flush=True,
        )


def walk(session: Session, path: Path, out: Path) -> None:
    """Open, predict, paint, export."""
    watch, document = Watch(session), session.document
    watch.step("the model is loaded", lambda: None, lambda: session.weights.live is not None)
    watch.step("opened", lambda: session.project.open([path]), lambda: watch.person.canvas.has_image)
    image_id = document.current_id
    assert image_id is not None
    watch.step("encoded for clicks", lambda: None, lambda: session.predict.is_encoded(image_id))
    watch.step("predicted", lambda: None, lambda: document.prediction(image_id) is not None)
    rows, cols = document.layer(image_id).shape
    watch.person.choose("tool_brush")

    def paint() -> None:
        watch.person.drag((cols * 0.3, rows * 0.3), (cols * 0.6, rows * 0.4), (cols * 0.5, rows * 0.7))

    watch.step("painted", paint, lambda: document.layer(image_id).vouched > 0)
    for name in ("png", "coco"):
        target = out / f"mask{'.json' if name == 'coco' else '.png'}"
        start = lambda name=name, target=target: session.export.export_to(target, name)  # noqa: E731
        watch.step(
            f"exported as {name}",
            start,
            lambda target=target: target.exists() and session.lanes.files.is_idle,
        )


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
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far was the making of the picture
        print(f"{given.megapixels:g} MP {given.format}, {path.stat().st_size / MEGABYTE:.0f} MB", flush=True)
        application.application()
        session = application.start(Reporter())
        try:
            walk(session, path, folder)
        finally:
            application.finish(session)


if __name__ == "__main__":
    main()
