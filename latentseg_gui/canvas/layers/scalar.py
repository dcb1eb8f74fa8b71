"""Numbers over the image as colours: heatmaps of experts, uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QRegion

from latentseg_gui.canvas.colour_maps import heatmap_colours
from latentseg_gui.canvas.layers.base import Part, paint_scaled
from latentseg_gui.canvas.packing import Packed, pack_table, qimage_of
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

FINE_SIDE: Final = 768
"""Coarse arrays are interpolated (as numbers, not as colours) up to about this longer side."""


@dataclass(frozen=True, slots=True)
class ScalarStyle:
    """How numbers become colours.

    Attributes:
        colour_map: a name of `colour_maps.COLOUR_MAPS`.
        opacity: of the whole layer, 0..1.
        is_ramped: whether small numbers are more transparent.
    """

    colour_map: str = "magma"
    opacity: float = 0.6
    is_ramped: bool = False

    def table(self) -> Packed:
        """Packed colours [256]."""
        alpha = np.full(256, 255.0) if not self.is_ramped else np.minimum(np.arange(256) * 1.6, 255.0)
        rgba = np.empty((256, 4), np.uint8)
        rgba[:, :3] = heatmap_colours(self.colour_map)
        rgba[:, 3] = np.round(alpha * self.opacity)
        return pack_table(rgba)


@dataclass(frozen=True, slots=True)
class _Stretched:
    """Codes [h, w], the colour of each, and the rectangle of the image that they are stretched over."""

    codes: NDArray[np.uint8]
    table: Packed
    over: Rect


class ScalarLayer:
    """Draws an array [h, w] of any resolution, stretched smoothly over the whole image.

    Attributes:
        part: finer numbers, which take the place of the others in a rectangle; to be set before the values.
    """

    def __init__(self) -> None:
        self.part: Part | None = None
        self._codes: NDArray[np.uint8] | None = None
        self._part_codes: NDArray[np.uint8] | None = None
        self._lookup: NDArray[np.uint8] | None = None
        self._table = ScalarStyle().table()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self._codes is None

    def set_values(self, values: NDArray[Any] | None, value_range: tuple[float, float]) -> None:
        """Takes numbers; those of ``value_range`` spread over the colour map, NaN is its lower end.

        Many bytes are referenced, not copied, and turned into colours where they are drawn: then it takes the
        same time however large the image is.
        """
        has_values = values is not None and values.size > 0
        self._codes, self._lookup = None, None
        if has_values and values is not None and values.dtype == np.uint8 and max(values.shape) > FINE_SIDE:
            self._codes = values
            self._lookup = _spread(np.arange(256), value_range).astype(np.uint8)
        elif has_values and values is not None:
            self._codes = _codes(values, value_range)
        has_part = self._codes is not None and self.part is not None and self.part[1].size > 0
        self._part_codes = _codes(self.part[1], value_range) if has_part and self.part else None

    def set_style(self, style: ScalarStyle) -> None:
        """Takes another look."""
        self._table = style.table()

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``, in device pixels (of `Layer`)."""
        if self._codes is None:
            return
        x0, y0, x1, y1 = viewport.image_box
        on_image = device.intersected(QRect(x0, y0, x1 - x0, y1 - y0))
        clip = QRegion(on_image)
        if self.part is not None and self._part_codes is not None:
            inside = on_image.intersected(_within(viewport, self.part[0]))
            clip -= QRegion(inside)
            stretched = _Stretched(self._part_codes, self._table, self.part[0])
            self._paint(painter, viewport, QRegion(inside), stretched)
        table = self._table if self._lookup is None else self._table[self._lookup]
        stretched = _Stretched(self._codes, table, Rect.whole(viewport.image_shape))
        self._paint(painter, viewport, clip, stretched)

    def _paint(self, painter: QPainter, viewport: Viewport, clip: QRegion, stretched: _Stretched) -> None:
        """Draws what lies in ``clip``."""
        codes, over = stretched.codes, stretched.over
        part = viewport.rect_under(clip.boundingRect())
        if clip.isEmpty() or part.is_empty:
            return
        rows, cols = codes.shape
        unit_y, unit_x = over.shape[0] / rows, over.shape[1] / cols
        step = max(1, math.floor(1 / (max(unit_x, unit_y) * viewport.scale)))
        rect = Rect(
            _floor_to(int((part.row0 - over.row0) / unit_y) - 2 * step, step),
            _floor_to(int((part.col0 - over.col0) / unit_x) - 2 * step, step),
            math.ceil((part.row1 - over.row0) / unit_y) + 2 * step,
            math.ceil((part.col1 - over.col0) / unit_x) + 2 * step,
        ).clipped((rows, cols))
        picked = codes[rect.row0 : rect.row1 : step, rect.col0 : rect.col1 : step]
        right, bottom = rect.col0 + picked.shape[1] * step, rect.row0 + picked.shape[0] * step
        x0, y0 = over.col0 + rect.col0 * unit_x, over.row0 + rect.row0 * unit_y
        box = (x0, y0, over.col0 + right * unit_x, over.row0 + bottom * unit_y)
        painter.save()
        painter.setClipRegion(clip)
        paint_scaled(painter, viewport, qimage_of(stretched.table.take(picked), has_alpha=True), box)
        painter.restore()


def _within(viewport: Viewport, rect: Rect) -> QRect:
    """The device pixels that show nothing but ``rect``: a part must cover what it is drawn on."""
    box = viewport.target(rect.col0, rect.row0, rect.col1, rect.row1)
    left, top = math.ceil(box.left()), math.ceil(box.top())
    return QRect(left, top, math.floor(box.right()) - left, math.floor(box.bottom()) - top)


def _codes(values: NDArray[Any], value_range: tuple[float, float]) -> NDArray[np.uint8]:
    """Indices into the colours, interpolated where ``values`` are coarse."""
    codes = _spread(values, value_range)
    factor = max(1, FINE_SIDE // max(values.shape))
    return (codes if factor == 1 else refined(codes, factor)).astype(np.uint8)


def _spread(values: NDArray[Any], value_range: tuple[float, float]) -> NDArray[np.float32]:
    """Numbers in 0..255; the range may run downwards."""
    low, high = value_range
    spread = np.float32(255.0 / (high - low if high != low else 1.0))
    finite = np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low)
    spread_out: NDArray[np.float32] = np.clip((finite - np.float32(low)) * spread, 0, 255)
    return spread_out


def refined(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Linear interpolation to ``factor`` times the resolution, cell centres staying where they are."""
    for axis in (0, 1):
        size = values.shape[axis]
        at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        lower = np.minimum(at.astype(np.intp), max(size - 2, 0))
        weight = (at - lower).astype(np.float32)
        weight = weight[:, None] if axis == 0 else weight[None, :]
        upper = values.take(np.minimum(lower + 1, size - 1), axis=axis)
        values = values.take(lower, axis=axis) * (1 - weight) + upper * weight
    return values


def _floor_to(value: int, step: int) -> int:
    return max(0, value // step * step)
