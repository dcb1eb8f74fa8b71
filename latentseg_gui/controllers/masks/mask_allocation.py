"""The arrays of a large mask are made beside the window, before the first stroke needs them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import MaskLayer, blank_arrays

LARGE = 8_000_000
"""Masks of more pixels than this are provided for; smaller ones are made within a frame."""


class MaskAllocation(QObject):
    """Provides for the first edit of the image that is looked at; two bytes per pixel, and for that one only."""

    def __init__(self, document: Document, *, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._image: str | None = None
        document.events.current_changed.connect(self._on_current_changed)
        document.events.record_changed.connect(self._on_record_changed)

    def _on_current_changed(self, image_id: str | None) -> None:
        before, self._image = self._image, None
        if before is not None and self._has_layer(before):
            self._document.masks.layer(before).withdraw()
        if image_id is not None:
            self._on_record_changed(image_id)

    def _on_record_changed(self, image_id: str) -> None:
        if (
            image_id != self._document.images.current_id
            or image_id == self._image
            or not self._has_layer(image_id)
        ):
            return
        layer = self._document.masks.layer(image_id)
        if layer.shape[0] * layer.shape[1] > LARGE and not layer.is_touched:
            self._image = image_id
            make = partial(blank_arrays, layer.shape)
            self._jobs.submit(
                make,
                layer.provide,
                key="blank mask",
                is_current=partial(self._is_wanted, image_id, layer),
            )

    def _is_wanted(self, image_id: str, layer: MaskLayer) -> bool:
        is_shown = image_id == self._image and self._has_layer(image_id)
        return is_shown and self._document.masks.layer(image_id) is layer

    def _has_layer(self, image_id: str) -> bool:
        return self._document.images.has(image_id) and self._document.masks.shape(image_id) is not None
