"""The tools in the hand, through the real window: ``python -m tests.benchmarks.tools``.

Click: from the press of the button to the picture that shows the proposal, on a 1024x1024 image; first what is
known at once, then what a zoom has made of it.
Brush: from each mouse move to the picture that shows it, with document, history and mask as in the product.
Large edits: how long they take, and how long the turns of the window's event loop are meanwhile.
Undo: 10,000 strokes, taken back and done again, with the bytes that the history held.
With ``--napari PYTHON``, a Python that has napari, the same stroke is drawn in its Labels layer beside it.
"Own" is the time this thread itself worked: on a busy machine the wall time is that of its neighbours as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, thread_time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, QPoint, QPointF, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.samples import sample_paths
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.brush import stroke_mask
from latentseg_gui.document.types import ImageRecord
from tests.e2e.person import Person

CLICK_BAR_MS = 100.0
FRAME_BAR_MS = 16.0
STROKES = 10_000

Times = tuple[float, float]


def timed(action: Callable[[], object]) -> Times:
    """Milliseconds of wall time and of this thread's own work."""
    start, own = perf_counter(), thread_time()
    action()
    return (perf_counter() - start) * 1e3, (thread_time() - own) * 1e3


def header() -> None:
    """Prints the head of the table."""
    print(
        "| what                                     |     n |  median |     p95 | own p95 | bar            |"
    )
    print(
        "|------------------------------------------|-------|---------|---------|---------|----------------|"
    )


def row(what: str, times: Sequence[Times], bar: str = "", is_kept: bool | None = None) -> None:
    """Prints one line; times in ms."""
    wall, own = np.array(times).T
    verdict = bar if is_kept is None else f"{bar}: {'ok' if is_kept else 'over'}"
    numbers = f"{np.median(wall):7.2f} | {np.percentile(wall, 95):7.2f} | {np.percentile(own, 95):7.2f}"
    print(f"| {what:<40} | {len(wall):>5} | {numbers} | {verdict:<14} |", flush=True)


def frame_row(what: str, times: Sequence[Times]) -> None:
    """A line whose 95th percentile has to stay within a frame."""
    p95 = float(np.percentile([wall for wall, _ in times], 95))
    row(what, times, "p95 16 ms", p95 <= FRAME_BAR_MS)


class Click:
    """One click, and when which picture of its proposal was there.

    Attributes:
        first: until a proposal was painted.
        settled: until the final one was.
        model_first: what the model itself took for the first, in ms.
        model_settled: the same for the final one.
    """

    def __init__(self, person: Person, xy: tuple[float, float]) -> None:
        self._person, self._document = person, person.session.document
        self.first: Times | None = None
        self.settled: Times | None = None
        self.model_first = self.model_settled = 0.0
        self._loop = QEventLoop()
        QTimer.singleShot(60_000, self._loop, self._loop.quit)
        self._document.events.proposal_changed.connect(self._on_proposal_changed)
        self._start, self._own = perf_counter(), thread_time()
        person.click(xy)
        if self.settled is None:
            self._loop.exec()  # sleeps until something happens, as the window does
        self._document.events.proposal_changed.disconnect(self._on_proposal_changed)
        person.choose("cancel")
        QApplication.processEvents()

    def _on_proposal_changed(self, image_id: str) -> None:
        proposal = self._document.prompts.proposal(image_id)
        if proposal is None:
            return
        self._person.canvas.repaint()
        now = (perf_counter() - self._start) * 1e3, (thread_time() - self._own) * 1e3
        if self.first is None:
            self.first, self.model_first = now, proposal.seconds * 1e3
        if not proposal.is_refining:
            self.settled, self.model_settled = now, proposal.seconds * 1e3
            self._loop.quit()


def measure_clicks(person: Person, folder: Path, count: int) -> None:
    """Clicks all over a photograph of 1024x1024."""
    with Image.open(sample_paths()[0]) as photo:
        photo.convert("RGB").resize((1024, 1024), Image.Resampling.LANCZOS).save(folder / "photo.png")
    person.open(folder / "photo.png")
    person.wait_for_prediction()
    person.choose("tool_click")
    Click(person, (500.0, 500.0))
    places = np.random.default_rng(0).uniform(60, 960, (count, 2))
    clicks = [Click(person, (float(x), float(y))) for x, y in places]
    first = [click.first for click in clicks if click.first is not None]
    settled = [click.settled for click in clicks if click.settled is not None]
    wall = float(np.median([times[0] for times in first]))
    row("click to visible proposal, 1024x1024", first, "median 100 ms", wall <= CLICK_BAR_MS)
    row("  of which the model itself", [(click.model_first, 0.0) for click in clicks])
    row("click to refined proposal, 1024x1024", settled)
    row("  of which the model itself", [(click.model_settled, 0.0) for click in clicks])


