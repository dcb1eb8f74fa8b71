"""The areas of the classes are right, whatever is painted while they are counted."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.masks.areas import AreasController
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import ImageRecord, Rect

SHAPE = (700, 900)


class Shown:
    """Remembers the areas that were last shown."""

    def __init__(self) -> None:
        self.areas: dict[int, int] = {}
        self.total = -1

    def set_areas(self, areas: dict[int, int], total: int) -> None:
        self.areas, self.total = {key: count for key, count in areas.items() if count}, total


@pytest.fixture
def document() -> Document:
    document = Document()
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    document.images.add_record(ImageRecord("image", pixels, pixels))
    document.images.current_id = "image"
    return document


def paint(document: Document, rect: Rect, class_id: int) -> None:
    where = np.ones(rect.shape, np.bool_)
    History(document).do(area_patch(document, "image", rect, where, Ink(class_id), "Brush stroke"))


def test_every_class_is_counted_once_the_mask_rests(document: Document, qtbot: QtBot) -> None:
    shown = Shown()
    areas = AreasController(document, shown)
    paint(document, Rect(0, 0, 600, 500), 1)
    paint(document, Rect(100, 0, 110, 20), 0)
    qtbot.waitUntil(lambda: shown.areas == {0: 200, 1: 600 * 500 - 200})
    assert shown.total == SHAPE[0] * SHAPE[1]
    areas.deleteLater()


def test_what_is_painted_while_it_counts_is_counted_too(document: Document, qtbot: QtBot) -> None:
    shown = Shown()
    areas = AreasController(document, shown)
    paint(document, Rect(0, 0, 600, 500), 1)
    areas._show()
    paint(document, Rect(0, 0, 10, 10), 0)
    qtbot.waitUntil(lambda: shown.areas == {0: 100, 1: 600 * 500 - 100})
    areas.deleteLater()


def test_an_image_that_nobody_touched_has_no_areas(document: Document, qtbot: QtBot) -> None:
    shown = Shown()
    areas = AreasController(document, shown)
    areas._show()
    assert shown.areas == {}
    assert shown.total == SHAPE[0] * SHAPE[1]
    document.images.current_id = None
    qtbot.waitUntil(lambda: shown.total == 0)
    areas.deleteLater()
