"""Objects of the mask that are drawn to the edges of the picture."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.commands.masks.objects import is_object, object_at
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.masks.shapes import placed, reshaped, widened
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.tightening import follow_edges, reach_of

RC = tuple[int, int]

_WEIGHT: Final = 4.0


class FollowingController(QObject):
    """Does it to each of the chosen objects; their neighbours keep their pixels."""

    def __init__(
        self,
        document: Document,
        edits: EditQueue,
        objects: ObjectsController,
        *,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._edits = edits
        self._objects = objects
        self._errors = errors

    def follow_edges(self) -> None:
        """Draws the borders of the chosen objects to edges of the picture near them."""
        record, image_id = self._document.current_record, self._document.images.current_id
        if image_id is None or record is None:
            return
        if not self._objects.chosen:
            self._errors.inform(self.tr("Choose the objects first: take Select and click on them."))
        title, after = self.tr("Snap to edges"), partial(self._objects.edited.emit, image_id)
        for rc in self._objects.chosen:
            make = partial(_followed, image_id=image_id, rc=rc, pixels=record.pixels, title=title)
            self._edits.do(image_id, title, make, after=after, weight=_WEIGHT)


def _followed(
    source: MaskSource, image_id: str, rc: RC, pixels: NDArray[np.uint8], title: str
) -> MaskPatch | None:
    if not is_object(source, image_id, rc):
        return None
    rect, area = object_at(source, image_id, rc)
    wide = widened(rect, 2 * reach_of(area), source.masks.layer(image_id).shape)
    followed = follow_edges(placed((rect, area), wide), pixels[wide.slices])
    return reshaped(source, image_id, rc, (wide, followed), title)
