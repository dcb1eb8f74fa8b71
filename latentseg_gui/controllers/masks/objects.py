"""Whole objects: choose them, and change, merge, split, clean or delete what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.masks.objects import (
    is_object,
    merge_objects,
    objects_at,
    set_objects_class,
)
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.object_table import object_table
from latentseg_gui.document.types import BACKGROUND, Mask, Rect

XY = tuple[float, float]
RC = tuple[int, int]
Part = tuple[int, Rect, Mask]
"""Class, bounding box and area of one object."""

_MERGE_WEIGHT: Final = 2.0
"""Several objects are looked for."""

_MANY: Final = 50
"""Looking so many more objects up takes as long as going through the image once more."""


class ObjectsController(QObject):
    """Remembers one pixel of every chosen object, so that the choice follows every edit and its undo."""

    selection_changed = Signal(int)
    """How many objects are chosen."""

    edited = Signal(str)
    """Objects of an image were changed."""

    def __init__(
        self,
        document: Document,
        edits: EditQueue,
        canvas: CanvasView,
        *,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._edits = edits
        self._canvas = canvas
        self._errors = errors
        self._pixels: list[RC] = []
        self._parts: list[Part] = []
        self._follow = QTimer(self, singleShot=True)
        self._follow.timeout.connect(self.refresh)
        document.events.current_changed.connect(self.clear)
        document.events.mask_changed.connect(self._on_mask_changed)
        document.events.record_changed.connect(self._on_mask_changed)
        document.events.marks_changed.connect(self._on_mask_changed)
        canvas.select_requested.connect(self.select)
        canvas.band_drawn.connect(self.select_band)

    @property
    def chosen(self) -> tuple[RC, ...]:
        """A pixel of each of the chosen objects."""
        return tuple(self._pixels)

    def select(self, x: float, y: float, is_added: bool = False) -> bool:
        """Chooses the object at a place of the image; whether there is one.

        Args:
            x: column of the place.
            y: row of the place.
            is_added: the others stay chosen; an object that was chosen is no longer.
        """
        rc = rc_from_xy((x, y))
        if not self._has_object(rc):
            if not is_added:
                self.clear()
            return False
        same = [index for index, each in enumerate(self._parts) if _has(each, rc)]
        if is_added and same:
            del self._pixels[same[0]]
        else:
            self._pixels = [*(self._pixels if is_added else []), rc]
        self.refresh()
        return True

    def choose(self, pixels: Sequence[RC]) -> None:
        """Chooses the objects at these pixels, and no others."""
        self._pixels = list(pixels)
        self.refresh()

    def select_band(self, box: tuple[float, float, float, float], is_added: bool = False) -> None:
        """Chooses the objects that a rectangle (x0, y0, x1, y1) touches, besides those that are chosen or instead."""
        image_id = self._document.readable_id
        if image_id is None:
            return
        layer = self._document.masks.layer(image_id)
        (row0, col0), (row1, col1) = rc_from_xy(box[:2]), rc_from_xy(box[2:])
        rect = Rect(row0, col0, row1 + 1, col1 + 1).clipped(layer.shape)
        area = rect.slices
        cut = layer.instances[area] if layer.has_instances else None
        found = object_table(layer.labels[area], layer.provenance[area], cut, at=rect, width=layer.shape[1])
        fresh = [found.pixel(row) for row in range(len(found))]
        if not is_added:
            self.choose(fresh)
            return
        self.choose([*self._pixels, *(rc for rc in fresh if not any(_has(each, rc) for each in self._parts))])

    def select_at(self, x: float, y: float) -> bool:
        """Makes sure that the object at a place is among the chosen ones, as before a context menu."""
        rc = rc_from_xy((x, y))
        return any(_has(each, rc) for each in self._parts) or self.select(x, y)

    def clear(self, *_: object) -> None:
        """Chooses nothing."""
        self._pixels = []
        self.refresh()

    def set_class(self, class_id: int) -> None:
        """Gives the chosen objects another class."""
        image_id, pixels = self._document.images.current_id, self._free_pixels()
        if image_id is not None and pixels:
            make = partial(set_objects_class, image_id=image_id, pixels=pixels)
            title, after = self.tr("Change class of objects"), partial(self._after, image_id)
            weight = _MERGE_WEIGHT if len(pixels) > 1 else 1.0
            self._edits.do(image_id, title, make, after=after, class_id=class_id, weight=weight)

    def delete(self) -> None:
        """Makes background of the chosen objects."""
        self.set_class(BACKGROUND)

    def merge(self) -> None:
        """Makes one object of the chosen ones, with the class of the first."""
        image_id = self._document.images.current_id
        if image_id is None or len(self._pixels) < 2:
            self._errors.inform(self.tr("Choose two objects or more: Shift and click adds one."))
            return
        pixels = self._free_pixels()
        if len(pixels) < 2:
            return
        make = partial(merge_objects, image_id=image_id, pixels=pixels)
        self._pixels = list(pixels)
        self._pixels = self._pixels[:1]
        title, after = self.tr("Merge objects"), partial(self._after, image_id)
        self._edits.do(image_id, title, make, after=after, weight=_MERGE_WEIGHT)

    def _free_pixels(self) -> tuple[RC, ...]:
        """A pixel of each chosen object that is not locked; says so where some are."""
        image_id = self._document.images.current_id
        if image_id is None or not self._pixels:
            return ()
        layer = self._document.masks.layer(image_id)
        free = tuple(rc for rc in self._pixels if int(layer.instances[rc]) not in layer.marks.locked)
        kept = len(self._pixels) - len(free)
        if kept:
            text = self.tr("{0} of {1} chosen objects are locked and stay as they are. Unlock them first.")
            self._errors.inform(text.format(kept, len(self._pixels)))
        return free

    def _has_object(self, rc: RC) -> bool:
        image_id = self._document.readable_id
        if image_id is None:
            return False
        return is_object(self._document, image_id, rc)

    def _after(self, image_id: str) -> None:
        self.refresh()
        self.edited.emit(image_id)

    def _on_mask_changed(self, image_id: str, *_: object) -> None:
        if self._pixels and image_id == self._document.images.current_id:
            self._follow.start(0)

    def refresh(self) -> None:
        """Takes the areas of the chosen objects again and shows them."""
        self._pixels = [rc for rc in self._pixels if self._has_object(rc)]
        image_id = self._document.images.current_id
        if image_id is None or not self._pixels:
            self._show([])
            return
        pixels = tuple(self._pixels)

        def take(parts: list[Part]) -> None:
            if self.chosen == pixels and self._document.images.current_id == image_id:
                self._show(parts)

        look = partial(_parts_at, image_id=image_id, pixels=pixels)
        self._edits.look(image_id, look, take, weight=1.0 + len(pixels) / _MANY)

    def _show(self, parts: list[Part]) -> None:
        had, self._parts = len(self._parts), parts
        if parts or had:
            self._canvas.selection.set(*united(parts))
            self.selection_changed.emit(len(parts))


def _parts_at(source: MaskSource, image_id: str, pixels: Sequence[RC]) -> list[Part]:
    labels, areas = source.masks.layer(image_id).labels, objects_at(source, image_id, pixels)
    return [(int(labels[rc]), *area) for rc, area in zip(pixels, areas, strict=True)]


def united(parts: Sequence[Part]) -> tuple[Rect | None, Mask | None]:
    """The area of several objects in one box; (None, None) of none."""
    box = Rect(0, 0, 0, 0)
    for _, rect, _ in parts:
        box = box.union(rect)
    if box.is_empty:
        return None, None
    together = np.zeros(box.shape, np.bool_)
    for _, rect, mask in parts:
        row, col = rect.row0 - box.row0, rect.col0 - box.col0
        together[row : row + mask.shape[0], col : col + mask.shape[1]] |= mask
    return box, together


def _has(part: Part, rc: RC) -> bool:
    _, rect, mask = part
    row, col = rc[0] - rect.row0, rc[1] - rect.col0
    return 0 <= row < mask.shape[0] and 0 <= col < mask.shape[1] and bool(mask[row, col])
