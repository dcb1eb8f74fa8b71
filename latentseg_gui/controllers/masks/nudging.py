"""Push and pull of an object's border: shown while the hand moves, one step of the history when it lets go."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.commands.masks.objects import object_at
from latentseg_gui.commands.masks.shapes import Area, check_unlocked, free_for, placed, reshaped, widened
from latentseg_gui.controllers.masks.outlining import deepest
from latentseg_gui.controllers.masks.shaping_context import ShapingContext
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.nudging import Nudge
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Rect

XY = tuple[float, float]
RC = tuple[int, int]

_ROOM: Final = 3.0
"""The hand works in a window that goes so many times its radius, and a little more, beyond it."""
_LITTLE: Final = 24


class _Hand:
    """What one push has made of an object so far.

    Args:
        image_id: the image.
        rc: a pixel of the object.
        area: the object.
        radius: of the hand.
        shape: of the image.
    """

    def __init__(self, image_id: str, rc: RC, area: Area, radius: float, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.image_id = image_id
        self.rc = rc
        self.area = area
        self.radius = radius
        self.last: XY = (0.0, 0.0)
        self.window = Rect(0, 0, 0, 0)
        self.nudge: Nudge | None = None


class NudgeController(QObject):
    """Finds the object under the hand and moves its border."""

    def __init__(self, context: ShapingContext, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = context.document
        self._edits = context.edits
        self._canvas = context.canvas
        self._objects = context.objects
        self._tool = context.tool
        self._errors = context.errors
        self._hand: _Hand | None = None
        self._seeking: str | None = None
        context.canvas.nudge_started.connect(self._on_started)
        context.canvas.nudge_moved.connect(self._on_moved)
        context.canvas.nudge_finished.connect(self._on_finished)
        context.canvas.nudge_aborted.connect(self._on_aborted)

    def _on_started(self, xy: XY) -> None:
        self._seeking = None if self._edits.is_working else self._document.readable_id
        self._seek(xy)

    def _seek(self, xy: XY) -> None:
        """Takes the object that the hand is the first to come near."""
        image_id, radius = self._seeking, self._tool.diameter / 2
        rc = None if image_id is None else self._object_near(image_id, xy, radius)
        if image_id is None or rc is None:
            return
        self._seeking = None
        layer = self._document.masks.layer(image_id)
        try:
            check_unlocked(self._document, image_id, rc)
        except LatentsegError as error:
            self._errors.report(error)
            return
        rect, area = object_at(self._document, image_id, rc)
        row, col = deepest(rect, area, rc)
        self._objects.select(col + 0.5, row + 0.5)
        self._hand = _Hand(image_id, (row, col), (rect, area), radius, layer.shape)
        self._hand.last = xy

    def _on_moved(self, xy: XY) -> None:
        hand = self._hand
        if hand is None:
            self._seek(xy)
            return
        if hand.nudge is None or not _is_well_inside(hand, xy):
            self._take_hold(hand, xy)
        if hand.nudge is None:
            return
        row, col = hand.window.row0, hand.window.col0
        hand.nudge.along([(x - col, y - row) for x, y in (hand.last, xy)])
        hand.last = xy
        self._show(hand)

    def _take_hold(self, hand: _Hand, xy: XY) -> None:
        """Works in a window round the way from where the hand was to where it is."""
        reach = int(_ROOM * hand.radius) + _LITTLE
        (row0, row1), (col0, col1) = (sorted((int(hand.last[axis]), int(xy[axis]) + 1)) for axis in (1, 0))
        window = widened(Rect(row0, col0, row1, col1), reach, hand.shape)
        hand.window = window
        hand.nudge = None if window.is_empty else Nudge(placed(hand.area, window), hand.radius)

    def _show(self, hand: _Hand) -> None:
        """Puts what the window holds now into the object; what belongs to others stays theirs."""
        assert hand.nudge is not None
        layer, window = self._document.masks.layer(hand.image_id), hand.window
        number = int(layer.instances[hand.rc]) if layer.has_instances else 0
        free = free_for(layer, window, number) | placed(hand.area, window)
        rect = hand.area[0].union(window)
        area = placed(hand.area, rect)
        inner = Rect(
            window.row0 - rect.row0, window.col0 - rect.col0, window.row1 - rect.row0, window.col1 - rect.col0
        )
        area[inner.slices] = hand.nudge.area & free
        hand.area = rect, area
        self._canvas.selection.set(rect, area)

    def _on_finished(self) -> None:
        hand, self._hand = self._hand, None
        if self._seeking is not None:
            self._seeking = None
            self._errors.inform(
                self.tr("No object of the mask was near: push from inside one, or against it.")
            )
        if hand is None or not self._document.images.has(hand.image_id):
            return
        title = self.tr("Push and pull")
        make = partial(reshaped, image_id=hand.image_id, rc=hand.rc, shape=hand.area, label=title)
        after = partial(self._objects.edited.emit, hand.image_id)
        self._edits.do(hand.image_id, title, make, after=after, otherwise=self._objects.refresh)

    def _on_aborted(self) -> None:
        self._seeking = None
        if self._hand is not None:
            self._hand = None
            self._objects.refresh()

    def _object_near(self, image_id: str, xy: XY, radius: float) -> RC | None:
        """The pixel of an object that is nearest to a place, within the hand."""
        layer = self._document.masks.layer(image_id)
        row, col = rc_from_xy(xy)
        window = widened(Rect(row, col, row + 1, col + 1), int(np.ceil(radius)), layer.shape)
        if window.is_empty:
            return None
        labels = layer.labels[window.slices]
        rows, cols = np.nonzero((labels != BACKGROUND) & (labels != UNLABELLED))
        if rows.size == 0:
            return None
        away = np.hypot(rows + window.row0 - row, cols + window.col0 - col)
        nearest = int(away.argmin())
        if away[nearest] > radius:
            return None
        return int(rows[nearest]) + window.row0, int(cols[nearest]) + window.col0


def _is_well_inside(hand: _Hand, xy: XY) -> bool:
    """Whether all that the hand moves lies in its window."""
    room, window, (height, width) = 2 * hand.radius + 2, hand.window, hand.shape
    return all(
        (low == 0 or low + room <= place) and (high == size or place <= high - room)
        for place, low, high, size in (
            (xy[0], window.col0, window.col1, width),
            (xy[1], window.row0, window.row1, height),
        )
    )
