"""Values that cross a border between packages: frozen, slotted, arrays read-only by convention.

Coordinates: ``rc`` is an integer array index (row, column); ``xy`` is a float position in image
pixels whose origin is the upper left corner of the upper left pixel, so that pixel ``rc`` covers
``[c, c + 1) x [r, r + 1)``. `latentseg_gui.document.coords` converts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
"""Class ids [H, W]; `UNLABELLED` where nothing is labelled."""

Mask = NDArray[np.bool_]
"""Boolean area [H, W]."""

UNLABELLED: Final = 255
BACKGROUND: Final = 0


class Provenance(IntEnum):
    """Who said what class a pixel is."""

    NONE = 0
    PREDICTED = 1
    CLICKED = 2
    PAINTED = 3
    IMPORTED = 4


@dataclass(frozen=True, slots=True)
class Rect:
    """A half-open rectangle of pixels: rows ``row0:row1``, columns ``col0:col1``."""

    row0: int
    col0: int
    row1: int
    col1: int

    @property
    def is_empty(self) -> bool:
        """Whether no pixel lies inside."""
        return self.row1 <= self.row0 or self.col1 <= self.col0

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns); zero where empty."""
        return max(0, self.row1 - self.row0), max(0, self.col1 - self.col0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rectangle as an index into an array [H, W, ...]."""
        return slice(self.row0, self.row1), slice(self.col0, self.col1)

    def union(self, other: Rect) -> Rect:
        """The smallest rectangle that holds both; an empty one counts for nothing."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        return Rect(
            min(self.row0, other.row0),
            min(self.col0, other.col0),
            max(self.row1, other.row1),
            max(self.col1, other.col1),
        )

    def clipped(self, shape: tuple[int, int]) -> Rect:
        """The part inside an image of ``shape`` (rows, columns)."""
        rows, cols = shape
        return Rect(
            min(max(self.row0, 0), rows),
            min(max(self.col0, 0), cols),
            min(max(self.row1, 0), rows),
            min(max(self.col1, 0), cols),
        )

    def tiles(self, shape: tuple[int, int], side: int) -> Iterator[Rect]:
        """The tiles of ``side`` pixels that this touches, of an image of ``shape`` (rows, columns)."""
        for row in range(self.row0 // side * side, self.row1, side):
            for col in range(self.col0 // side * side, self.col1, side):
                yield Rect(row, col, min(row + side, shape[0]), min(col + side, shape[1]))

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Rect:
        """The rectangle of a whole image of ``shape`` (rows, columns)."""
        return cls(0, 0, shape[0], shape[1])

    @classmethod
    def around(cls, mask: Mask) -> Rect:
        """The bounding box of the true pixels of ``mask`` [H, W]; empty where there are none."""
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return cls(0, 0, 0, 0)
        cols = np.flatnonzero(mask.any(axis=0))
        return cls(int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image as read.

    Attributes:
        image_id: stable name of the image inside the document.
        pixels: what is shown and what the model sees, uint8 [H, W, 3].
        source: the values of the file, [H, W] or [H, W, channels], any real dtype.
        path: where it came from; None for one pasted or made in memory.
        notes: sentences about conversions made while reading ("turned upright by its EXIF tag").
        frame: which page or frame of the file this is, from 0.
        frames: how many the file has.
        is_inverted: whether small values of the file are shown bright (a TIFF in which zero is white).
        level_notes: sentences about which values are shown black and white, for where levels are set.
        nodata: the value of the file that stands for "nothing was measured here"; None if there is none.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    source: NDArray[np.generic]
    path: Path | None = None
    notes: tuple[str, ...] = ()
    frame: int = 0
    frames: int = 1
    is_inverted: bool = False
    level_notes: tuple[str, ...] = ()
    nodata: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return int(self.pixels.shape[0]), int(self.pixels.shape[1])
