"""Small pictures for the file list, made only for rows that are in view."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.io.images.thumbnails import thumbnail
from latentseg_gui.panels.files import FilesPanel

_SIDE = 128


class ThumbnailController(QObject):
    """Reads thumbnails in the background; a file that cannot be read says so in its row."""

    def __init__(
        self, document: Document, panel: FilesPanel, *, thumbnails: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._thumbnails = thumbnails
        panel.thumbnail_requested.connect(self._on_thumbnail_requested)

    def _on_thumbnail_requested(self, image_id: str) -> None:
        record, path = self._document.records.of(image_id), self._document.images.path(image_id)
        if record is not None:
            self._panel.set_thumbnail(image_id, _small(record))
        elif path is not None:
            self._thumbnails.submit(
                partial(thumbnail, path, _SIDE),
                partial(self._on_made, image_id),
                key=f"thumbnail {image_id}",
                is_current=partial(self._document.images.has, image_id),
                on_failure=partial(self._on_failed, image_id),
            )

    def _on_made(self, image_id: str, pixels: np.ndarray) -> None:
        self._panel.set_thumbnail(image_id, pixels)

    def _on_failed(self, image_id: str, error: LatentsegError) -> None:
        if self._document.records.of(image_id) is None:
            self._document.records.set_error(image_id, error)
            self._panel.set_error(image_id, str(error))


def _small(record: ImageRecord) -> np.ndarray:
    step = max(1, max(record.shape) // _SIDE)
    return np.ascontiguousarray(record.pixels[::step, ::step])
