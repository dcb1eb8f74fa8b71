"""Image -> encoding -> prediction of its classes, always of the live weights."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.interfaces import ErrorSink, Window
from latentseg_gui.controllers.jobs import Jobs, WorkerLostError
from latentseg_gui.controllers.prediction.class_mapping import LabelMap, Translator
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import EncodeImage, ImageEncoded, PredictClasses, PredictionExtras
from latentseg_gui.inference.request import Priority
from model.analysis.objects import ObjectOptions


class PredictController(QObject):
    """Keeps the current image encoded and predicted; the likely next ones are encoded in spare time."""

    encoded = Signal(str)
    """An image is ready for clicks."""

    failed = Signal(str, object)
    """An image could not be encoded, and the `LatentsegError` that says why; None where it is not wanted any more."""

    weights_missing = Signal()
    """An image is to be encoded, and no weights are in use yet."""

    forgotten = Signal()
    """The model has lost every image that it had seen."""

    def __init__(
        self,
        document: Document,
        *,
        engine: Jobs,
        translator: Translator,
        errors: ErrorSink,
        window: Window,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self._translator = translator
        self._errors = errors
        self._window = window
        self._weights: WeightsInfo | None = None
        self._labels = LabelMap()
        self._extras = PredictionExtras()
        self._encoded: set[str] = set()
        self._encoding: set[str] = set()
        self._lethal: set[str] = set()
        document.events.current_changed.connect(self._on_current_changed)
        document.events.images_changed.connect(self._on_images_changed)

    def is_encoded(self, image_id: str) -> bool:
        """Whether clicks on the image answer at once."""
        return image_id in self._encoded

    def is_fresh(self, image_id: str, version: str) -> bool:
        """Whether an answer about this image by this version of the weights still counts."""
        is_live = self._weights is not None and version == self._weights.version
        return is_live and image_id in self._document.images.ids

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live now: everything made by the old ones is made again."""
        self._weights = weights
        self._labels = LabelMap(weights)
        self._encoded.clear()
        self._encoding.clear()
        self._lethal.clear()
        self._document.predictions.mark_stale(version=weights.version)
        if self._document.images.current_id is not None:
            self.encode(self._document.images.current_id)

    def forget_encoded(self, *, has_successor: bool = True) -> None:
        """The model's process has ended with all that it had seen: the next one is shown the current image."""
        self._encoded.clear()
        self.forgotten.emit()
        current = self._document.images.current_id
        if has_successor and current is not None and current not in self._lethal:
            self.encode(current)

    def encode_again(self, image_id: str) -> None:
        """Lets the model see an image, whatever is believed of what it has seen."""
        self._encoded.discard(image_id)
        self.encode(image_id)

    @property
    def extras(self) -> PredictionExtras:
        """What makes predictions better, and slower, as it is switched now."""
        return self._extras

    def set_extra(self, name: str, is_wanted: bool) -> None:
        """Switches a field of `PredictionExtras`; the current image is predicted again, others when shown."""
        extras = replace(self._extras, **{name: is_wanted})  # type: ignore[arg-type]  # a switch
        if extras != self._extras:
            self._extras = extras
            self._document.predictions.mark_stale()
            if self._weights is not None:
                self.predict()

    def set_objects(self, options: ObjectOptions) -> None:
        """Takes how objects are made of predictions that are written to files; nothing is predicted again."""
        self._extras = replace(self._extras, objects=options)

    def encode(self, image_id: str, *, is_prefetch: bool = False) -> None:
        """Lets the model see an image, unless it has; the current one is predicted afterwards."""
        record = self._document.records.of(image_id)
        if self._weights is None:
            self.weights_missing.emit()
        if self._weights is None or record is None or image_id in self._encoding:
            return
        if image_id in self._encoded:
            self._predict_if_needed(image_id)
            return
        self._encoding.add(image_id)
        self._engine.submit(
            EncodeImage(image_id, record.pixels),
            self._on_encoded,
            title="" if is_prefetch else self.tr("Looking at the image"),
            key=f"encode {image_id}",
            priority=Priority.NORMAL if is_prefetch else None,
            is_fresh=lambda answer: self.is_fresh(answer.image_id, answer.version),
            on_stale=partial(self._on_dropped, image_id, is_stale=True),
            on_failure=partial(self._on_failed, image_id),
            on_cancelled=partial(self._on_dropped, image_id),
        )

    def prefetch(self, image_id: str) -> None:
        """Encodes an image that is likely to be looked at next, when there is nothing else to do."""
        if image_id not in self._encoded:
            self.encode(image_id, is_prefetch=True)

    def predict(self, image_id: str | None = None) -> None:
        """Predicts the classes of an image (the current one) again."""
        target = image_id or self._document.images.current_id
        if target is None:
            return
        self._lethal.discard(target)
        if target not in self._encoded:
            self.encode(target)
            return
        self._engine.submit(
            PredictClasses(target, self._extras),
            self._on_predicted,
            title=self.tr("Predicting"),
            key=f"predict {target}",
            is_fresh=lambda answer: self.is_fresh(answer.image_id, answer.version),
            on_failure=partial(self._on_prediction_failed, target),
        )

    def _predict_if_needed(self, image_id: str) -> None:
        is_old = self._document.predictions.is_stale(image_id)
        if image_id in self._lethal:
            return  # once more only if somebody asks for it
        if image_id == self._document.images.current_id and (
            self._document.predictions.of(image_id) is None or is_old
        ):
            self.predict(image_id)

    def _on_current_changed(self, image_id: str | None) -> None:
        if image_id is not None:
            self.encode(image_id)

    def _on_images_changed(self) -> None:
        self._encoded &= set(self._document.images.ids)

    def _on_encoded(self, answer: ImageEncoded) -> None:
        self._encoding.discard(answer.image_id)
        self._encoded.add(answer.image_id)
        if answer.image_id == self._document.images.current_id:
            self._window.set_timing_text(self.tr("image looked at in {0:.2f} s").format(answer.seconds))
        self.encoded.emit(answer.image_id)
        self._predict_if_needed(answer.image_id)

    def _on_failed(self, image_id: str, error: LatentsegError) -> None:
        self._lethal |= _lethal_of(image_id, error)
        self._encoding.discard(image_id)
        self.failed.emit(image_id, error)
        self._errors.report(error)

    def _on_dropped(self, image_id: str, *, is_stale: bool = False) -> None:
        """It was taken back; or weights that are not in use any more have encoded it, or it was removed meanwhile."""
        self._encoding.discard(image_id)
        if is_stale and image_id == self._document.images.current_id:
            self.encode(image_id)
        else:
            self.failed.emit(image_id, None)

    def _on_prediction_failed(self, image_id: str, error: LatentsegError) -> None:
        self._lethal |= _lethal_of(image_id, error)
        self._errors.report(error)

    def _on_predicted(self, answer: Prediction) -> None:
        self._translator.take(
            answer,
            self._labels,
            self._on_translated,
            is_current=partial(self.is_fresh, answer.image_id, answer.version),
        )

    def _on_translated(self, answer: Prediction) -> None:
        self._document.predictions.set(answer)
        self._window.set_timing_text(self.tr("predicted in {0:.2f} s").format(answer.seconds))


def _lethal_of(image_id: str, error: LatentsegError) -> set[str]:
    """What has ended the process twice would end it for ever if it were begun again with every new one."""
    return {image_id} if isinstance(error, WorkerLostError) else set()
