"""Image -> encoding -> prediction, and clicks -> proposal -> mask."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas.view import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.proposals import accept_prediction, accept_proposal
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.labels import LabelMap
from latentseg_gui.controllers.ports import ErrorSink, Window
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import MaskProposal, Prediction, PromptPoint, PromptSet, WeightsInfo
from latentseg_gui.inference.messages import EncodeImage, ImageEncoded, PredictClasses, SegmentObject

_CLICK, _ENCODE, _PREDICT, _PREFETCH = 30, 20, 10, 0


class SegmentController(QObject):
    """Keeps prediction and proposal of the current image in step with image, clicks and weights."""

    encoded = Signal(str)
    """An image is ready for clicks."""

    accepted = Signal(str)
    """A proposal or prediction became part of the mask of an image."""

    def __init__(
        self,
        document: Document,
        history: History,
        canvas: CanvasView,
        *,
        engine: Jobs,
        errors: ErrorSink,
        window: Window,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._canvas = canvas
        self._engine = engine
        self._errors = errors
        self._window = window
        self._weights: WeightsInfo | None = None
        self._labels = LabelMap()
        self._encoded: set[str] = set()
        self._encoding: set[str] = set()
        self._protect_others = False
        document.events.current_changed.connect(self._on_current_changed)
        document.events.images_changed.connect(self._on_images_changed)
        canvas.prompt_added.connect(self.add_click)
        canvas.box_added.connect(self.add_box)
        canvas.prompt_moved.connect(self.move_click)
        canvas.prompt_removed.connect(self.remove_click)

    def is_encoded(self, image_id: str) -> bool:
        """Whether clicks on the image answer at once."""
        return image_id in self._encoded

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live now: everything made by the old ones is made again."""
        self._weights = weights
        self._labels = LabelMap(weights)
        self._encoded.clear()
        self._encoding.clear()
        self._document.mark_predictions_stale()
        if self._document.current_id is not None:
            self.encode(self._document.current_id)

    def encode(self, image_id: str, *, is_prefetch: bool = False) -> None:
        """Lets the model see an image, unless it has; the current one is predicted afterwards."""
        record = self._document.record(image_id)
        if self._weights is None or record is None or image_id in self._encoding:
            return
        if image_id in self._encoded:
            self._follow_up(image_id)
            return
        self._encoding.add(image_id)
        self._engine.submit(
            EncodeImage(image_id, record.pixels),
            self._on_encoded,
            title="" if is_prefetch else self.tr("Encoding"),
            key=f"encode {image_id}",
            priority=_PREFETCH if is_prefetch else _ENCODE,
            on_failure=partial(self._on_encoding_failed, image_id),
            on_cancelled=partial(self._encoding.discard, image_id),
        )

    def prefetch(self, image_id: str) -> None:
        """Encodes an image that is likely to be looked at next, when there is nothing else to do."""
        if image_id not in self._encoded:
            self.encode(image_id, is_prefetch=True)

    def predict(self, image_id: str | None = None) -> None:
        """Predicts the classes of an image (the current one) again."""
        target = image_id or self._document.current_id
        if target is None:
            return
        if target not in self._encoded:
            self.encode(target)
            return
        self._engine.submit(
            PredictClasses(target),
            self._on_predicted,
            title=self.tr("Predicting"),
            key=f"predict {target}",
            priority=_PREDICT,
        )

    def set_protect_others(self, is_on: bool) -> None:
        """Keeps accepted objects from covering pixels of other classes, or no longer."""
        self._protect_others = is_on

    def add_click(self, x: float, y: float, is_positive: bool) -> None:
        """One more click; it waits, and says so, where the image is not encoded yet."""
        image_id = self._document.current_id
        if image_id is None:
            return
        prompts = self._document.prompts(image_id)
        point = PromptPoint((x, y), is_positive)
        self._set_prompts(image_id, replace(prompts, points=(*prompts.points, point)))

    def add_box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A box round the object; it replaces the one before."""
        image_id = self._document.current_id
        if image_id is not None:
            box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            self._set_prompts(image_id, replace(self._document.prompts(image_id), box=box))

    def move_click(self, index: int, x: float, y: float) -> None:
        """A marker was dragged elsewhere."""
        image_id = self._document.current_id
        if image_id is None:
            return
        prompts = self._document.prompts(image_id)
        points = list(prompts.points)
        points[index] = replace(points[index], xy=(x, y))
        self._set_prompts(image_id, replace(prompts, points=tuple(points)))

    def remove_click(self, index: int) -> None:
        """A marker was taken away."""
        image_id = self._document.current_id
        if image_id is None:
            return
        prompts = self._document.prompts(image_id)
        points = prompts.points[:index] + prompts.points[index + 1 :]
        self._set_prompts(image_id, replace(prompts, points=points))

    def drop_last(self) -> None:
        """Takes the last click back; the box when there is no click left."""
        image_id = self._document.current_id
        if image_id is None:
            return
        prompts = self._document.prompts(image_id)
        if prompts.points:
            self._set_prompts(image_id, replace(prompts, points=prompts.points[:-1]))
        elif prompts.box is not None:
            self._set_prompts(image_id, PromptSet())

    def clear(self) -> None:
        """Throws clicks and proposal away."""
        if self._document.current_id is not None:
            self._set_prompts(self._document.current_id, PromptSet())

    def accept(self) -> None:
        """Makes the proposal part of the mask, as one step."""
        image_id = self._document.current_id
        proposal = self._document.proposal(image_id) if image_id is not None else None
        if image_id is None or proposal is None:
            return
        step = accept_proposal(
            self._document, proposal, self._document.active_class, protect_others=self._protect_others
        )
        self._history.do(step)
        self._set_prompts(image_id, PromptSet())
        self.accepted.emit(image_id)

    def accept_prediction(self) -> None:
        """Makes the prediction part of the mask wherever nobody has vouched yet."""
        image_id = self._document.current_id
        if image_id is None or self._document.record(image_id) is None:
            return
        if self._document.prediction(image_id) is None:
            self._errors.inform(self.tr("There is no prediction of this image yet."))
            return
        self._history.do(accept_prediction(self._document, image_id))
        self.accepted.emit(image_id)

    def _set_prompts(self, image_id: str, prompts: PromptSet) -> None:
        self._document.set_prompts(image_id, prompts)
        if prompts.is_empty:
            self._document.set_proposal(image_id, None)
            self._canvas.set_pending(False)
            return
        self._request_proposal(image_id)

    def _request_proposal(self, image_id: str) -> None:
        self._canvas.set_pending(True)
        if image_id not in self._encoded:
            self.encode(image_id)
            return
        self._engine.submit(
            SegmentObject(image_id, self._document.prompts(image_id)),
            self._on_proposed,
            key="segment",
            priority=_CLICK,
            on_failure=self._on_proposal_failed,
        )

    def _follow_up(self, image_id: str) -> None:
        """What an image needs once it is encoded: its open clicks answered, and a fresh prediction."""
        if image_id != self._document.current_id:
            return
        if not self._document.prompts(image_id).is_empty:
            self._request_proposal(image_id)
        if self._document.prediction(image_id) is None or self._document.is_prediction_stale(image_id):
            self.predict(image_id)

    def _on_current_changed(self, image_id: str | None) -> None:
        self._canvas.set_pending(False)
        if image_id is not None:
            self.encode(image_id)

    def _on_images_changed(self) -> None:
        self._encoded &= set(self._document.image_ids)

    def _on_encoded(self, answer: object) -> None:
        if not isinstance(answer, ImageEncoded):
            return
        self._encoding.discard(answer.image_id)
        if self._weights is None or answer.version != self._weights.version:
            if answer.image_id == self._document.current_id:
                self.encode(answer.image_id)
            return
        if answer.image_id not in self._document.image_ids:
            return
        self._encoded.add(answer.image_id)
        self.encoded.emit(answer.image_id)
        if answer.image_id == self._document.current_id:
            self._window.set_timing_text(self.tr("encoded in {0:.2f} s").format(answer.seconds))
        self._follow_up(answer.image_id)

    def _on_encoding_failed(self, image_id: str, error: LatentsegError) -> None:
        self._encoding.discard(image_id)
        self._canvas.set_pending(False)
        self._errors.report(error)

    def _on_predicted(self, answer: object) -> None:
        if not isinstance(answer, Prediction) or not self._is_fresh(answer.image_id, answer.version):
            return
        labels = self._labels.to_document(answer.labels, self._document.classes)
        self._document.set_prediction(replace(answer, labels=labels))
        self._window.set_timing_text(self.tr("predicted in {0:.2f} s").format(answer.seconds))

    def _on_proposed(self, answer: object) -> None:
        if not isinstance(answer, MaskProposal) or not self._is_fresh(answer.image_id, answer.version):
            return
        if answer.prompts != self._document.prompts(answer.image_id):
            return  # the user has clicked on; the newer answer is on its way
        self._document.set_proposal(answer.image_id, answer)
        if answer.image_id == self._document.current_id:
            self._canvas.set_pending(False)
            self._window.set_timing_text(
                self.tr("click answered in {0:.0f} ms").format(1000 * answer.seconds)
            )

    def _on_proposal_failed(self, error: LatentsegError) -> None:
        self._canvas.set_pending(False)
        self._errors.report(error)

    def _is_fresh(self, image_id: str, version: str) -> bool:
        is_live = self._weights is not None and version == self._weights.version
        return is_live and image_id in self._document.image_ids
