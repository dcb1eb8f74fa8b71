"""What is said beside the picture is about the picture that is shown."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.images.display import DisplayController
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import ImageRecord

SHAPE = (40, 60)


class Frame:
    """A window that remembers the last sentence."""

    cursor = ""

    def set_cursor_text(self, text: str) -> None:
        self.cursor = text


@pytest.fixture
def document() -> Document:
    document = Document()
    pixels, labels = np.zeros((*SHAPE, 3), np.uint8), np.zeros(SHAPE, np.uint8)
    for name in ("one", "other"):
        document.images.add_record(ImageRecord(name, pixels, pixels))
        document.predictions.set(Prediction(name, "v1", labels, labels))
    document.images.current_id = "one"
    return document


@pytest.fixture
def canvas(qtbot: QtBot) -> CanvasView:
    view = CanvasView()
    qtbot.addWidget(view)
    return view


def test_what_was_under_the_cursor_goes_with_its_image(document: Document, canvas: CanvasView) -> None:
    frame = Frame()
    display = DisplayController(document, canvas, window=frame)  # type: ignore[arg-type]
    display._on_current_changed("one")
    canvas.cursor_moved.emit(5.0, 6.0)
    assert frame.cursor.startswith("x 5  y 6")
    document.images.current_id = "other"
    assert frame.cursor == ""


def test_the_colours_of_uncertainty_are_explained(
    document: Document, canvas: CanvasView, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    monkeypatch.setattr(
        canvas.uncertainty, "set", lambda values, **style: captions.append(str(style.get("caption", "")))
    )
    display = DisplayController(document, canvas, window=Frame())  # type: ignore[arg-type]
    display._on_current_changed("one")
    display.set_uncertainty_visible(True)
    assert captions[-1] == "Unsure: how likely another class is than the one shown"
