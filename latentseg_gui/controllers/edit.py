"""Undo and redo, and edits that are no gestures: clean-up commands and the table of classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.commands import classes as class_edits
from latentseg_gui.commands import cleanup
from latentseg_gui.commands.command import Command
from latentseg_gui.commands.history import History
from latentseg_gui.commands.patch import Ink, area_patch
from latentseg_gui.commands.proposals import accept_prediction
from latentseg_gui.controllers.ports import Dialogs
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import UNLABELLED, Rect

_SPECK_AREA = 64


class EditController(QObject):
    """Commands on the class in use of the current image, and on the classes themselves."""

    other_image_edited = Signal(str)
    """A step was undone or done again on an image that is not the current one."""

    def __init__(
        self, document: Document, history: History, *, dialogs: Dialogs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._dialogs = dialogs
        self._previous_class = 0

    def undo(self) -> None:
        """Takes the last step back."""
        self._follow(self._history.undo())

    def redo(self) -> None:
        """Does the step again that was taken back last."""
        self._follow(self._history.redo())

    def jump_to(self, position: int) -> None:
        """Goes to a place in the history."""
        self._history.jump_to(position)

    def fill_holes(self) -> None:
        """Fills what the class in use encloses."""
        self._clean(lambda image_id, class_id: cleanup.fill_holes(self._document, image_id, class_id))

    def remove_specks(self) -> None:
        """Takes small parts of the class in use away."""
        self._clean(lambda image, number: cleanup.remove_specks(self._document, image, number, _SPECK_AREA))

    def smooth(self) -> None:
        """Rounds the edges of the class in use."""
        self._clean(lambda image_id, class_id: cleanup.smooth(self._document, image_id, class_id, 2.0))

    def grow(self) -> None:
        """Widens the class in use by a pixel."""
        self._clean(lambda image_id, class_id: cleanup.grow(self._document, image_id, class_id, 1.0))

    def shrink(self) -> None:
        """Narrows the class in use by a pixel."""
        self._clean(lambda image_id, class_id: cleanup.shrink(self._document, image_id, class_id, 1.0))

    def clear_mask(self) -> None:
        """Takes all labels of the current image away."""
        image_id = self._editable()
        if image_id is None:
            return
        shape = self._document.layer(image_id).shape
        everywhere = np.ones(shape, np.bool_)
        self._history.do(
            area_patch(
                self._document,
                image_id,
                Rect.whole(shape),
                everywhere,
                Ink(UNLABELLED),
                self.tr("Clear mask"),
            )
        )

    def vouch(self, image_id: str) -> None:
        """Says that the whole image is right: what is not labelled takes the prediction, else background."""
        if self._document.record(image_id) is not None:
            self._history.do(accept_prediction(self._document, image_id))

    def vouch_current(self) -> None:
        """`vouch` for the image that is looked at."""
        if self._document.current_id is not None:
            self.vouch(self._document.current_id)

    def choose_class(self, class_id: int) -> None:
        """Paints with another class from now on; numbers without a class are ignored."""
        if 0 <= class_id < len(self._document.classes) and class_id != self._document.active_class:
            self._previous_class = self._document.active_class
            self._document.active_class = class_id

    def swap_class(self) -> None:
        """Goes back to the class that was in use before."""
        self.choose_class(min(self._previous_class, len(self._document.classes) - 1))

    def add_class(self) -> None:
        """Appends a class with a free name and colour, and chooses it."""
        number = len(self._document.classes)
        while self._document.classes.index_of(name := f"class {number}") is not None:
            number += 1
        self._history.do(class_edits.add_class(self._document, name))
        self.choose_class(len(self._document.classes) - 1)

    def rename_class(self, class_id: int, name: str) -> None:
        """Gives a class another name."""
        if name != self._document.classes[class_id].name:
            self._history.do(class_edits.rename_class(self._document, class_id, name))

    def recolour_class(self, class_id: int, colour: str) -> None:
        """Gives a class another colour "#rrggbb"."""
        self._history.do(class_edits.recolour_class(self._document, class_id, colour))

    def lock_class(self, class_id: int, is_locked: bool) -> None:
        """Protects the pixels of a class, or no longer."""
        self._history.do(class_edits.lock_class(self._document, class_id, is_locked))

    def show_class(self, class_id: int, is_visible: bool) -> None:
        """Shows or hides a class in the overlay."""
        self._history.do(class_edits.show_class(self._document, class_id, is_visible))

    def move_class(self, class_id: int, to_id: int) -> None:
        """Gives a class another place and number."""
        if class_id != to_id:
            self._history.do(class_edits.move_class(self._document, class_id, to_id))
            self._document.mark_predictions_stale()

    def merge_classes(self, class_id: int, into_id: int) -> None:
        """Makes one class of two."""
        self._history.do(class_edits.merge_classes(self._document, class_id, into_id))
        self._document.mark_predictions_stale()

    def delete_class(self, class_id: int) -> None:
        """Deletes a class; says first what happens to its pixels."""
        name = self._document.classes[class_id].name
        use = class_edits.class_use(self._document, class_id)
        if use.pixels:
            text = self.tr(
                "{0} pixels in {1} image(s) are labelled “{2}”. They will become unlabelled. This can be undone."
            ).format(f"{use.pixels:,}", use.images, name)
            if not self._dialogs.confirm(self.tr("Delete class"), text, self.tr("Delete class")):
                return
        self._history.do(class_edits.delete_class(self._document, class_id))
        self._document.mark_predictions_stale()

    def _editable(self) -> str | None:
        image_id = self._document.current_id
        return image_id if image_id is not None and self._document.record(image_id) is not None else None

    def _clean(self, step: Callable[[str, int], Command | None]) -> None:
        image_id = self._editable()
        if image_id is not None:
            self._history.do(step(image_id, self._document.active_class))

    def _follow(self, command: Command | None) -> None:
        if command is None or command.image_id is None or command.image_id == self._document.current_id:
            return
        if command.image_id in self._document.image_ids:
            self.other_image_edited.emit(command.image_id)
