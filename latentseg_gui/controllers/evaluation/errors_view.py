"""The errors of the current prediction over the image: what is missed, and what is wrongly taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.canvas.chrome.legend import LegendEntry
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.evaluation.evaluating import ErrorKind, LabelledPixels, by_hand, error_codes
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import BACKGROUND, Labels
from latentseg_gui.io.project.manifest import knows_classes
from model.analysis.cells import area_of, image_mark

_REST_MS = 120

_COLOURS = {ErrorKind.MISSED: "#ff2d95", ErrorKind.TAKEN: "#ffd400", ErrorKind.CONFUSED: "#00d5ff"}
"""Told apart by their lightness as well, whatever colours an eye sees."""


@dataclass(frozen=True, slots=True)
class ErrorsWork:
    """Works out the errors of one image, in another thread.

    Attributes:
        image: RGB, uint8 [H, W, 3].
        unpack: gives its mask.
        seen: cells that the weights have learned from, by image.
        pixels: which of the labelled pixels count.
        class_id: of the class that the errors are about; None for all.
    """

    image: np.typing.NDArray[np.uint8]
    unpack: Callable[[], Arrays]
    prediction: Prediction
    seen: dict[str, int]
    pixels: LabelledPixels
    class_id: int | None

    def __call__(self) -> tuple[Labels, tuple[int, ...]]:
        """Codes (`error_codes`) of the image, and how many pixels have each."""
        labels = by_hand(self.unpack())
        shape = int(labels.shape[0]), int(labels.shape[1])
        if self.pixels is LabelledPixels.ALL or not self.seen:
            where = np.full(shape, self.pixels is not LabelledPixels.TRAINED_ON)
        else:
            is_seen = area_of(self.seen.get(image_mark(self.image), 0), shape)
            where = is_seen if self.pixels is LabelledPixels.TRAINED_ON else ~is_seen
        codes = error_codes(labels, self.prediction.said, where, self.class_id, BACKGROUND)
        counts = (int(np.count_nonzero(codes == kind)) for kind in _COLOURS)
        return codes, tuple(counts)


class ErrorsView(QObject):
    """Lays the errors over the image, and keeps them up to date, while it is on."""

    changed = Signal(bool)
    """Whether it is on."""

    def __init__(
        self, document: Document, canvas: CanvasView, *, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._jobs = jobs
        self._weights: WeightsInfo | None = None
        self._is_on = False
        self._pixels = LabelledPixels.HELD_OUT
        self._class_id: int | None = None
        self._asked = 0
        self._timer = QTimer(self, singleShot=True, interval=_REST_MS)
        self._timer.timeout.connect(self._ask)
        events = document.events
        events.mask_changed.connect(self._on_changed)
        events.prediction_changed.connect(self._on_changed)
        events.record_changed.connect(self._on_changed)
        events.current_changed.connect(self._later)
        events.classes_changed.connect(self._on_classes_changed)

    @property
    def is_on(self) -> bool:
        """Whether errors lie over the image, where there are any."""
        return self._is_on

    @property
    def class_id(self) -> int | None:
        """The class that errors are about; None for all."""
        return self._class_id

    def set_on(self, is_on: bool) -> None:
        """Shows the errors, or mask and prediction again."""
        if is_on != self._is_on:
            self._is_on = is_on
            self._ask()
            self.changed.emit(is_on)

    def set_pixels(self, pixels: LabelledPixels) -> None:
        """Chooses which of the labelled pixels count."""
        self._pixels = pixels
        self._ask()

    def set_class(self, class_id: int | None) -> None:
        """Chooses the class that errors are about; None for all."""
        self._class_id = class_id
        self._ask()

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live."""
        self._weights = weights
        self._later()

    def _on_changed(self, image_id: str, *_: object) -> None:
        if image_id == self._document.images.current_id:
            self._later()

    def _on_classes_changed(self) -> None:
        if self._class_id not in self._document.classes.ids:
            self._class_id = None
        self._later()

    def _later(self, *_: object) -> None:
        if self._is_on:
            self._timer.start()

    def _ask(self) -> None:
        self._asked += 1
        work = self._work() if self._is_on else None
        if work is None:
            self._canvas.errors.set(None)
            return
        asked = self._asked
        self._jobs.submit(work, self._show, key="errors view", is_current=lambda: asked == self._asked)

    def _work(self) -> ErrorsWork | None:
        """What is to be worked out; None where there is nothing to compare."""
        image_id, weights = self._document.images.current_id, self._weights
        record = None if image_id is None else self._document.records.of(image_id)
        prediction = None if image_id is None else self._document.predictions.of(image_id)
        if image_id is None or weights is None or record is None or prediction is None:
            return None
        if prediction.version != weights.version or not knows_classes(weights.version):
            return None
        layer = self._document.masks.layer(image_id)
        return ErrorsWork(
            record.pixels, layer.snapshot(), prediction, weights.seen, self._pixels, self._class_id
        )

    def _show(self, answer: tuple[Labels, tuple[int, ...]]) -> None:
        codes, counts = answer
        words = {
            ErrorKind.MISSED: self.tr("missed"),
            ErrorKind.TAKEN: self.tr("wrongly predicted"),
            ErrorKind.CONFUSED: self.tr("predicted as another class"),
        }
        there = {kind: count for kind, count in zip(_COLOURS, counts, strict=True) if count}
        entries = {
            kind: LegendEntry(self.tr("{0}: {1} px").format(words[kind], f"{count:,}"), _COLOURS[kind])
            for kind, count in (there or {ErrorKind.MISSED: 0, ErrorKind.TAKEN: 0}).items()
        }
        self._canvas.errors.set(codes, entries)
