"""Two layers beside a divider: mask and prediction, or the predictions of two versions of the weights."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import Labels, Prediction, Rect

What = Literal["", "mask", "earlier"]

_KEPT_IMAGES = 8


class CompareController(QObject):
    """Keeps the comparison in step with what is shown; it ends where there is nothing to compare.

    Signals:
        changed: what is compared: "mask", "earlier" or "" for nothing.
    """

    changed = Signal(str)

    def __init__(
        self, document: Document, canvas: CanvasView, *, errors: ErrorSink, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._errors = errors
        self._what: What = ""
        self._shown: Labels | None = None
        self._last: OrderedDict[str, Prediction] = OrderedDict()
        self._earlier: dict[str, Prediction] = {}
        document.events.prediction_changed.connect(self._on_prediction_changed)
        document.events.current_changed.connect(self._on_current_changed)
        document.events.record_changed.connect(self._on_record_changed)
        document.events.mask_changed.connect(self._on_mask_changed)

    @property
    def what(self) -> What:
        """What is compared."""
        return self._what

    def set_mask(self, is_on: bool) -> None:
        """Compares the mask with the prediction, or ends that."""
        self._choose("mask", is_on)

    def set_earlier(self, is_on: bool) -> None:
        """Compares what earlier weights said with what those in use say, or ends that."""
        self._choose("earlier", is_on)

    def _choose(self, what: What, is_on: bool) -> None:
        if is_on == (self._what == what):
            return
        self._what = what if is_on else ""
        if is_on and not self._show():
            self._errors.inform(self._what_is_missing())
            self._what = ""
        if not self._what:
            self._end()
        self.changed.emit(self._what)

    def _what_is_missing(self) -> str:
        if self._what == "earlier":
            return self.tr("No earlier weights have predicted this image in this session.")
        return self.tr("There is no prediction of this image to compare the mask with yet.")

    def _show(self) -> bool:
        image_id = self._document.current_id
        now = self._document.prediction(image_id) if image_id is not None else None
        if image_id is None or now is None or self._document.record(image_id) is None:
            return False
        if self._what == "mask":
            self._shown = self._document.labels(image_id)
            self._canvas.set_compare(self._shown, now.labels, (self.tr("mask"), now.version))
            return True
        before = self._earlier.get(image_id)
        if before is None:
            return False
        self._canvas.set_compare(before.labels, now.labels, (before.version, now.version))
        return True

    def _end(self) -> None:
        self._shown = None
        self._canvas.set_compare(None, None)

    def _again(self) -> None:
        if self._what and not self._show():
            self._end()

    def _on_prediction_changed(self, image_id: str) -> None:
        prediction = self._document.prediction(image_id)
        if prediction is None or prediction.is_altered:
            return
        last = self._last.get(image_id)
        if last is not None and last.version != prediction.version:
            self._earlier[image_id] = last
        self._last[image_id] = prediction
        self._last.move_to_end(image_id)
        while len(self._last) > _KEPT_IMAGES:
            oldest, _ = self._last.popitem(last=False)
            self._earlier.pop(oldest, None)
        if image_id == self._document.current_id:
            self._again()

    def _on_current_changed(self, image_id: str | None) -> None:
        self._again()

    def _on_record_changed(self, image_id: str) -> None:
        if image_id == self._document.current_id:
            self._again()

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        is_mask = self._what == "mask" and image_id == self._document.current_id
        if not is_mask or self._shown is None:
            return
        # The first write to a mask makes its array; what was handed out before does not follow.
        if not np.may_share_memory(self._document.labels(image_id), self._shown):
            self._again()
