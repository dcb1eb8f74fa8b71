"""Words on objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QFont

from latentseg_gui.canvas.chrome.object_names import ObjectNames
from latentseg_gui.canvas.surface import Surface


class ObjectNamesPart:
    """Shows numbers and names of objects.

    Attributes:
        item: draws them.
    """

    def __init__(self, surface: Surface, font: QFont) -> None:
        self.item = ObjectNames(font)
        self._surface = surface

    def set(
        self, boxes: NDArray[np.int64] | None, numbers: Sequence[str] = (), names: Sequence[str] = ()
    ) -> None:
        """Writes on objects with these boxes (row0, col0, row1, col1), int64 [N, 4]; None for none."""
        self.item.boxes = np.zeros((0, 4), np.int64) if boxes is None else boxes
        self.item.numbers, self.item.names = numbers, names
        self._surface.refresh_chrome(self.item)
