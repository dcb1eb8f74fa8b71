"""Going through the pages of a file: every page is an image with a mask of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentseg_gui.document.document import Document
from latentseg_gui.panels.files.pages import PageBar


class PagesController(QObject):
    """Shows the bar for files with several pages, and turns its pages into images of the document."""

    show_requested = Signal(str)
    """This image is to be shown."""

    def __init__(self, document: Document, bar: PageBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._bar = bar
        document.events.current_changed.connect(self._on_current_changed)
        bar.page_requested.connect(self.go_to)

    def go_to(self, page: int) -> None:
        """Shows a page, from 0, of the file that is looked at; the first time it is put on the list."""
        current = self._document.images.current_id
        path = None if current is None else self._document.images.path(current)
        if path is not None:
            self.show_requested.emit(self._document.images.add_path(path, page))

    def _on_current_changed(self, image_id: str | None) -> None:
        record = None if image_id is None else self._document.records.of(image_id)
        if record is None:
            self._bar.set_pages(0, 1)
        else:
            self._bar.set_pages(record.frame, record.frames)
