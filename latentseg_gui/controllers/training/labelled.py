"""How many pixels of which class are labelled, over all images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import Arrays, Counts, MaskLayer, label_counts
from latentseg_gui.document.types import UNLABELLED, Rect
from latentseg_gui.inference.request import Priority

_TELL_MS: Final = 100
"""Changes that come by the hundred are told this often."""


class LabelledCounts(QObject):
    """What the masks have counted, by image and class.

    Masks of a project that nobody has looked at yet are counted one by one in another thread, and stay packed.

    Signals:
        changed: counts are others now.
    """

    changed = Signal()

    def __init__(self, document: Document, readers: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._readers = readers
        self._waiting: list[str] = []
        self._asked = ""
        self._telling = QTimer(self, singleShot=True, interval=_TELL_MS)
        self._telling.timeout.connect(self.changed)
        document.events.mask_changed.connect(self._on_mask_changed)
        document.events.images_changed.connect(self._on_images_changed)

    @property
    def is_complete(self) -> bool:
        """Whether no mask waits to be counted."""
        return not self._waiting and not self._asked

    def of(self, image_id: str) -> NDArray[np.int64]:
        """Labelled pixels per class id, int64 [255]; zeros while nobody has counted them."""
        layer = self._layer(image_id)
        counts = None if layer is None else layer.counts
        return np.zeros(UNLABELLED, np.int64) if counts is None else counts[:UNLABELLED]

    def _layer(self, image_id: str) -> MaskLayer | None:
        is_there = self._document.images.has(image_id) and self._document.masks.shape(image_id) is not None
        return self._document.masks.layer(image_id) if is_there else None

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        self._want(image_id)
        self._tell_soon()

    def _on_images_changed(self) -> None:
        for image_id in self._document.masks.labelled_ids():
            self._want(image_id)
        self._tell_soon()

    def _want(self, image_id: str) -> None:
        layer = self._layer(image_id)
        if layer is not None and layer.counts is None and image_id not in (*self._waiting, self._asked):
            self._waiting.append(image_id)
            self._ask()

    def _ask(self) -> None:
        """Has the next mask counted beside the window."""
        while self._waiting and not self._asked:
            image_id = self._waiting.pop(0)
            layer = self._layer(image_id)
            if layer is None or layer.counts is not None:
                continue
            self._asked = image_id
            self._readers.submit(
                partial(_counted, layer.snapshot()),
                partial(self._on_counted, layer),
                key="count masks",
                priority=Priority.SPARE_TIME,
                is_current=partial(self._is_at, image_id, layer, layer.version),
                on_stale=self._ask_next,
                on_failure=lambda _: self._ask_next(),
                on_cancelled=self._ask_next,
            )

    def _is_at(self, image_id: str, layer: MaskLayer, version: int) -> bool:
        return self._layer(image_id) is layer and layer.version == version

    def _on_counted(self, layer: MaskLayer, counts: Counts) -> None:
        layer.learn_counts(counts)
        self._ask_next()

    def _ask_next(self) -> None:
        self._asked = ""
        self._ask()
        self._tell_soon()

    def _tell_soon(self) -> None:
        if not self._telling.isActive():
            self._telling.start()


def _counted(unpack: Callable[[], Arrays]) -> Counts:
    """Pixels by label; any thread."""
    return label_counts(unpack()[0])
