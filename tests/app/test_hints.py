"""The one line below the picture says why a stroke is not seen, or not everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentseg_gui.app.hints import hint
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptPoint, PromptSet
from latentseg_gui.document.types import ImageRecord, Rect


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


def test_with_the_brush_in_the_hand_clicks_are_not_spoken_of(document: Document) -> None:
    prompts = PromptSet((PromptPoint((2.5, 2.5), True),))
    document.prompts.set("a", prompts)
    proposal = MaskProposal("a", "live", Rect(2, 2, 3, 3), np.ones((1, 1), bool), 0.9, prompts)
    document.prompts.set_proposal("a", proposal)
    assert "right-click where it is too much" in said(document, ToolName.CLICK)
    for tool in (ToolName.BRUSH, ToolName.ERASER, ToolName.FILL):
        text = said(document, tool)
        assert text.startswith("accept accepts the object that is proposed, cancel clears it.")
        assert "right-click where" not in text
        assert len(text) < 200, "two lines hold it"
    assert "Paint" in said(document)


def test_nothing_is_said_of_classes_without_an_image(document: Document) -> None:
    change(document, 1, is_locked=True)
    document.images.current_id = None
    assert "Locked" not in said(document)
