"""A document with one image that has been painted on, and the controllers of clicks on it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.prediction.in_turn import InTurn
from latentseg_gui.controllers.prediction.meanings import MeaningsController
from latentseg_gui.controllers.prediction.pointing import PointingController
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.types import ImageRecord, Mask, Rect
from tests.held import HeldJobs

SHAPE = (12, 16)


class Encoder(QObject):
    """Stands in for the prediction controller: every image is encoded."""

    encoded = Signal(str)
    failed = Signal(str)
    forgotten = Signal()

    def is_encoded(self, image_id: str) -> bool:
        return True

    def is_fresh(self, image_id: str, version: str) -> bool:
        return version == "live"


class Silent:
    """Hears what the user is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def set_timing_text(self, text: str) -> None:
        pass

    def report(self, error: Exception) -> None:
        raise error

    def inform(self, sentence: str) -> None:
        self.said.append(sentence)


class Nowhere:
    """No edit of so small an image runs anywhere but here."""


class Hand:
    """One document with an image that has been painted on, and the controller of clicks."""

    def __init__(self, canvas: CanvasView) -> None:
        self.document = Document()
        pixels = np.zeros((*SHAPE, 3), np.uint8)
        self.document.images.add_record(ImageRecord("image", pixels, pixels))
        self.document.images.current_id = "image"
        self.history = History(self.document)
        rect = Rect(2, 3, 8, 9)
        where = np.ones(rect.shape, np.bool_)
        self.history.do(area_patch(self.document, "image", rect, where, Ink(1), "Brush stroke"))
        self.engine, heard = HeldJobs(), Silent()
        encoder = Encoder()
        meanings = MeaningsController(
            self.document,
            canvas,
            encoder,  # type: ignore[arg-type]
            engine=self.engine,
            errors=Silent(),  # type: ignore[arg-type]
        )
        self.segment = SegmentController(
            self.document,
            EditQueue(self.document, self.history, canvas, jobs=Nowhere(), errors=Silent()),  # type: ignore[arg-type]
            canvas,
            encoder,  # type: ignore[arg-type]
            meanings,
            engine=self.engine,
            errors=Silent(),  # type: ignore[arg-type]
            window=Silent(),  # type: ignore[arg-type]
        )
        self.in_turn = InTurn(
            self.document,
            encoder,  # type: ignore[arg-type]
            self.segment,
            meanings,
            engine=self.engine,
            errors=heard,  # type: ignore[arg-type]
        )
        self.said = heard.said
        self.pointing = PointingController(self.document, canvas, self.segment, self.in_turn)

    def mask(self) -> tuple[np.ndarray, ...]:
        layer = self.document.masks.layer("image")
        return np.array(layer.labels), np.array(layer.provenance), np.array(layer.instances)

    def answer(
        self, which: int, corner: tuple[int, int], mask: Mask, version: str, *, is_refining: bool = False
    ) -> None:
        """Answers one of the requests, roughly or for good, perhaps long after it was overtaken."""
        if not self.engine.requests:
            return
        index = which % len(self.engine.requests)
        request = self.engine.requests[index]
        row, col = corner
        rect = Rect(row, col, row + mask.shape[0], col + mask.shape[1])
        proposal = MaskProposal("image", version, rect, mask, 0.9, request.prompts, is_refining=is_refining)
        if is_refining:
            self.engine.report(proposal, index)
        else:
            self.engine.answer(lambda _: proposal, index)
