"""How much of the image each class covers."""

from __future__ import annotations

from typing import Final, Protocol

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.document.document import Document
from latentseg_gui.document.types import UNLABELLED, Rect

_TELL_MS: Final = 50
"""A mask that changes all the time is shown this often."""


class AreaList(Protocol):
    """Where areas are shown."""

    def set_areas(self, areas: dict[int, int], total: int) -> None:
        """Pixels by class id, and of the whole image."""


class AreasController(QObject):
    """Shows what the mask of the current image has counted."""

    def __init__(self, document: Document, shown: AreaList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shown = shown
        self._timer = QTimer(self, singleShot=True, interval=_TELL_MS)
        self._timer.timeout.connect(self._show)
        document.events.current_changed.connect(self._later)
        document.events.classes_changed.connect(self._later)
        document.events.mask_changed.connect(self._on_mask_changed)

    def _later(self, *_: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        if image_id == self._document.images.current_id:
            self._later()

    def _show(self) -> None:
        image_id = self._document.images.current_id
        shape = None if image_id is None else self._document.masks.shape(image_id)
        if image_id is None or shape is None:
            self._shown.set_areas({}, 0)
            return
        layer = self._document.masks.layer(image_id)
        if layer.counts is None:
            _ = layer.labels  # of a project, and shown now: it is unpacked, and counted with that
        counts = {} if layer.counts is None else dict(enumerate(layer.counts[:UNLABELLED].tolist()))
        self._shown.set_areas(counts if layer.is_touched else {}, shape[0] * shape[1])
