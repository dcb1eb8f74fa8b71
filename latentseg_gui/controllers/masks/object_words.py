"""Numbers and names of objects on the canvas, while they are asked for."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.masks.current_table import CurrentTable
from latentseg_gui.document.document import Document


class ObjectWordsController(QObject):
    """Writes on the objects that are drawn."""

    def __init__(
        self, document: Document, current: CurrentTable, canvas: CanvasView, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._current = current
        self._canvas = canvas
        self._is_on = False
        current.changed.connect(self._show)
        document.events.classes_changed.connect(self._show)
        document.events.marks_changed.connect(self._on_marks_changed)

    def set_shown(self, is_on: bool) -> None:
        """Writes numbers and names, or no longer."""
        self._is_on = is_on
        if is_on:
            self._show()
        else:
            self._canvas.object_names.set(None)

    def _on_marks_changed(self, _image_id: str) -> None:
        self._show()

    def _show(self) -> None:
        image_id = self._document.images.current_id
        if not self._is_on or image_id is None or self._document.masks.shape(image_id) is None:
            self._canvas.object_names.set(None)
            return
        classes, table = self._document.classes, self._current.table
        entries = zip(classes.ids, classes, strict=True)
        drawn = [each for each, entry in entries if entry.is_visible and each in classes.thing_ids]
        hidden = [*self._document.masks.layer(image_id).marks.hidden]
        table = table.taken(np.isin(table.classes, drawn) & ~np.isin(table.keys, hidden))
        names = dict(classes.named_ids)
        numbers = [str(key) if key > 0 else "" for key in table.keys.tolist()]
        self._canvas.object_names.set(table.boxes, numbers, [names[each] for each in table.classes.tolist()])