def settle(person: Person) -> None:
    """Sleeps, as the window does, until no large edit is worked out any more."""
    loop, look, edits = QEventLoop(), QTimer(), person.session.edits
    look.timeout.connect(lambda: None if edits.is_working else loop.quit())
    if edits.is_working:
        look.start(1)
        loop.exec()
        look.stop()
    person.canvas.repaint()


def show_image(person: Person, folder: Path, megapixels: float) -> None:
    """Opens a picture of so many pixels, which the model is not told of: its work would blur the times."""
    side = round((megapixels * 1e6) ** 0.5)
    path = folder / f"{megapixels:g}.bmp"
    coarse = np.random.default_rng(0).integers(0, 255, (side // 64 + 1, side // 64 + 1, 3), np.uint8)
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BILINEAR).save(path)
    person.session.predict.encode = _not_encoded  # type: ignore[method-assign]
    person.open(path)
    path.unlink()
    canvas = person.canvas
    person.wait_for(lambda: canvas.image.is_complete, what="the reduced copies are there")


def _not_encoded(*_: object, **__: object) -> None:
    """The model has no part in this."""


def measure_brush(person: Person, megapixels: float) -> None:
    """A stroke, its undo and redo, zoom, pan and a class recoloured, in the window."""
    canvas, session = person.canvas, person.session
    person.choose("tool_brush")
    session.tool.set_diameter(40 / canvas.camera.zoom)
    left, none, name = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, f"{megapixels:g} MP"
    middle = canvas.rect().center()
    reach = min(canvas.width(), canvas.height()) * 0.35
    moves = []
    QTest.mousePress(canvas, left, none, middle)
    for step in range(150):
        angle = step / 9
        where = middle + QPoint(int(reach * np.cos(angle)), int(reach * np.sin(angle)))
        moves.append(timed(lambda at=where: (QTest.mouseMove(canvas, at), canvas.repaint())))
    QTest.mouseRelease(canvas, left, none, where)
    frame_row(f"brush, move to picture, {name}", moves)
    edits = []
    for action in ("undo", "redo") * 10:
        edits.append(timed(lambda what=action: (person.choose(what), settle(person))))
    frame_row(f"undo and redo of that stroke, {name}", edits)
    factors = (1.25 if step % 20 < 10 else 0.8 for step in range(60))
    at = QPointF(middle)
    frame_row(
        f"zoom frame, {name}",
        [timed(lambda f=f: (canvas.camera.zoom_at(f, at), canvas.repaint())) for f in factors],
    )
    steps = (QPoint(9 if step % 40 < 20 else -9, 4) for step in range(60))
    frame_row(
        f"pan frame, {name}", [timed(lambda d=d: (canvas.camera.pan_by(d), canvas.repaint())) for d in steps]
    )
    canvas.camera.zoom_to_fit()
    colours = (f"#{step * 10 + 40:02x}8040" for step in range(20))
    recolour = session.classes.recolour_class
    frame_row(
        f"class recolour, {name}", [timed(lambda c=c: (recolour(1, c), canvas.repaint())) for c in colours]
    )


class Heart:
    """How late a timer of 5 ms is while the window works, and what its thread did itself meanwhile."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)
        self._beats: list[Times] = []

    def measure(self, action: Callable[[], object]) -> list[Times]:
        """The turns of the event loop during ``action``, in ms."""
        self._beats = [(perf_counter() * 1e3, thread_time() * 1e3)]
        self._timer.start()
        action()
        self._timer.stop()
        self._beat()
        beats = np.array(self._beats)
        return [tuple(turn) for turn in np.diff(beats, axis=0)]

    def _beat(self) -> None:
        self._beats.append((perf_counter() * 1e3, thread_time() * 1e3))


def measure_large_edits(person: Person, megapixels: float) -> None:
    """A fill of nearly the whole image and a clean-up of it: how long they take, and how the window fares."""
    xy = (
        person.canvas.camera.viewport.image_shape[1] * 0.02,
        person.canvas.camera.viewport.image_shape[0] * 0.02,
    )
    name, heart = f"{megapixels:g} MP", Heart()
    person.choose("tool_fill")
    for what, action in (
        ("fill", lambda: person.click(xy)),
        ("fill holes", lambda: person.choose("fill_holes")),
        ("smooth", lambda: person.choose("smooth")),
        ("undo of the fill", lambda: person.choose("undo")),
    ):
        times: list[Times] = []
        turns = heart.measure(lambda do=action, to=times: to.append(timed(lambda: (do(), settle(person)))))
        longest = max(own for _, own in turns)
        row(f"{what}, {name}", times)
        row(f"  turns of the window meanwhile, {name}", turns, f"max own {longest:.0f} ms")


def measure_history() -> None:
    """Thousands of strokes on one image of a megapixel, without a window."""
    document = Document()
    pixels = np.zeros((1024, 1024, 3), np.uint8)
    document.images.add_record(ImageRecord("image", pixels, pixels))
    history, rng = History(document), np.random.default_rng(0)
    strokes = []
    for number, start in enumerate(rng.uniform(0, 1024, (STROKES, 2))):
        end = start + rng.uniform(-60, 60, 2)
        ink = Ink(number % 2)  # turn about, so that every stroke changes something

        def draw(start: np.ndarray = start, end: np.ndarray = end, ink: Ink = ink) -> None:
            recorder = StrokeRecorder(document, "image", ink)
            recorder.add(*stroke_mask(tuple(start), tuple(end), 24.0, (1024, 1024)))
            history.record(recorder.finish())

        strokes.append(timed(draw))
    painted = document.masks.labels("image").copy()
    kept, held = len(history.entries), history.nbytes
    row("one of 10,000 strokes", strokes)
    undone = [timed(history.undo) for _ in range(kept)]
    row(f"undo of {kept:,} strokes", undone, f"held {held / 2**20:.0f} MB")
    redone = [timed(history.redo) for _ in range(kept)]
    is_same = bool((document.masks.labels("image") == painted).all())
    row(f"redo of {kept:,} strokes", redone, "same mask", is_same)


_NAPARI = """
import sys, numpy as np
from time import perf_counter, thread_time
import napari
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl
side = round((float(sys.argv[1]) * 1e6) ** 0.5)
viewer = napari.Viewer(show=True)
viewer.window._qt_window.resize(1440, 900)
viewer.add_image(np.zeros((side, side, 3), np.uint8), rgb=True)
layer = viewer.add_labels(np.zeros((side, side), np.uint8))
layer.brush_size, layer.mode, layer.selected_label = side // 18, "paint", 1
canvas = viewer.window._qt_viewer.canvas.native
def show():
    QApplication.processEvents()
    canvas.repaint()
    canvas.makeCurrent()
    gl.glFinish()
def timed(action, then):
    start, own = perf_counter(), thread_time()
    action()
    then()
    return (perf_counter() - start) * 1e3, (thread_time() - own) * 1e3
def stroke(then):
    last, times = None, []
    with layer.block_history():
        for step in range(150):
            angle = step / 9
            at = (side * (0.5 + 0.35 * np.sin(angle)), side * (0.5 + 0.35 * np.cos(angle)))
            times.append(timed(lambda: layer._draw(1, last or at, at), then))
            last = at
    return times
for _ in range(5):
    show()
print("TIMES paint and draw:", stroke(show))
print("TIMES undo and draw:", [timed(action, show) for action in (layer.undo, layer.redo) * 5])
layer.undo()
print("TIMES paint alone, not drawn:", stroke(lambda: None))
viewer.close()
"""


def measure_napari(python: str, megapixels: float, folder: Path) -> None:
    """The same stroke in another program's labels layer, or a line that says why not.

    It draws with OpenGL, which Qt's offscreen platform has not: Xvfb and Mesa's software renderer are used, as
    ours is a software renderer too. With a graphics card it draws faster, so what it does before it draws, the
    least that it can take, is printed as well.
    """
    screen = shutil.which("xvfb-run")
    command = [python, "-c", _NAPARI, str(megapixels)]
    environment = {**os.environ, "LIBGL_ALWAYS_SOFTWARE": "1", "XDG_CONFIG_HOME": str(folder)}
    if screen is not None:
        command = [screen, "-a", "-s", "-screen 0 1600x1000x24", *command]
        environment["QT_QPA_PLATFORM"] = "xcb"
    try:
        outcome = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"napari was not measured: {error}")
        return
    lines = [line for line in outcome.stdout.splitlines() if line.startswith("TIMES ")]
    if not lines:
        reason = outcome.stderr.strip().splitlines()[-1:] or ["no output"]
        print(f"napari was not measured: {reason[0]}")
    for line in lines:
        what, _, values = line.removeprefix("TIMES ").partition(":")
        numbers = [float(part) for part in values.translate(str.maketrans("[](),", "     ")).split()]
        times = list(zip(numbers[::2], numbers[1::2], strict=True))
        row(f"napari, {what}, {megapixels:g} MP", times, "beside ours")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument("--no-strokes", dest="strokes", action="store_false", help="leave out the 10,000")
    parser.add_argument("--megapixels", type=float, nargs="*", default=[1, 24, 100])
    parser.add_argument("--napari", default="", help="a Python that has napari")
    parser.add_argument("--beside", type=float, default=24.0, help="megapixels of the stroke in napari")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = folder
        application.application()
        session = application.start(Reporter())
        session.window.resize(1440, 900)
        person = Person(session)
        header()
        try:
            if arguments.clicks:
                measure_clicks(person, Path(folder), arguments.clicks)
            for megapixels in arguments.megapixels:
                show_image(person, Path(folder), megapixels)
                measure_brush(person, megapixels)
                measure_large_edits(person, megapixels)
                session.document.images.remove(person.image_id or "")
        finally:
            application.finish(session)
        if arguments.strokes:
            measure_history()
        if arguments.napari:
            measure_napari(arguments.napari, arguments.beside, Path(folder))


if __name__ == "__main__":
    main()
