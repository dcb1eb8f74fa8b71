"""Undo and redo, and edits of the mask that are no gestures."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.commands import cleanup
from latentseg_gui.commands.command import Command
from latentseg_gui.commands.history import History
from latentseg_gui.commands.patch import Ink, area_patch
from latentseg_gui.commands.proposals import accept_prediction
from latentseg_gui.controllers.objects import ObjectsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import UNLABELLED, Rect

_SPECK_AREA = 64


class CleanUp(Protocol):
    """A step that changes the area of a class, or of a selection of it."""

    def __call__(
        self, image_id: str, class_id: int, *, selection: cleanup.Selection | None
    ) -> Command | None:
        """The step; None where nothing changes."""


class EditController(QObject):
    """The history, and commands on the class in use of the current image, or on the chosen objects."""

    other_image_edited = Signal(str)
    """A step was undone or done again on an image that is not the current one."""

    def __init__(
        self,
        document: Document,
        history: History,
        parent: QObject | None = None,
        *,
        objects: ObjectsController | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._objects = objects

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
        self._clean(partial(cleanup.fill_holes, self._document))

    def remove_specks(self) -> None:
        """Takes small parts of the class in use away."""
        self._clean(partial(cleanup.remove_specks, self._document, min_area=_SPECK_AREA))

    def smooth(self) -> None:
        """Rounds the edges of the class in use."""
        self._clean(partial(cleanup.smooth, self._document, radius=2.0))

    def grow(self) -> None:
        """Widens the class in use by a pixel."""
        self._clean(partial(cleanup.grow, self._document, radius=1.0))

    def shrink(self) -> None:
        """Narrows the class in use by a pixel."""
        self._clean(partial(cleanup.shrink, self._document, radius=1.0))

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

    def _editable(self) -> str | None:
        image_id = self._document.current_id
        return image_id if image_id is not None and self._document.record(image_id) is not None else None

    def _clean(self, step: CleanUp) -> None:
        """Does a clean-up to the class in use, or to each of the chosen objects where there are any."""
        image_id = self._editable()
        if image_id is None:
            return
        chosen = self._objects.parts if self._objects is not None else ()
        for class_id, rect, mask in chosen:
            self._history.do(step(image_id, class_id, selection=(rect, mask)))
        if not chosen:
            self._history.do(step(image_id, self._document.active_class, selection=None))

    def _follow(self, command: Command | None) -> None:
        if command is None or command.image_id is None or command.image_id == self._document.current_id:
            return
        if command.image_id in self._document.image_ids:
            self.other_image_edited.emit(command.image_id)
