"""The objects of the image that is looked at, kept up to date from what has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.object_table import (
    ObjectTable,
    TableUpdate,
    no_objects,
    object_table,
    updated_table,
)
from latentseg_gui.document.types import Labels, Rect

_REST_MS: Final = 60
"""A mask that changes all the time is looked at when it rests."""

SMALL: Final = 120_000
"""So many pixels are looked at in less than a frame; more of them beside the window."""


@dataclass(frozen=True, slots=True)
class TableWork:
    """Brings a table up to date, in any thread; the arrays may change meanwhile, which makes the answer stale.

    Attributes:
        table: what was known.
        rect: where the mask has changed since then; None for everywhere.
        labels: of the mask, uint8 [H, W].
        provenance: likewise.
        instances: likewise, uint32 [H, W]; None for none.
    """

    table: ObjectTable
    rect: Rect | None
    labels: Labels
    provenance: NDArray[np.uint8]
    instances: Instances | None

    def __call__(self) -> ObjectTable:
        """The table as it is now."""
        if self.rect is None:
            return self._whole()
        return self.updated(TableUpdate.of(self.table, self.labels, self.instances, self.rect))

    def updated(self, update: TableUpdate) -> ObjectTable:
        """The same, of what is known to be looked at."""
        return updated_table(self.table, update, self.labels, self.provenance, self.instances)

    def _whole(self) -> ObjectTable:
        shape = self.labels.shape[0], self.labels.shape[1]
        whole = Rect.whole(shape)
        return object_table(self.labels, self.provenance, self.instances, at=whole, width=shape[1])


class CurrentTable(QObject):
    """Looks at what has changed once the mask rests, beside the window where that is much.

    Signals:
        changed: `table` is another one.
    """

    changed = Signal()

    def __init__(
        self, document: Document, *, jobs: Jobs, errors: ErrorSink, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._errors = errors
        self.table = no_objects()
        self._is_whole = False
        self._dirty = Rect(0, 0, 0, 0)
        self._is_busy = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._work)
        document.events.current_changed.connect(self._on_other_image)
        document.events.record_changed.connect(self._on_record_changed)
        document.events.mask_changed.connect(self._on_mask_changed)

    @property
    def is_current(self) -> bool:
        """Whether the table is that of the mask as it is now."""
        return not (self._is_whole or self._is_busy) and self._dirty.is_empty

    def _on_other_image(self, _image_id: str | None) -> None:
        self._set(no_objects())
        self._begin_anew()

    def _on_record_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id and not len(self.table):
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._is_whole = True
        self._timer.start(0)

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        if image_id == self._document.images.current_id:
            self._dirty = self._dirty.union(rect)
            self._timer.start(_REST_MS)

    def _work(self) -> None:
        image_id = self._document.images.current_id
        if self._is_busy or self.is_current:
            return
        if image_id is None or self._document.masks.shape(image_id) is None:
            self._is_whole, self._dirty = False, Rect(0, 0, 0, 0)
            self._set(no_objects())
            return
        layer = self._document.masks.layer(image_id)
        instances = layer.instances if layer.has_instances else None
        rect = None if self._is_whole else self._dirty.clipped(layer.shape)
        work = TableWork(self.table, rect, layer.labels, layer.provenance, instances)
        self._is_whole, self._dirty = False, Rect(0, 0, 0, 0)
        if not layer.is_touched:
            self._set(no_objects())
        elif not self._is_done_here(work):
            self._begin(image_id, work, layer.version)

    def _is_done_here(self, work: TableWork) -> bool:
        """Does work that is short enough for the window's thread."""
        rows, cols = work.labels.shape
        if work.rect is None:
            if rows * cols > SMALL:
                return False
            self._set(work())
            return True
        if _pixels(work.rect) > SMALL:
            return False
        update = TableUpdate.of(work.table, work.labels, work.instances, work.rect)
        if _pixels(update.window) > SMALL:
            return False
        self._set(work.updated(update))
        return True

    def _begin(self, image_id: str, work: TableWork, version: int) -> None:
        self._is_busy = True

        def is_current() -> bool:
            images = self._document.images
            return images.current_id == image_id and self._document.masks.layer(image_id).version == version

        def on_stale() -> None:
            self._is_busy = False
            if work.rect is None or self._document.images.current_id != image_id:
                self._is_whole = True
            else:
                self._dirty = self._dirty.union(work.rect)
            self._timer.start(_REST_MS)

        self._jobs.submit(
            work,
            self._on_done,
            key="objects of the image",
            is_current=is_current,
            on_stale=on_stale,
            on_failure=self._on_failed,
        )

    def _on_done(self, table: ObjectTable) -> None:
        self._is_busy = False
        self._set(table)
        self._timer.start(0)

    def _on_failed(self, error: LatentsegError) -> None:
        """The list stays as it was; the next change tries everything again."""
        self._is_busy = False
        self._errors.report(error)

    def _set(self, table: ObjectTable) -> None:
        if table is not self.table:
            self.table = table
            self.changed.emit()


def _pixels(rect: Rect) -> int:
    return rect.shape[0] * rect.shape[1]
