"""Hiding and locking of the chosen objects."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.marking import MarkEdit, hide_objects, lock_objects
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.project.changes import MarksChange


class MarkingController(QObject):
    """Each call is one step; where all chosen objects are marked already, it takes the mark away."""

    def __init__(
        self,
        document: Document,
        history: History,
        edits: EditQueue,
        objects: ObjectsController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._edits = edits
        self._objects = objects

    def toggle_hidden(self) -> None:
        """Hides the chosen objects, or shows them again if all of them are hidden."""
        self._edits.then(partial(self._toggle, is_about_locks=False))

    def toggle_locked(self) -> None:
        """Locks the chosen objects, or frees them if all of them are locked."""
        self._edits.then(partial(self._toggle, is_about_locks=True))

    def show_all(self) -> None:
        """Shows all hidden objects of the image."""
        self._edits.then(self._show_all)

    def _toggle(self, *, is_about_locks: bool) -> None:
        image_id, pixels = self._document.images.current_id, self._objects.chosen
        if image_id is None or not pixels:
            return
        layer = self._document.masks.layer(image_id)
        numbers = {int(layer.instances[rc]) for rc in pixels}
        if is_about_locks:
            is_on = not numbers <= layer.marks.locked
            self._history.do(lock_objects(self._document, image_id, pixels, is_locked=is_on))
        else:
            is_on = not numbers <= layer.marks.hidden
            self._history.do(hide_objects(self._document, image_id, pixels, is_hidden=is_on))

    def _show_all(self) -> None:
        image_id = self._document.images.current_id
        if image_id is None or self._document.masks.shape(image_id) is None:
            return
        marks = self._document.masks.layer(image_id).marks
        if marks.hidden:
            before = MarksChange(image_id, marks)
            after = MarksChange(image_id, marks.with_hidden(marks.hidden, is_hidden=False))
            self._history.do(MarkEdit(self.tr("Show all objects"), before, after))
