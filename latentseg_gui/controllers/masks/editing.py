"""Undo and redo, and edits of the mask that are no gestures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.commands.command import Command
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import cleanup
from latentseg_gui.commands.masks.objects import is_object
from latentseg_gui.commands.masks.patch import Ink, MaskPatch, area_patch
from latentseg_gui.commands.masks.shapes import reworked
from latentseg_gui.commands.prediction.proposals import accept_prediction
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.edit_work import Make
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks import regions
from latentseg_gui.document.types import UNLABELLED, Mask, Rect

_SPECK_AREA = 64
_CLEAN_REACH = 6.0
"""No clean-up of an object reaches further beyond it, in pixels."""
_CLEAN_WEIGHT = 4.0
"""A clean-up takes this much longer than a mere look."""


class CleanUp(Protocol):
    """A step that changes the area of a class, or of a selection of it."""

    def __call__(
        self, source: MaskSource, image_id: str, class_id: int, *, selection: cleanup.Selection | None
    ) -> MaskPatch | None:
        """The step; None where nothing changes."""


class EditController(QObject):
    """The history, and commands on the class in use of the current image, or on the chosen objects."""

    other_image_edited = Signal(str)
    """A step was undone or done again on an image that is not the current one."""

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

    def undo(self) -> None:
        """Takes the last step back."""
        self._edits.undo(self._follow)

    def redo(self) -> None:
        """Does the step again that was taken back last."""
        self._edits.redo(self._follow)

    def jump_to(self, position: int) -> None:
        """Goes to a place in the history."""
        self._edits.then(partial(self._edits.step_to, position))

    def fill_holes(self) -> None:
        """Fills what the class in use encloses."""
        self._clean(cleanup.fill_class_holes, regions.fill_holes, self.tr("Fill holes"))

    def remove_specks(self) -> None:
        """Takes small parts of the class in use away."""
        whole = partial(cleanup.remove_class_specks, min_area=_SPECK_AREA)
        self._clean(whole, partial(regions.remove_specks, min_area=_SPECK_AREA), self.tr("Remove specks"))

    def smooth(self) -> None:
        """Rounds the edges of the class in use."""
        self._clean(
            partial(cleanup.smooth_class, radius=2.0), partial(regions.smooth, radius=2.0), self.tr("Smooth")
        )

    def grow(self) -> None:
        """Widens the class in use by a pixel."""
        self._clean(
            partial(cleanup.grow_class, radius=1.0), partial(regions.grow, radius=1.0), self.tr("Grow")
        )

    def shrink(self) -> None:
        """Narrows the class in use by a pixel."""
        self._clean(
            partial(cleanup.shrink_class, radius=1.0), partial(regions.shrink, radius=1.0), self.tr("Shrink")
        )

    def clear_mask(self) -> None:
        """Takes all labels of the current image away."""
        image_id = self._document.readable_id
        if image_id is None:
            return
        title = self.tr("Clear mask")

        def make(source: MaskSource) -> MaskPatch | None:
            shape = source.masks.layer(image_id).shape
            everywhere = np.ones(shape, np.bool_)
            return area_patch(source, image_id, Rect.whole(shape), everywhere, Ink(UNLABELLED), title)

        self._edits.do(image_id, title, make)

    def mark_reviewed(self, image_id: str) -> None:
        """Says that the whole image is right: what is not labelled takes the prediction, else background."""
        if self._document.records.of(image_id) is not None:
            title = self.tr("Mark as reviewed")
            self._edits.do(image_id, title, partial(accept_prediction, image_id=image_id))

    def mark_current_reviewed(self) -> None:
        """`mark_reviewed` for the image that is looked at."""
        if self._document.images.current_id is not None:
            self.mark_reviewed(self._document.images.current_id)

    def _clean(self, step: CleanUp, operation: Callable[[Mask], Mask], title: str) -> None:
        """Does a clean-up to the class in use, or to each of the chosen objects where there are any.

        Objects that are chosen leave the pixels of all others alone.
        """
        image_id = self._document.readable_id
        if image_id is None:
            return
        makes: list[Make] = [
            partial(_clean_object, operation=operation, title=title, image_id=image_id, rc=rc)
            for rc in self._objects.chosen
        ]
        for make in makes:
            self._edits.do(image_id, title, make, weight=_CLEAN_WEIGHT)
        if not makes:
            whole, class_id = partial(step, image_id=image_id, selection=None), self._document.active_class
            self._edits.do(image_id, title, whole, weight=_CLEAN_WEIGHT, class_id=class_id)

    def _follow(self, command: Command | None) -> None:
        if (
            command is None
            or command.image_id is None
            or command.image_id == self._document.images.current_id
        ):
            return
        if command.image_id in self._document.images.ids:
            self.other_image_edited.emit(command.image_id)


def _clean_object(
    source: MaskSource, operation: Callable[[Mask], Mask], title: str, image_id: str, rc: tuple[int, int]
) -> MaskPatch | None:
    """Cleans the object that a pixel belongs to."""
    if not is_object(source, image_id, rc):
        return None
    return reworked(source, image_id, rc, operation, _CLEAN_REACH, title)
