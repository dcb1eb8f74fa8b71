"""The mask of an image as it was at one moment, copied by another thread while the mask goes on changing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Rect

_SIDE: Final = 512


class MaskCopy:
    """Copies arrays as they are now, but later: called, once, by any thread.

    Whoever is about to change the arrays calls `keep` first, which copies what was not copied yet of the part
    that changes. So nobody waits for a copy of the whole, however large it is.

    Args:
        planes: arrays [H, W] of one shape.
    """

    def __init__(self, planes: Sequence[NDArray[Any]]) -> None:
        self._planes = tuple(planes)
        self._shape = int(planes[0].shape[0]), int(planes[0].shape[1])
        self._lock = threading.Lock()
        self._copied: set[Rect] = set()
        self._kept: dict[Rect, list[NDArray[Any]]] = {}
        self.is_done = False
        """Whether everything was copied."""

    def keep(self, rect: Rect) -> None:
        """The arrays are going to change inside ``rect``."""
        for tile in rect.tiles(self._shape, _SIDE):
            with self._lock:
                if tile not in self._copied and tile not in self._kept:
                    self._kept[tile] = [plane[tile.slices].copy() for plane in self._planes]

    def __call__(self) -> tuple[NDArray[Any], ...]:
        """The arrays as they were."""
        copies = tuple(np.empty(self._shape, plane.dtype) for plane in self._planes)
        for tile in Rect.whole(self._shape).tiles(self._shape, _SIDE):
            with self._lock:
                parts = self._kept.pop(tile, None) or [plane[tile.slices] for plane in self._planes]
                for copy, part in zip(copies, parts, strict=True):
                    copy[tile.slices] = part
                self._copied.add(tile)
        self.is_done = True
        return copies
