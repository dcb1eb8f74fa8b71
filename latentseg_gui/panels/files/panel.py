"""The list of images: find one, go to it, see how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentseg_gui.panels.files.model import FileEntry, FilesModel
from latentseg_gui.panels.files.view import FilesFilterBar, FilesView
from latentseg_gui.panels.pixmaps import image_from_rgb
from latentseg_gui.panels.widgets import text_label

_RESORT_MS: Final = 60


class FilesPanel(QWidget):
    """Images with thumbnails that are asked for only while their rows are in view.

    Signals:
        current_requested: the user chose this image.
        thumbnail_requested: the row of this image came into view and has no picture yet.
        remove_requested: take this image out of the list (its file stays).
        reviewed_requested: the user says that the whole mask of this image is right.
        selection_changed: ids (tuple) of the selected images.
    """

    current_requested = Signal(str)
    thumbnail_requested = Signal(str)
    remove_requested = Signal(str)
    reviewed_requested = Signal(str)
    selection_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._current: str | None = None
        self._model = FilesModel(self)
        self._bar = FilesFilterBar(self)
        self._view = FilesView(self._model, self)
        self._count = text_label(role="hint")
        self._resort = QTimer(self, singleShot=True, interval=_RESORT_MS)
        self._resort.timeout.connect(self._model.rearrange)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.setSpacing(6)
        whole.addWidget(self._bar)
        whole.addWidget(self._view, 1)
        whole.addWidget(self._count)
        self._bar.changed.connect(self._on_filter_changed)
        self._view.chosen.connect(self._on_row_chosen)
        self._view.thumbnail_requested.connect(self.thumbnail_requested)
        self._view.remove_requested.connect(self.remove_requested)
        self._view.reviewed_requested.connect(self.reviewed_requested)
        self._view.selection_changed.connect(self.selection_changed)
        self._model.modelReset.connect(self._on_rows_changed)
        self._model.rowsRemoved.connect(self._on_rows_changed)
        self._on_rows_changed()

    @property
    def current_id(self) -> str | None:
        """The image that is marked as the current one."""
        return self._current

    @property
    def visible_ids(self) -> tuple[str, ...]:
        """The images that the filter lets through, in the order shown."""
        return self._model.visible_ids

    def neighbour(self, step: int) -> str | None:
        """The image ``step`` rows after the current one (negative: before); None past the ends."""
        ids = self._model.visible_ids
        row = -1 if self._current is None else self._model.row(self._current)
        target = row + step if row >= 0 else (0 if step > 0 else len(ids) - 1)
        return ids[target] if 0 <= target < len(ids) else None

    def set_entries(self, entries: Sequence[FileEntry]) -> None:
        """Replaces the whole list."""
        self._view.forget_requests()
        self._model.set_entries(entries)

    def add_entries(self, entries: Iterable[FileEntry]) -> None:
        """Appends images; known ones are replaced."""
        self._model.add_entries(entries)

    def remove_entry(self, image_id: str) -> None:
        """Takes an image out of the list."""
        if self._current == image_id:
            self._current = None
        self._view.remove(image_id)

    def set_current(self, image_id: str | None) -> None:
        """Marks the current image and brings it into view; says nothing back."""
        self._current = image_id
        self._view.select(image_id)

    def set_status(self, image_id: str, status: str) -> None:
        """Changes the badge; an error that was shown goes."""
        self._update(image_id, status=str(status), message="")

    def set_pages(self, image_id: str, pages: int) -> None:
        """Shows how many pages the file has."""
        self._update(image_id, pages=pages)

    def set_ready(self, image_id: str, is_ready: bool) -> None:
        """Shows whether clicks on the image answer at once."""
        self._update(image_id, is_ready=is_ready)

    def set_uncertainty(self, image_id: str, uncertainty: float | None, reason: str = "") -> None:
        """Shows how unsure the model is, 0..1, and why the image should be looked at."""
        self._update(image_id, uncertainty=uncertainty, message=reason)

    def set_error(self, image_id: str, sentence: str) -> None:
        """Turns the row into an error row with a sentence."""
        self._update(image_id, status="error", message=sentence, is_ready=False)

    def set_thumbnail(self, image_id: str, pixels: NDArray[np.uint8]) -> None:
        """Shows a small picture, uint8 [h, w, 3]."""
        self._view.forget_requests(image_id)
        self._model.set_thumbnail(image_id, image_from_rgb(pixels))

    def _update(self, image_id: str, **changes: object) -> None:
        self._model.update(image_id, **changes)
        if self._model.depends_on_state:
            self._resort.start()

    def _on_filter_changed(self) -> None:
        self._model.set_view(
            needle=self._bar.search.text(), status=self._bar.status, sort_key=self._bar.sort_key
        )

    def _on_rows_changed(self) -> None:
        self._view.select(self._current)
        shown, total = len(self._model.visible_ids), self._model.total
        if total == 0:
            self._count.setText(self.tr("No images yet: open some, or drop them here."))
        elif shown == total:
            self._count.setText(self.tr("1 image") if total == 1 else self.tr("{0} images").format(total))
        else:
            self._count.setText(self.tr("{0} of {1} images").format(shown, total))

    def _on_row_chosen(self, image_id: str) -> None:
        if image_id != self._current:
            self._current = image_id
            self.current_requested.emit(image_id)
