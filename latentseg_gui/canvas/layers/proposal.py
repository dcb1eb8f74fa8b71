"""What is proposed: a light fill and an outline that shows on any image."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from latentseg_gui.canvas.chrome.base import NEGATIVE
from latentseg_gui.canvas.layers.base import Samples, paint_samples
from latentseg_gui.canvas.layers.labels import EDGE, outlined
from latentseg_gui.canvas.packing import pack_table
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

_WIDTH: Final = 1.5
_FILL_ALPHA: Final = 80


LOST: Final = EDGE - 1
"""The number of an area that a click would take away, in a layer that shows such."""
_LOST_ALPHA: Final = 110


class ProposalLayer:
    """Draws a mask that lies in a rectangle of the image: one area, or several by numbers below `EDGE`.

    Args:
        fill_alpha: how densely areas are filled, 0..255.
        shows_lost: whether `LOST` is drawn as what would be taken away.
    """

    def __init__(self, fill_alpha: int = _FILL_ALPHA, *, shows_lost: bool = False) -> None:
        self._fill_alpha = fill_alpha
        self._shows_lost = shows_lost
        self.rect = Rect(0, 0, 0, 0)
        self._padded: NDArray[np.uint8] | None = None
        self._colour = QColor("#56b4e9")
        self._is_preview = False
        self._take_colours()

    def set_colour(self, colour: QColor) -> None:
        """Fills with the colour of the class that would be given."""
        self._colour = colour
        self._take_colours()

    def set_preview(self, is_preview: bool) -> None:
        """Draws what only might be proposed fainter."""
        self._is_preview = is_preview
        self._take_colours()

    def _take_colours(self) -> None:
        red, green, blue = self._colour.red(), self._colour.green(), self._colour.blue()
        strength = 0.5 if self._is_preview else 1.0
        table = np.zeros((2 * EDGE, 4), np.uint8)
        table[1:EDGE] = (red, green, blue, round(self._fill_alpha * strength))
        table[EDGE] = (0, 0, 0, round(190 * strength))
        table[EDGE + 1 :] = (255, 255, 255, round(255 * strength))
        if self._shows_lost:
            table[LOST] = (NEGATIVE.red(), NEGATIVE.green(), NEGATIVE.blue(), _LOST_ALPHA)
        self._table = pack_table(table)

    def set_mask(self, rect: Rect, mask: NDArray[np.bool_] | NDArray[np.uint8] | None) -> None:
        """Takes a mask of the shape of ``rect``, or none; between two numbers runs an outline."""
        self.rect = rect if mask is not None else Rect(0, 0, 0, 0)
        self._padded = None if mask is None else np.pad(mask.astype(np.uint8), 1)

    def margin(self, viewport: Viewport) -> int:
        """Device pixels beyond the rectangle that belong to the outline."""
        return max(1, round(_WIDTH * viewport.ratio))

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``, in device pixels (of `Layer`)."""
        if self._padded is None:
            return
        pad = self.margin(viewport)
        around = viewport.device_rect(self.rect, margin=pad)
        samples = Samples.under(viewport, device.intersected(around), pad)
        if samples is None:
            return
        rows = np.clip(samples.rows - self.rect.row0 + 1, 0, self._padded.shape[0] - 1)
        cols = np.clip(samples.cols - self.rect.col0 + 1, 0, self._padded.shape[1] - 1)
        ids = self._padded.take(rows, axis=0).take(cols, axis=1)
        paint_samples(painter, samples, outlined(ids, pad, self._table))
