"""Copy and paste of objects, and the objects of the image before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import uuid4

import numpy as np
from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QGuiApplication

from latentseg_gui.commands.masks.carrying import (
    CarriedObject,
    all_taken_along,
    number_put_down,
    put_down,
    taken_along,
)
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.source import MaskSource, next_instance
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.waiting import LabelsToCome, WaitingStart
from latentseg_gui.document.document import Document

OBJECTS_MIME: Final = "application/x-latentseg-objects"
"""The clipboard holds but a token of them: the objects themselves stay in this window."""

_ALONE: Final = ("offscreen", "minimal", "minimalegl", "vnc")
"""Platforms of Qt that never say who owns the clipboard: no other program shares it."""


class CarryController(QObject):
    """Puts objects down in the same place of another image, each time as one step."""

    def __init__(
        self,
        document: Document,
        edits: EditQueue,
        objects: ObjectsController,
        *,
        errors: ErrorSink,
        image_before: Callable[[], str | None],
        coming: LabelsToCome,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._edits = edits
        self._objects = objects
        self._errors = errors
        self._image_before = image_before
        self._coming = coming
        self._wish: Callable[[], None] = _nothing
        self.waiting = WaitingStart(
            self.tr("Objects of the image before"),
            self.tr("The objects of the image before are looked at when that is done."),
            start=lambda: self._wish(),
            looks=coming.changed,
            labels=coming,
            document=document,
            errors=errors,
            parent=self,
        )
        self._copied: tuple[CarriedObject, ...] = ()
        self._token = b""

    def copy(self) -> None:
        """Keeps the chosen objects for other images."""
        image_id, pixels = self._document.images.current_id, self._objects.chosen
        if image_id is None or not pixels:
            self._errors.inform(
                self.tr("Choose objects first, with the tool Select or in the list of objects.")
            )
            return
        query, keep = partial(taken_along, image_id=image_id, pixels=pixels), partial(self._keep, image_id)
        look = partial(self._edits.look, key="copy", lost=self._say_changed)
        self._edits.then(lambda: look(image_id, query, keep))  # as they are after edits before it

    def _keep(self, image_id: str, objects: tuple[CarriedObject, ...]) -> None:
        self._copied, self._token = self._with_makers(image_id, objects), uuid4().bytes
        content = QMimeData()
        content.setData(OBJECTS_MIME, self._token)
        QGuiApplication.clipboard().setMimeData(content)
        text = self.tr("1 object copied.") if len(objects) == 1 else self.tr("{0} objects copied.")
        self._errors.inform(text.format(len(objects)))

    def paste(self) -> bool:
        """Puts the objects of the clipboard down; False where it holds something else."""
        content = QGuiApplication.clipboard().mimeData()
        if content is None or not content.hasFormat(OBJECTS_MIME):
            return False
        if content.data(OBJECTS_MIME).data() != self._token:
            self._errors.inform(
                self.tr("These objects were copied in another window; copy them in this one.")
            )
            return True
        self._put_down(self._copied, self.tr("Paste objects"))
        return True

    def abandon(self) -> None:
        """Takes the token off the clipboard: without this window nobody can do anything with it.

        Some platforms would keep it until Python has ended, and crash as they let go of it.
        """
        clipboard = QGuiApplication.clipboard()
        if not self._token or not (clipboard.ownsClipboard() or QGuiApplication.platformName() in _ALONE):
            return  # it is another program's by now, which may even be slow to answer what it holds
        content = clipboard.mimeData()
        if content is not None and content.data(OBJECTS_MIME).data() == self._token:
            clipboard.clear()

    def take_over(self) -> None:
        """Puts the objects of the image before down here: of the page before, else of the row before in the list."""
        self.look_at_image_before(
            lambda objects: self._put_down(objects, self.tr("Copy objects from previous image"))
        )

    def look_at_image_before(self, take: Callable[[tuple[CarriedObject, ...]], None]) -> None:
        """Hands over all objects of the image before; says so where there are none."""
        image_id = self._document.images.current_id
        if image_id is not None:
            self._look_before(image_id, take)

    def _look_before(self, image_id: str, take: Callable[[tuple[CarriedObject, ...]], None]) -> None:
        if image_id != self._document.images.current_id:
            self.waiting.stop()
            self._say_left()
            return
        self._wish = partial(self._look_before, image_id, take)
        if self.waiting.waits_for(self._coming.sentence):
            return
        before, masks = self._image_before(), self._document.masks
        if before is None or masks.shape(before) is None or not masks.layer(before).num_labelled:
            self._errors.inform(self.tr("The page or image before this one has no objects in its mask."))
            return

        def check(objects: tuple[CarriedObject, ...]) -> None:
            if image_id != self._document.images.current_id:
                self._say_left()
            elif objects:
                take(self._with_makers(before, objects))
            else:
                self._errors.inform(self.tr("The page or image before this one has no objects in its mask."))

        query = partial(all_taken_along, image_id=before)
        self._edits.look(before, query, check, key="objects before", lost=self._say_changed)

    def _say_changed(self) -> None:
        self._errors.inform(self.tr("The mask was changed meanwhile, so no objects were copied. Copy again."))

    def _say_left(self) -> None:
        self._errors.inform(self.tr("Another image is shown now, so no objects were taken over."))

    def _with_makers(self, image_id: str, objects: tuple[CarriedObject, ...]) -> tuple[CarriedObject, ...]:
        """With the click models of others that made them."""
        makers = self._document.makers.of_image(image_id)
        return tuple(replace(each, made_by=makers.get(each.number, "")) for each in objects)

    def _put_down(self, objects: tuple[CarriedObject, ...], title: str) -> None:
        image_id = self._document.images.current_id
        if image_id is None or self._document.masks.shape(image_id) is None:
            return
        first: list[int] = []

        def make(source: MaskSource) -> MaskPatch | None:
            first[:] = [next_instance(source, image_id)]  # of its turn: edits before it make objects, too
            return put_down(source, image_id=image_id, objects=objects, label=title)

        def after() -> None:
            self._after(image_id, objects, first[0])

        self._edits.do(image_id, title, make, after=after, otherwise=partial(self._explain, image_id))

    def _after(self, image_id: str, objects: tuple[CarriedObject, ...], first: int) -> None:
        layer = self._document.masks.layer(image_id)
        for each in objects:
            if each.made_by:
                number = number_put_down(layer, each, first)
                self._edits.name_maker(image_id, number, each.made_by)
        self._choose_from(image_id, first)

    def _choose_from(self, image_id: str, first: int) -> None:
        """Chooses the objects that are new, so that the next key moves or undoes nothing unseen."""
        if image_id != self._document.images.current_id:
            return
        instances = self._document.masks.instances(image_id)
        numbers, places = np.unique(instances, return_index=True)
        rows, cols = np.divmod(places[numbers >= first], instances.shape[1])
        self._objects.choose(list(zip(rows.tolist(), cols.tolist(), strict=True)))

    def _explain(self, _image_id: str) -> None:
        self._errors.inform(
            self.tr("Nothing was changed: there are labels already, or the objects lie outside this image.")
        )


def _nothing() -> None:
    """Nobody has asked for objects of the image before."""
