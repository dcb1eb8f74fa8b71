"""The list with many objects in one image: opening, sorting, scrolling, one more object, in milliseconds.

python -m tests.benchmarks.object_list [--objects 10000]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from time import perf_counter

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.masks.object_table import TableUpdate, object_table, updated_table
from latentseg_gui.document.types import Provenance, Rect
from latentseg_gui.panels.objects import ObjectsLook, ObjectsPanel

PITCH = 40
FRAME_MS = 16.0


def crowded(objects: int) -> MaskLayer:
    """A mask of discs in rows, every second one without a number."""
    across = int(np.ceil(objects**0.5))
    layer = MaskLayer((across * PITCH, across * PITCH))
    rows, cols = np.mgrid[:PITCH, :PITCH]
    disc = (rows - PITCH / 2) ** 2 + (cols - PITCH / 2) ** 2 < (0.4 * PITCH) ** 2
    for index in range(objects):
        row, col = divmod(index, across)
        rect = Rect(row * PITCH, col * PITCH, (row + 1) * PITCH, (col + 1) * PITCH)
        number = index + 1 if index % 2 else None
        layer.write(rect, disc, 1 + index % 3, Provenance.CLICKED, number)
    return layer


def milliseconds(call: Callable[[], object], repeats: int = 5) -> tuple[float, float]:
    """Median and worst of some calls."""
    spent = []
    for _ in range(repeats):
        began = perf_counter()
        call()
        spent.append(1000 * (perf_counter() - began))
    return float(np.median(spent)), max(spent)


def main() -> None:
    """Prints a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    layer = crowded(parser.parse_args().objects)
    app = QApplication.instance() or QApplication([])
    shape = layer.shape
    whole = Rect.whole(shape)
    table = object_table(layer.labels, layer.provenance, layer.instances, at=whole, width=shape[1])
    print(f"{len(table):,} objects on {shape[1]} x {shape[0]} pixels (* beside the window)")

    def every() -> None:
        object_table(layer.labels, layer.provenance, layer.instances, at=whole, width=shape[1])

    def one_more() -> None:
        rect = Rect(1000, 1000, 1030, 1030)
        update = TableUpdate.of(table, layer.labels, layer.instances, rect)
        updated_table(table, update, layer.labels, layer.provenance, layer.instances)

    panel = ObjectsPanel()
    pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    panel.set_pictures(lambda rect: np.ascontiguousarray(pixels[rect.slices]))
    panel.resize(340, 700)
    panel.show()
    app.processEvents()
    look = ObjectsLook({0: "background", 1: "one", 2: "two", 3: "three"}, dict.fromkeys(range(4), "#56b4e9"))
    columns = iter([2, 1, 3, 4, 2] * 10)
    order = iter([Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder] * 25)
    bar = panel.view.verticalScrollBar()
    step = iter(range(0, 10**9, 9 * 30))

    def shown(call: Callable[[], object]) -> Callable[[], None]:
        def do() -> None:
            call()
            panel.view.viewport().repaint()

        return do

    def scroll() -> None:
        bar.setValue(next(step) % max(1, bar.maximum()))
        panel.view.viewport().repaint()

    for name, call, repeats in (
        ("* all objects, one pass", every, 3),
        ("one changed object", one_more, 20),
        ("opening", shown(lambda: panel.set_objects(table, look)), 9),
        ("sorting", shown(lambda: panel.view.sortByColumn(next(columns), next(order))), 20),
        ("searching", shown(lambda: panel.search.setText("two" if not panel.search.text() else "")), 20),
        ("a page of scrolling, pictures new", scroll, 60),
        ("choosing all", panel.view.selectAll, 3),
    ):
        median, worst = milliseconds(call, repeats)
        print(f"{name}: {median:.1f} ms, worst {worst:.1f} ms")


if __name__ == "__main__":
    main()
