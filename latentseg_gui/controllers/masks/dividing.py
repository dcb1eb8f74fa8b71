"""One object into several, and two into one, by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.commands.masks.objects import is_object, merge_objects
from latentseg_gui.commands.masks.shapes import split_along, split_between, split_into, waists_at
from latentseg_gui.controllers.masks.edit_work import Make
from latentseg_gui.controllers.masks.shaping_context import ShapingContext
from latentseg_gui.document.coords import is_inside, rc_from_xy
from latentseg_gui.document.masks.dividing import Parts, Waists
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Rect

XY = tuple[float, float]
RC = tuple[int, int]

_ALONG_LINE: Final = 256
_WEIGHT: Final = 2.0


class DividingController(QObject):
    """Splits along a line, between two clicks or at waists; joins from one object to another."""

    divisible = Signal(int)
    """How many pieces the chosen object can be split into; 1 where there is nothing to split."""

    def __init__(self, context: ShapingContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = context.document
        self._edits = context.edits
        self._canvas = context.canvas
        self._objects = context.objects
        self._tool = context.tool
        self._errors = context.errors
        self._seed: RC | None = None
        self._found: tuple[RC, Rect, Waists] | None = None
        self._count = 1
        context.canvas.split_line_completed.connect(self.split)
        context.canvas.split_seed_added.connect(self.add_seed)
        context.canvas.join_requested.connect(self.join)
        context.objects.selection_changed.connect(self._look)
        context.tool.tool_changed.connect(self._on_tool_changed)

    def split(self, line: Sequence[XY]) -> None:
        """Cuts the object that most of a line runs over, where the line was drawn."""
        self.clear()
        image_id = self._document.readable_id
        if image_id is None or len(line) < 2:
            return
        rc = self._object_under(image_id, line)
        if rc is None:
            self._explain_line()
            return
        make = partial(split_along, image_id=image_id, rc=rc, line=tuple(line))
        self._do(image_id, self.tr("Split object"), make, self._explain_line)

    def add_seed(self, x: float, y: float) -> None:
        """The first click into an object marks one of its parts; the second splits it between the two."""
        image_id, rc, first = self._document.readable_id, rc_from_xy((x, y)), self._seed
        if image_id is None:
            return
        if not is_object(self._document, image_id, rc):
            self._errors.inform(self.tr("Click into an object of the mask, or draw a line across it."))
            return
        if first is None or self._object_key(image_id, first) != self._object_key(image_id, rc):
            self._seed = rc
            self._objects.select(x, y)
            self._canvas.outline.set([(x, y)], is_closed=False)
            return
        record = self._document.records.of(image_id)
        self.clear()
        if record is not None:
            make = partial(split_between, image_id=image_id, seeds=(first, rc), pixels=record.pixels)
            self._do(image_id, self.tr("Split object"), make, self._explain_seeds)

    def join(self, start: XY, end: XY) -> None:
        """Makes one object of those at both ends of a line, of the class of the first."""
        image_id = self._document.readable_id
        if image_id is None:
            return
        ends = rc_from_xy(start), rc_from_xy(end)
        if not all(is_object(self._document, image_id, rc) for rc in ends):
            self._errors.inform(self.tr("Drag from inside one object of the mask to inside another."))
            return
        one, other = (self._object_key(image_id, rc) for rc in ends)
        if one == other and one[1]:
            self._errors.inform(self.tr("Both ends lie in the same object; there is nothing to join."))
            return
        self._objects.select(*start)
        make = partial(merge_objects, image_id=image_id, pixels=ends)
        self._do(image_id, self.tr("Join objects"), make, self._objects.refresh)

    def show_pieces(self, count: int) -> None:
        """Shows where the chosen object would be split into so many pieces; nothing is changed yet."""
        self._count = count
        if self._found is not None:
            _, rect, waists = self._found
            parts = waists.parts(count)
            self._canvas.selection.set(rect, (parts > 0) & ~_seams(parts))

    def accept(self) -> bool:
        """Splits the chosen object as it is shown; whether anything was shown."""
        image_id, found, count = self._document.readable_id, self._found, self._count
        if image_id is None or found is None or count < 2:
            return False
        self.clear()
        make = partial(split_into, image_id=image_id, rc=found[0], count=count)
        self._do(image_id, self.tr("Split object"), make, self._objects.refresh)
        return True

    def clear(self) -> None:
        """Forgets the first click, and how many pieces were asked for."""
        if self._seed is not None:
            self._seed = None
            self._canvas.outline.set(())
        if self._count > 1:
            self._count = 1
            self._objects.refresh()

    def _do(self, image_id: str, title: str, make: Make, otherwise: Callable[[], None]) -> None:
        after = partial(self._objects.edited.emit, image_id)
        self._edits.do(image_id, title, make, after=after, otherwise=otherwise, weight=_WEIGHT)

    def _on_tool_changed(self, tool: ToolName) -> None:
        self.clear()
        self._look(len(self._objects.chosen))

    def _look(self, chosen: int) -> None:
        """Finds out how the chosen object can be split, while the tool for that is in the hand."""
        self._found, self._count = None, 1
        image_id = self._document.readable_id
        is_wanted = self._tool.tool is ToolName.SPLIT and chosen == 1 and len(self._objects.chosen) == 1
        if image_id is None or not is_wanted:
            self.divisible.emit(1)
            return
        (rc,) = self._objects.chosen

        def take(found: tuple[Rect, Waists]) -> None:
            if self._objects.chosen == (rc,) and self._tool.tool is ToolName.SPLIT:
                self._found = rc, *found
                self.divisible.emit(found[1].most)

        self._edits.look(image_id, partial(waists_at, image_id=image_id, rc=rc), take)

    def _explain_line(self) -> None:
        self._errors.inform(self.tr("The line has to cross an object of the mask from side to side."))

    def _explain_seeds(self) -> None:
        self._errors.inform(self.tr("Click once into each half of the same object."))

    def _object_under(self, image_id: str, line: Sequence[XY]) -> RC | None:
        """A pixel of the object that most of the line runs over."""
        votes: Counter[tuple[int, int]] = Counter()
        pixels: dict[tuple[int, int], RC] = {}
        layer = self._document.masks.layer(image_id)
        for rc in (rc_from_xy(xy) for xy in _along(line)):
            if is_inside(rc, layer.shape) and layer.labels[rc] not in (BACKGROUND, UNLABELLED):
                key = self._object_key(image_id, rc)
                votes[key] += 1
                pixels.setdefault(key, rc)
        return pixels[votes.most_common(1)[0][0]] if votes else None

    def _object_key(self, image_id: str, rc: RC) -> tuple[int, int]:
        """Class and number; areas of one class without a number are told apart by nothing else here."""
        layer = self._document.masks.layer(image_id)
        return int(layer.labels[rc]), int(layer.instances[rc]) if layer.has_instances else 0


def _along(line: Sequence[XY]) -> list[XY]:
    """Points at equal distances along a line."""
    points = np.asarray(line, np.float64)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    places = np.linspace(0.0, lengths[-1], _ALONG_LINE)
    columns = [np.interp(places, lengths, points[:, axis]) for axis in (0, 1)]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _seams(parts: Parts) -> Mask:
    """Pixels above or left of which another part begins."""
    seams = np.zeros(parts.shape, np.bool_)
    seams[1:] |= (parts[1:] != parts[:-1]) & (parts[:-1] > 0)
    seams[:, 1:] |= (parts[:, 1:] != parts[:, :-1]) & (parts[:, :-1] > 0)
    return seams
