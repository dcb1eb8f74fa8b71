"""Labels looked up in a table, without the memory that NumPy takes for that."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Labels, Rect

_TILE: Final = 256


def looked_up(table: NDArray[np.uint8], labels: Labels, out: Labels | None = None) -> Labels:
    """``table[labels]``, uint8 [H, W], into ``out`` if given.

    Tile by tile: numpy makes eight bytes of every label meanwhile, and most tiles are of one class.
    """
    shape = int(labels.shape[0]), int(labels.shape[1])
    out = np.empty(shape, np.uint8) if out is None else out
    for tile in Rect.whole(shape).tiles(shape, _TILE):
        part = labels[tile.slices]
        is_uniform = bool((part == part[0, 0]).all())
        out[tile.slices] = table[part[0, 0]] if is_uniform else table.take(part)
    return out
