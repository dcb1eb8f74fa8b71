"""Objects in colours of their own: worked out where they are drawn, whatever the size of the image."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.images.display import DisplayController
from latentseg_gui.controllers.masks.object_view import object_codes, object_colours
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import BACKGROUND, ImageRecord, Provenance, Rect

SHAPE = (240, 320)


class Frame:
    """A window that hears nothing."""

    def set_cursor_text(self, text: str) -> None:
        """Nobody reads it."""


@pytest.fixture
def document() -> Document:
    document = Document()
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    document.images.add_record(ImageRecord("image", pixels, pixels))
    document.images.current_id = "image"
    return document


def paint(document: Document, rect: Rect, class_id: int, instance: int | None) -> None:
    where = np.ones(rect.shape, np.bool_)
    document.masks.write("image", rect, where, class_id, Provenance.PAINTED, instance)


def shown(view: CanvasView, x: int, y: int) -> tuple[int, ...]:
    position = view.camera.viewport.to_logical((x + 0.5, y + 0.5)).toPoint()
    return view.grab().toImage().pixelColor(position).getRgb()[:3]


def test_objects_made_while_they_are_shown_get_colours_and_undo_takes_them(
    qtbot: QtBot, document: Document
) -> None:
    view = CanvasView()
    qtbot.addWidget(view)
    view.resize(700, 520)
    view.show()
    display = DisplayController(document, view, window=Frame())  # type: ignore[arg-type]
    display._on_current_changed("image")
    view.labels.set_opacity(1.0)
    display.set_objects_visible(True)
    paint(document, Rect(20, 20, 60, 60), 1, None)
    one_class = shown(view, 40, 40)
    paint(document, Rect(20, 100, 60, 140), 1, 2)
    paint(document, Rect(20, 180, 60, 220), 1, 3)
    colours = [shown(view, x, 40) for x in (40, 120, 200)]
    assert colours[0] == one_class, "without a number it keeps the colour of its class"
    assert len(set(colours)) == 3
    table = object_colours(document)
    for x, colour in zip((120, 200), colours[1:], strict=True):
        number = int(document.masks.instances("image")[40, x])
        assert np.abs(np.subtract(table[number, :3].astype(int), colour)).max() < 8
    paint(document, Rect(20, 100, 60, 140), 0, 0)
    assert len({shown(view, x, 40) for x in range(110, 130)}) == 2, "labelled background is hatched here, too"
    document.set_classes(document.classes.replaced(BACKGROUND, is_visible=False))
    assert shown(view, 120, 40) == (0, 0, 0)
    display.set_objects_visible(False)
    assert shown(view, 200, 40) == shown(view, 40, 40)


def test_nothing_of_the_size_of_the_image_is_made(document: Document) -> None:
    paint(document, Rect(0, 0, 9, 9), 1, 3)
    codes = object_codes(document, "image")
    assert codes.numbers is not None
    assert np.shares_memory(codes.numbers, document.masks.instances("image"))


def test_a_mask_that_is_read_takes_the_place_of_the_one_shown(qtbot: QtBot, document: Document) -> None:
    view = CanvasView()
    qtbot.addWidget(view)
    view.resize(700, 520)
    view.show()
    display = DisplayController(document, view, window=Frame())  # type: ignore[arg-type]
    display._on_current_changed("image")
    paint(document, Rect(20, 20, 60, 60), 1, None)
    assert shown(view, 40, 40) != (0, 0, 0)
    document.set_classes(document.classes.replaced(BACKGROUND, is_visible=False))
    document.masks.load("image", np.zeros(SHAPE, np.uint8), np.full(SHAPE, 3, np.uint8))
    assert shown(view, 40, 40) == (0, 0, 0)
