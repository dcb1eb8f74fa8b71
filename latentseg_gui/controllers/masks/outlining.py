"""Corners of an object that are dragged, added and taken away; each is one step of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer
from scipy import ndimage

from latentseg_gui.commands.masks.objects import is_object, object_at
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.masks.shapes import reshaped
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.masks.shaping_context import ShapingContext
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.masks.outlines import TOLERANCE, Contour, changed_area, outline_of
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.types import Mask, Rect

XY = tuple[float, float]
RC = tuple[int, int]
Change = Callable[[Contour], Contour | None]

_ON_SCREEN: Final = 2.5
"""Where the image is shown small, corners stand for this many logical pixels."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An object whose corners are shown.

    Attributes:
        image_id: the image.
        rc: a pixel deep inside it.
        tolerance: see `outline_of`.
        corners: as they are shown.
    """

    image_id: str
    rc: RC
    tolerance: float
    corners: tuple[XY, ...]


class OutlineController(QObject):
    """Shows the corners of an object, follows the mask with them, and changes the object by them."""

    def __init__(self, context: ShapingContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = context.document
        self._edits = context.edits
        self._canvas = context.canvas
        self._objects = context.objects
        self._errors = context.errors
        self._shown: Shown | None = None
        self._follow = QTimer(self, singleShot=True)
        self._follow.timeout.connect(self._on_followed)
        context.canvas.outline_requested.connect(self.show_corners)
        context.canvas.corner_moved.connect(self.move_corner)
        context.canvas.corner_added.connect(self.add_corner)
        context.canvas.corner_removed.connect(self.remove_corner)
        context.document.events.mask_changed.connect(self._on_mask_changed)
        context.document.events.current_changed.connect(self.clear)
        context.tool.tool_changed.connect(self._on_tool_changed)

    def show_corners(self, x: float, y: float) -> None:
        """Shows the corners of the object at a place; of none where there is none."""
        image_id, rc = self._document.readable_id, rc_from_xy((x, y))
        if image_id is None:
            return
        if not is_object(self._document, image_id, rc):
            self.clear()
            self._objects.clear()
            return
        tolerance = max(TOLERANCE, _ON_SCREEN / self._canvas.camera.viewport.scale)
        self._look(image_id, rc, tolerance)

    def move_corner(self, index: int, x: float, y: float) -> None:
        """A corner was dragged elsewhere."""
        self._change(self.tr("Move corner"), lambda outline: outline.with_corner(index, (x, y)))

    def add_corner(self, side: int, x: float, y: float) -> None:
        """The line from a corner to the next was dragged over one more place."""
        self._change(self.tr("Add corner"), lambda outline: outline.with_corner_on(side, (x, y)))

    def remove_corner(self, index: int) -> None:
        """A corner was taken away: its neighbours are joined by a straight line."""
        self._change(self.tr("Remove corner"), lambda outline: outline.without_corner(index))

    def clear(self, *_: object) -> None:
        """Shows no corners."""
        if self._shown is not None:
            self._shown = None
            self._canvas.outline.set(())

    def _change(self, title: str, change: Change) -> None:
        shown = self._shown
        if shown is None:
            return
        make = partial(_changed, shown=shown, change=change, label=title)
        after = partial(self._objects.edited.emit, shown.image_id)
        self._edits.do(shown.image_id, title, make, after=after, otherwise=self._explain, weight=2.0)

    def _explain(self) -> None:
        self._on_followed()
        self._errors.inform(
            self.tr(
                "Nothing was changed: an outline keeps at least three corners, and takes no pixels of other objects."
            )
        )

    def _look(self, image_id: str, rc: RC, tolerance: float) -> None:
        def take(shown: Shown | None) -> None:
            if image_id != self._document.images.current_id or shown is None:
                self.clear()
                return
            self._shown = shown
            self._canvas.outline.set(shown.corners)
            row, col = shown.rc
            self._objects.select(col + 0.5, row + 0.5)

        self._edits.look(image_id, partial(_shown_at, image_id=image_id, rc=rc, tolerance=tolerance), take)

    def _on_mask_changed(self, image_id: str, *_: object) -> None:
        if self._shown is not None and self._shown.image_id == image_id:
            self._follow.start(0)

    def _on_followed(self) -> None:
        shown = self._shown
        if shown is not None and self._document.images.has(shown.image_id):
            self._look(shown.image_id, shown.rc, shown.tolerance)

    def _on_tool_changed(self, tool: ToolName) -> None:
        if tool is not ToolName.OUTLINE:
            self.clear()


def _shown_at(source: MaskSource, image_id: str, rc: RC, tolerance: float) -> Shown | None:
    if not is_object(source, image_id, rc):
        return None
    rect, area = object_at(source, image_id, rc)
    outline = outline_of(rect, area, rc, tolerance)
    return (
        None if outline is None else Shown(image_id, deepest(rect, area, rc), tolerance, tuple(outline.xys))
    )


def deepest(rect: Rect, area: Mask, rc: RC) -> RC:
    """The pixel of a connected part, given by a pixel of it, that lies deepest inside: edits leave it longest."""
    parts, _ = ndimage.label(area)
    part = parts == parts[rc[0] - rect.row0, rc[1] - rect.col0]
    depth = ndimage.distance_transform_edt(np.pad(part, 1))[1:-1, 1:-1]
    row, col = np.unravel_index(int(depth.argmax()), part.shape)
    return int(row) + rect.row0, int(col) + rect.col0


def _changed(source: MaskSource, shown: Shown, change: Change, label: str) -> MaskPatch | None:
    """The step; None where the object is no longer what was shown, or stays as it is."""
    rc = shown.rc
    if not is_object(source, shown.image_id, rc):
        return None
    rect, area = object_at(source, shown.image_id, rc)
    before = outline_of(rect, area, rc, shown.tolerance)
    if before is None or tuple(before.xys) != shown.corners:
        return None
    after = change(before)
    if after is None:
        return None
    shape = changed_area(rect, area, before, after, source.masks.layer(shown.image_id).shape)
    return reshaped(source, shown.image_id, rc, shape, label)
