"""The one line below the picture says why a stroke is not seen, or not everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentseg_gui.app.hints import hint
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.types import ImageRecord


@pytest.fixture
def document() -> Document:
    document = Document()
    document.set_classes(ClassTable.from_names(("background", "dog", "street")))
    pixels = np.zeros((4, 5, 3), np.uint8)
    document.images.add_record(ImageRecord("a", pixels, pixels))
    document.images.current_id = "a"
    document.active_class = 2
    return document


def change(document: Document, class_id: int, **state: bool) -> None:
    entries = list(document.classes)
    entries[class_id] = replace(entries[class_id], **state)
    document.set_classes(ClassTable(tuple(entries)))


def said(document: Document, tool: ToolName = ToolName.BRUSH) -> str:
    return hint(document, tool, True, lambda name: name)


def test_painting_a_hidden_class_is_explained(document: Document) -> None:
    assert "hidden" not in said(document)
    change(document, 2, is_visible=False)
    assert "“street” is hidden: open its eye to see it." in said(document)
    assert "hidden" not in said(document, ToolName.PICKER)


def test_classes_that_strokes_leave_alone_are_named(document: Document) -> None:
    change(document, 1, is_locked=True)
    assert said(document).endswith("Locked, so not changed: “dog”.")
    assert said(document, ToolName.ERASER).endswith("Locked, so not changed: “dog”.")


def test_nothing_is_said_of_classes_without_an_image(document: Document) -> None:
    change(document, 1, is_locked=True)
    document.images.current_id = None
    assert "Locked" not in said(document)
