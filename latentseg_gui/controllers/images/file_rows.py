"""The list of files: one row per file, however many of its pages are images of the document."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentseg_gui.document.document import Document
from latentseg_gui.document.parts.entries import ImageStatus
from latentseg_gui.panels.files.model import FileEntry
from latentseg_gui.panels.files.panel import FilesPanel


class FileRows(QObject):
    """Keeps the panel as the document is, and says which page of a file a row stands for: the one seen last."""

    show_requested = Signal(str)
    """The user went to a row: this image is to be shown."""

    removal_requested = Signal(str)
    """The image of a row, with the other pages of its file, is to be taken off the list."""

    reviewed_requested = Signal(str)
    """The user says that the whole mask of this image is right."""

    def __init__(self, document: Document, panel: FilesPanel, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._row_of: dict[str, str] = {}
        self._pages: dict[str, list[str]] = {}
        self._seen: dict[str, str] = {}
        document.events.images_changed.connect(self._on_images_changed)
        document.events.current_changed.connect(self.set_current)
        document.events.status_changed.connect(self._on_status_changed)
        document.events.record_changed.connect(self._on_record_changed)
        panel.current_requested.connect(self._on_current_requested)
        panel.remove_requested.connect(self._on_remove_requested)
        panel.reviewed_requested.connect(self._on_reviewed_requested)

    def neighbour(self, step: int) -> str | None:
        """The image ``step`` rows after the current one; None past the ends."""
        row = self._panel.neighbour(step)
        return None if row is None else self._page(row)

    def pages(self, image_id: str) -> tuple[str, ...]:
        """The images of the same row, itself included."""
        return tuple(self._pages.get(self._row_of.get(image_id, ""), [image_id]))

    def set_current(self, image_id: str | None) -> None:
        """Marks the row of an image."""
        row = None if image_id is None else self._row_of.get(image_id)
        if row is not None and image_id is not None:
            self._seen[row] = image_id
        self._panel.set_current(row)

    def set_error(self, image_id: str, sentence: str) -> None:
        """Says in the row of an image why it cannot be shown."""
        self._panel.set_error(self._row_of.get(image_id, image_id), sentence)

    def _page(self, row: str) -> str:
        """The page of a row that was seen last, else the first one."""
        return self._seen.get(row, row)

    def _on_images_changed(self) -> None:
        document = self._document
        wanted = document.images.ids
        for gone in self._row_of.keys() - set(wanted):
            self._forget(gone)
        fresh = []
        rows = {document.images.path(row) or row: row for row in self._pages}
        for image_id in wanted:
            if image_id in self._row_of:
                continue
            row = rows.setdefault(document.images.path(image_id) or image_id, image_id)
            self._row_of[image_id] = row
            self._pages.setdefault(row, []).append(image_id)
            if row == image_id:
                status = str(document.images.status(image_id))
                fresh.append(FileEntry(image_id=row, name=_file_name(document, row), status=status))
        if fresh:
            self._panel.add_entries(fresh)

    def _forget(self, image_id: str) -> None:
        """A row goes with the image that it is named after; its other pages are rows of their own then."""
        row = self._row_of.pop(image_id)
        if self._seen.get(row) == image_id:
            del self._seen[row]
        if row != image_id:
            self._pages[row].remove(image_id)
            return
        for other in self._pages.pop(row):
            self._row_of.pop(other, None)
        self._panel.remove_entry(row)

    def _on_status_changed(self, image_id: str) -> None:
        row = self._row_of.get(image_id)
        if row is not None and self._document.records.error(image_id) is None:
            known = [each for each in self._pages[row] if self._document.images.has(each)]
            self._panel.set_status(
                row, str(_together([self._document.images.status(each) for each in known]))
            )

    def _on_record_changed(self, image_id: str) -> None:
        """How many pages a file has is known once one of them was read."""
        record, row = self._document.records.of(image_id), self._row_of.get(image_id)
        if record is not None and row is not None:
            self._panel.set_pages(row, record.frames)

    def _on_current_requested(self, row: str) -> None:
        self.show_requested.emit(self._page(row))

    def _on_remove_requested(self, row: str) -> None:
        self.removal_requested.emit(self._page(row))

    def _on_reviewed_requested(self, row: str) -> None:
        self.reviewed_requested.emit(self._page(row))


def _file_name(document: Document, image_id: str) -> str:
    """The name of the file alone, whichever page of it the row is named after."""
    return document.images.name(image_id).removesuffix(f" [{document.images.frame(image_id) + 1}]")


def _together(statuses: list[ImageStatus]) -> ImageStatus:
    """How far a file is: as far as the page that is furthest, but accepted only with all of them."""
    if all(status is ImageStatus.ACCEPTED for status in statuses):
        return ImageStatus.ACCEPTED
    begun = {ImageStatus.ACCEPTED: ImageStatus.CORRECTED}
    order = [
        ImageStatus.NEW,
        ImageStatus.ERROR,
        ImageStatus.STALE,
        ImageStatus.PREDICTED,
        ImageStatus.CORRECTED,
    ]
    return max((begun.get(status, status) for status in statuses), key=order.index)
