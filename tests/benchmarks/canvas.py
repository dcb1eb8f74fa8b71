"""How long the canvas takes from the mouse to the picture: ``python -m tests.benchmarks.canvas``.

The window is 1200x800 device pixels, drawn offscreen by the software renderer, with a mask of three classes
shown over the image. A stroke is painted into the labels as the document would do it. "Own" is the time this
thread itself worked: on a busy machine the wall time is that of its neighbours as well.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from time import perf_counter, thread_time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.types import UNLABELLED, Rect

SIZE = (1200, 800)
BAR_MS = 16.0


Times = tuple[float, float]


class Painter:
    """Stands in for the document: paints discs along the stroke and says which rectangle changed."""

    def __init__(self, view: CanvasView, labels: NDArray[np.uint8], radius: int = 20) -> None:
        self.view, self.labels, self.radius = view, labels, radius
        grid = np.mgrid[-radius : radius + 1, -radius : radius + 1]
        self.disc = (grid**2).sum(axis=0) <= radius**2
        view.stroke_started.connect(self.dab)
        view.stroke_moved.connect(self.dab)

    def dab(self, xy: tuple[float, float], is_erasing: bool = False) -> None:
        col, row = int(xy[0]) - self.radius, int(xy[1]) - self.radius
        side = 2 * self.radius + 1
        rect = Rect(row, col, row + side, col + side).clipped(self.labels.shape)
        if not rect.is_empty:
            part = self.disc[rect.row0 - row : rect.row1 - row, rect.col0 - col : rect.col1 - col]
            self.labels[rect.slices][part] = 0 if is_erasing else 2
            self.view.labels.update(rect)


def make_view(megapixels: float) -> tuple[CanvasView, NDArray[np.uint8], Times]:
    """A canvas with an image of that size, and how long its first picture took."""
    cols = round((megapixels * 1.5e6) ** 0.5)
    rows = round(cols / 1.5)
    pixels = np.random.default_rng(0).integers(0, 255, (rows, cols, 3), np.uint8)
    labels = np.full((rows, cols), UNLABELLED, np.uint8)
    labels[rows // 4 : rows // 2, cols // 4 : cols // 2] = 1
    labels[rows // 2 : rows * 3 // 4, cols // 3 : cols * 3 // 4] = 3
    view = CanvasView()
    view.resize(*SIZE)
    view.labels.set_colours(colours(0))
    view.show()
    QApplication.processEvents()

    def open_image() -> None:
        view.image.set(pixels)
        view.labels.set(labels)
        view.repaint()

    return view, labels, timed(open_image)


def colours(turn: int) -> NDArray[np.uint8]:
    table = np.zeros((256, 4), np.uint8)
    table[1:4] = [[230, 159, turn % 250, 255], [86, 180, 233, 255], [0, 158, 115, 255]]
    return table


def settle(view: CanvasView) -> list[Times]:
    """Waits until the reduced copies are there; how long each turn kept the window waiting."""
    turns, until = [], perf_counter() + 20
    while not view.image.is_complete and perf_counter() < until:
        turns.append(timed(QApplication.processEvents))
    return turns


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of wall time and of this thread's own work."""
    start, own = perf_counter(), thread_time()
    action()
    return (perf_counter() - start) * 1e3, (thread_time() - own) * 1e3


def stroke(view: CanvasView, moves: int) -> list[Times]:
    """Time of each mouse move until the picture that shows it is there."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(view, left, none, QPoint(300, 400))
    times = []
    for step in range(moves):
        angle = step / 9
        where = QPoint(int(600 + 300 * np.cos(angle)), int(400 + 200 * np.sin(angle)))
        times.append(timed(lambda where=where: (QTest.mouseMove(view, where), QApplication.processEvents())))
    QTest.mouseRelease(view, left, none, where)
    return times


def frames(view: CanvasView, count: int) -> tuple[list[Times], list[Times]]:
    """Times of zoomed and of panned frames."""
    zooms, pans = [], []
    for step in range(count):
        factor = 1.25 if step % 20 < 10 else 0.8
        zooms.append(
            timed(lambda factor=factor: (view.camera.zoom_at(factor, QPointF(500, 300)), view.repaint()))
        )
    view.camera.zoom_to(0.7)
    for step in range(count):
        by = QPoint(9 if step % 40 < 20 else -9, 4 if step % 20 < 10 else -4)
        pans.append(timed(lambda by=by: (view.camera.pan_by(by), view.repaint())))
    return zooms, pans


def report(megapixels: float, what: str, times: list[Times]) -> None:
    wall, own = np.array(times or [(0.0, 0.0)]).T
    median, p95, own95 = np.median(wall), np.percentile(wall, 95), np.percentile(own, 95)
    verdict = "ok" if p95 <= BAR_MS else "over"
    row = f"| {megapixels:>4g} | {what:<24} | {len(wall):>4} | {median:7.2f} | {p95:7.2f} | {own95:7.2f} |"
    print(f"{row} {wall.max():7.2f} | {verdict:<9} |")


def measure(megapixels: float) -> None:
    view, labels, first = make_view(megapixels)
    report(megapixels, "first picture", [first])
    report(megapixels, "turns while refining", settle(view))
    painter = Painter(view, labels)
    view.pointer.set_tool(ToolName.BRUSH)
    view.pointer.set_brush_diameter(2 * painter.radius + 1)
    for name, scale in (("fit", view.camera.zoom), ("100 %", 1.0), ("400 %", 4.0)):
        view.camera.zoom_to(scale)
        view.repaint()
        report(megapixels, f"brush stroke, {name}", stroke(view, 150))
    view.camera.zoom_to_fit()
    zooms, pans = frames(view, 120)
    report(megapixels, "zoom frame", zooms)
    report(megapixels, "pan frame, 70 %", pans)
    view.camera.zoom_to_fit()
    turns = range(40)
    recoloured = [timed(lambda t=t: (view.labels.set_colours(colours(t)), view.repaint())) for t in turns]
    report(megapixels, "class recolour", recoloured)
    view.close()
    view.deleteLater()
    QApplication.processEvents()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 24, 100])
    arguments = parser.parse_args()
    QApplication([])
    print("|   MP | what                     |    n |  median |     p95 | own p95 |     max | bar 16 ms |")
    print("|------|--------------------------|------|---------|---------|---------|---------|-----------|")
    for megapixels in arguments.megapixels:
        measure(megapixels)


if __name__ == "__main__":
    main()
