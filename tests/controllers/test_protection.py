"""What "protect other classes" keeps, whatever writes; and answers about what is not there any more."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtWidgets import QCheckBox

from latentseg_gui.app.session import Session
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.prediction.class_mapping import Translator
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptPoint, PromptSet
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.inference.messages import ImageEncoded
from tests.held import HeldJobs

SHAPE = (40, 60)
KEPT = Rect(10, 20, 30, 40)
"""Where another class is."""


@pytest.fixture
def protected(composed: Session) -> Session:
    """An image with a rectangle of class 2; class 1 is in use, and others are protected by the switch itself."""
    composed.classes.add_class()
    composed.images.paste(np.full((*SHAPE, 3), 120, np.uint8))
    image_id = composed.document.images.current_id or ""
    where = np.ones(KEPT.shape, np.bool_)
    composed.history.do(area_patch(composed.document, image_id, KEPT, where, Ink(2), "Rectangle"))
    composed.document.active_class = 1
    switch = next(
        each for each in composed.window.options.findChildren(QCheckBox) if "Protect" in each.text()
    )
    switch.setChecked(False)
    switch.click()
    return composed


def labels(session: Session) -> np.ndarray:
    return np.array(session.document.masks.labels(session.document.images.current_id or ""))


def inside() -> tuple[slice, slice]:
    return slice(KEPT.row0, KEPT.row1), slice(KEPT.col0, KEPT.col1)


def write(session: Session, how: str) -> None:
    canvas, document = session.window.canvas, session.document
    image_id = document.images.current_id or ""
    outline = [(2.0, 2.0), (58.0, 2.0), (58.0, 38.0), (2.0, 38.0)]
    if how == "brush":
        session.tool.use_tool(session.tool.tool)
        session.tool.options.brush_diameter = 9.0
        canvas.stroke_started.emit((5.0, 20.0), False)
        canvas.stroke_moved.emit((55.0, 20.0))
        canvas.stroke_finished.emit()
    elif how == "polygon":
        canvas.polygon_completed.emit(outline)
    elif how == "lasso":
        canvas.lasso_completed.emit(outline)
    elif how == "wand":
        canvas.wand_requested.emit(5.0, 5.0)
    else:
        prompts = PromptSet((PromptPoint((5.0, 5.0), True),))
        document.prompts.set(image_id, prompts)
        mask = np.ones(SHAPE, np.bool_)
        document.prompts.set_proposal(
            image_id, MaskProposal(image_id, "v1", Rect(0, 0, *SHAPE), mask, 0.9, prompts)
        )
        session.segment.accept()


@pytest.mark.parametrize("how", ["accept", "brush", "polygon", "lasso", "wand"])
def test_what_is_protected_stays_and_the_rest_is_written(protected: Session, how: str) -> None:
    write(protected, how)
    found = labels(protected)
    assert (found[inside()] == 2).all()
    assert (found == 1).sum() > 100


@pytest.mark.parametrize("how", ["accept", "brush", "polygon", "lasso", "wand"])
def test_without_protection_it_is_written_over(protected: Session, how: str) -> None:
    switch = next(
        each for each in protected.window.options.findChildren(QCheckBox) if "Protect" in each.text()
    )
    switch.click()
    write(protected, how)
    assert (labels(protected)[inside()] == 1).any()


@dataclass
class Quiet:
    """Hears what is said."""

    said: list[str] = field(default_factory=list)

    def set_timing_text(self, text: str) -> None:
        self.said.append(text)

    def report(self, error: Exception) -> None:
        raise error

    def inform(self, sentence: str) -> None:
        self.said.append(sentence)


def weights(version: str) -> WeightsInfo:
    return WeightsInfo(version, None, ("background", "object"), (), 4, 2, "CPU", "")


def test_an_answer_about_an_image_that_was_removed_is_dropped(qapp: object) -> None:
    document, engine, quiet = Document(), HeldJobs(), Quiet()
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    for name in ("gone", "here"):
        document.images.add_record(ImageRecord(name, pixels, pixels))
    predict = PredictController(
        document,
        engine=engine,
        translator=Translator(document, engine),
        errors=quiet,
        window=quiet,  # type: ignore[arg-type]
    )
    predict.use_weights(weights("v1"))
    document.images.current_id = "gone"
    engine.answer(lambda _: ImageEncoded("gone", "v1", 0.1))
    predict.encode_again("gone")
    assert predict.is_fresh("gone", "v1")
    quiet.said.clear()
    document.images.current_id = "here"
    document.images.remove("gone")
    assert not predict.is_fresh("gone", "v1")
    answer = np.zeros(SHAPE, np.uint8)
    engine.answer(lambda _: Prediction("gone", "v1", answer, np.full(SHAPE, 200, np.uint8)))
    engine.answer(lambda _: ImageEncoded("gone", "v1", 0.1))
    assert not predict.is_encoded("gone")
    assert quiet.said == []
    assert document.images.ids == ("here",)


def test_an_answer_of_weights_that_are_not_in_use_is_dropped(qapp: object) -> None:
    document, engine, quiet = Document(), HeldJobs(), Quiet()
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    document.images.add_record(ImageRecord("here", pixels, pixels))
    predict = PredictController(
        document,
        engine=engine,
        translator=Translator(document, engine),
        errors=quiet,
        window=quiet,  # type: ignore[arg-type]
    )
    predict.use_weights(weights("v2"))
    assert predict.is_fresh("here", "v2")
    assert not predict.is_fresh("here", "v1")
