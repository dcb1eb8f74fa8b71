"""Whole objects: choose them, and change, merge, split, clean or delete what is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.objects import merge_objects, object_at, set_object_class, split_object
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.coords import is_inside, rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Rect

XY = tuple[float, float]
RC = tuple[int, int]
Part = tuple[int, Rect, Mask]
"""Class, bounding box and area of one object."""

_ALONG_LINE = 256


class ObjectsController(QObject):
    """Remembers one pixel of every chosen object, so that the choice follows every edit and its undo."""

    selection_changed = Signal(int)
    """How many objects are chosen."""

    edited = Signal(str)
    """Objects of an image were changed."""

    def __init__(
        self,
        document: Document,
        history: History,
        canvas: CanvasView,
        *,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._canvas = canvas
        self._errors = errors
        self._pixels: list[RC] = []
        self._parts: list[Part] = []
        self._follow = QTimer(self)
        self._follow.setSingleShot(True)
        self._follow.timeout.connect(self._refresh)
        document.events.current_changed.connect(self.clear)
        document.events.mask_changed.connect(self._on_mask_changed)
        document.events.record_changed.connect(self._on_mask_changed)
        canvas.select_requested.connect(self.select)
        canvas.split_line_completed.connect(self.split)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The chosen objects."""
        return tuple(self._parts)

    def select(self, x: float, y: float, is_added: bool = False) -> bool:
        """Chooses the object at a place of the image; whether there is one.

        Args:
            x: column of the place.
            y: row of the place.
            is_added: the others stay chosen; an object that was chosen is no longer.
        """
        part, rc = self._part_at(rc_from_xy((x, y))), rc_from_xy((x, y))
        if part is None:
            if not is_added:
                self.clear()
            return False
        same = [index for index, each in enumerate(self._parts) if _has(each, rc)]
        if is_added and same:
            del self._pixels[same[0]]
        else:
            self._pixels = [*(self._pixels if is_added else []), rc]
        self._refresh()
        return True

    def select_at(self, x: float, y: float) -> bool:
        """Makes sure that the object at a place is among the chosen ones, as before a context menu."""
        rc = rc_from_xy((x, y))
        return any(_has(each, rc) for each in self._parts) or self.select(x, y)

    def clear(self, *_: object) -> None:
        """Chooses nothing."""
        self._pixels = []
        self._refresh()

    def set_class(self, class_id: int) -> None:
        """Gives the chosen objects another class."""
        image_id = self._document.current_id
        for rc in list(self._pixels):
            if image_id is not None:
                self._history.do(set_object_class(self._document, image_id, rc, class_id))
        self._after(image_id)

    def delete(self) -> None:
        """Makes background of the chosen objects."""
        self.set_class(BACKGROUND)

    def merge(self) -> None:
        """Makes one object of the chosen ones, with the class of the first."""
        image_id = self._document.current_id
        if image_id is None or len(self._parts) < 2:
            self._errors.inform(self.tr("Choose two objects or more: Shift and click adds one."))
            return
        self._history.do(merge_objects(self._document, image_id, self._pixels))
        self._pixels = self._pixels[:1]
        self._after(image_id)

    def split(self, line: Sequence[XY]) -> None:
        """Cuts the object under a straight line in two."""
        image_id = self._document.current_id
        if image_id is None or self._document.record(image_id) is None or len(line) < 2:
            return
        rc = self._object_under(image_id, line[0], line[-1])
        step = None if rc is None else split_object(self._document, image_id, rc, line[0], line[-1])
        if step is None:
            self._errors.inform(self.tr("The line has to cross an object of the mask from side to side."))
            return
        self._history.do(step)
        self._after(image_id)

    def _object_under(self, image_id: str, start: XY, end: XY) -> RC | None:
        """A pixel of the object that most of the line runs over."""
        layer = self._document.layer(image_id)
        votes: Counter[tuple[int, int]] = Counter()
        pixels: dict[tuple[int, int], RC] = {}
        for share in np.linspace(0.0, 1.0, _ALONG_LINE):
            rc = rc_from_xy((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
            if is_inside(rc, layer.shape) and layer.labels[rc] not in (BACKGROUND, UNLABELLED):
                number = int(layer.instances[rc]) if layer.has_instances else 0
                key = (int(layer.labels[rc]), number)
                votes[key] += 1
                pixels.setdefault(key, rc)
        return pixels[votes.most_common(1)[0][0]] if votes else None

    def _part_at(self, rc: RC) -> Part | None:
        image_id = self._document.current_id
        if image_id is None or self._document.record(image_id) is None:
            return None
        layer = self._document.layer(image_id)
        if not is_inside(rc, layer.shape) or layer.labels[rc] in (BACKGROUND, UNLABELLED):
            return None
        return int(layer.labels[rc]), *object_at(self._document, image_id, rc)

    def _after(self, image_id: str | None) -> None:
        self._refresh()
        if image_id is not None:
            self.edited.emit(image_id)

    def _on_mask_changed(self, image_id: str, *_: object) -> None:
        if self._pixels and image_id == self._document.current_id:
            self._follow.start(0)

    def _refresh(self) -> None:
        """Takes the areas of the chosen objects again and shows them."""
        found = [(rc, self._part_at(rc)) for rc in self._pixels]
        self._pixels = [rc for rc, part in found if part is not None]
        had = len(self._parts)
        self._parts = [part for _, part in found if part is not None]
        if self._parts or had:
            self._canvas.set_selection(*united(self._parts))
            self.selection_changed.emit(len(self._parts))


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
