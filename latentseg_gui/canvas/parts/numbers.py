"""What is shown as numbers over the image, and their key."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette

from latentseg_gui.canvas.chrome.base import draw_panel
from latentseg_gui.canvas.chrome.legend import Legend
from latentseg_gui.canvas.colour_maps import heatmap_colours
from latentseg_gui.canvas.layers.base import Part
from latentseg_gui.canvas.layers.categories import CategoryLayer
from latentseg_gui.canvas.layers.scalar import ScalarLayer, ScalarStyle
from latentseg_gui.canvas.layers.stack import LayerStack
from latentseg_gui.canvas.packing import pack_table, qimage_of
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.canvas.viewport import Viewport

_BAR_WIDTH: Final = 180
_BAR_HEIGHT: Final = 10
_WIDEST: Final = 420
_PADDING: Final = 8
_SLACK: Final = 1.12
"""Text runs a little wider in the frame, which is a picture, than the metrics of the screen say."""


class ColourScale:
    """A panel in the lower left corner."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.caption = ""
        self.ends = ("", "")
        self.names: tuple[str, ...] = ()
        self.is_shown = False
        self._colours = heatmap_colours("magma")

    def show(
        self, colours: NDArray[np.uint8], ends: tuple[str, str], caption: str, names: tuple[str, ...] = ()
    ) -> None:
        """Shows a key: colours [N, 3] in their order, what the first and the last mean, or a name for each."""
        self._colours, self.ends, self.caption, self.is_shown = colours, ends, caption, True
        self.names = names

    def bounds(self, viewport: Viewport) -> QRect:
        """The logical area that it draws on, empty while it draws nothing (of `ChromeItem`)."""
        return self._area(viewport).toAlignedRect() if self.is_shown else QRect()

    def paint(self, painter: QPainter, viewport: Viewport, palette: QPalette) -> None:
        """Draws it, in logical coordinates (of `ChromeItem`)."""
        if not self.is_shown:
            return
        area = self._area(viewport)
        line = QFontMetricsF(self.font).height()
        draw_panel(painter, area, palette)
        inner = area.adjusted(_PADDING, _PADDING, -_PADDING, -_PADDING)
        painter.setFont(self.font)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        caption_area = QRectF(inner.x(), inner.y(), inner.width(), line if self.caption else 0)
        painter.drawText(caption_area, flags, self.caption)
        bar = QRectF(inner.x(), caption_area.bottom() + 3, inner.width(), _BAR_HEIGHT)
        self._draw_bar(painter, bar)
        ends = QRectF(inner.x(), bar.bottom() + 1, inner.width(), line)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        for part, side, text in self._texts(ends):
            painter.drawText(part, side | Qt.AlignmentFlag.AlignVCenter, text)

    def _texts(self, row: QRectF) -> list[tuple[QRectF, Qt.AlignmentFlag, str]]:
        """What stands below the colours: a name for each where they have room, else those of the ends."""
        sides = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        width = row.width() / max(len(self.names), 1)
        metrics = QFontMetricsF(self.font)
        if not self.names or any(_SLACK * metrics.horizontalAdvance(name) > width for name in self.names):
            return [(row, side, text) for side, text in zip(sides, self.ends, strict=True)]
        middle = Qt.AlignmentFlag.AlignHCenter
        return [
            (QRectF(row.x() + index * width, row.y(), width, row.height()), middle, name)
            for index, name in enumerate(self.names)
        ]

    def _draw_bar(self, painter: QPainter, bar: QRectF) -> None:
        colours = np.full((len(self._colours), 4), 255, np.uint8)
        colours[:, :3] = self._colours
        painter.drawImage(bar, qimage_of(pack_table(colours)[None], has_alpha=False))

    def _area(self, viewport: Viewport) -> QRectF:
        metrics = QFontMetricsF(self.font)
        each = max((_SLACK * metrics.horizontalAdvance(name) + 3 for name in self.names), default=0.0)
        needed = max(_SLACK * metrics.horizontalAdvance(self.caption), min(each * len(self.names), _WIDEST))
        width = max(_BAR_WIDTH, needed) + 2 * _PADDING
        lines = 2 if self.caption else 1
        height = lines * metrics.height() + _BAR_HEIGHT + 4 + 2 * _PADDING
        return QRectF(10, viewport.device_size[1] / viewport.ratio - height - 10, width, height)


class NumberKey:
    """The one key of all numbers that lie over the image; the legend makes room for it.

    Attributes:
        bar: the colours, and what their ends mean.
    """

    def __init__(self, surface: Surface, stack: LayerStack, legend: Legend, font: QFont) -> None:
        self.bar = ColourScale(font)
        self._surface = surface
        self._stack = stack
        self._legend = legend

    def refresh(self) -> None:
        """Draws the numbers again, with the key while there are any."""
        self.bar.is_shown = self.bar.is_shown and self._stack.has_numbers
        bounds = self.bar.bounds(self._surface.viewport)
        self._legend.lift = bounds.height() + 6 if self.bar.is_shown else 0
        self._surface.refresh_chrome(self.bar, self._legend)
        self._surface.refresh_layers()


class HeatmapPart:
    """Shows numbers of any resolution over the whole image, by a colour map."""

    def __init__(self, layer: ScalarLayer, key: NumberKey) -> None:
        self._layer = layer
        self._key = key

    def set(
        self,
        values: NDArray[Any] | None,
        *,
        colour_map: str = "magma",
        value_range: tuple[float, float] | None = None,
        caption: str = "",
        opacity: float = 0.6,
        part: Part | None = None,
    ) -> None:
        """Shows numbers [h, w], with a key.

        Args:
            values: the numbers; None for no heatmap.
            colour_map: "magma", "viridis" or "grey".
            value_range: what the ends of the colour map mean; by default the least and the largest number.
            caption: what is shown and how it was normalised, for the key.
            opacity: 0..1.
            part: a rectangle of the image with finer numbers for it, [h, w], which take the place of ``values``.
        """
        low, high = value_range or _range_of(values)
        self._layer.part = part if values is not None else None
        self._layer.set_style(ScalarStyle(colour_map, opacity))
        self._layer.set_values(values, (low, high))
        if not self._layer.is_empty:
            self._key.bar.show(heatmap_colours(colour_map), (f"{low:.3g}", f"{high:.3g}"), caption)
        self._key.refresh()


class UncertaintyPart:
    """Shows how unsure the model is; what is sure stays clear."""

    def __init__(self, layer: ScalarLayer, key: NumberKey) -> None:
        self._layer = layer
        self._key = key

    def set(
        self,
        values: NDArray[Any] | None,
        *,
        value_range: tuple[float, float] = (0.0, 1.0),
        caption: str = "",
        opacity: float = 0.75,
    ) -> None:
        """Shows numbers [h, w] of any resolution, with a key; None for none.

        ``value_range`` says which numbers mean sure and unsure: (255, 0) for confidences in bytes.
        """
        style = ScalarStyle("magma", opacity, is_ramped=True)
        self._layer.set_style(style)
        self._layer.set_values(values, value_range)
        if not self._layer.is_empty:
            self._key.bar.show(heatmap_colours(style.colour_map), ("0", "1"), caption)
        self._key.refresh()


class CategoriesPart:
    """Shows which of several things a place belongs to."""

    def __init__(self, layer: CategoryLayer, key: NumberKey) -> None:
        self._layer = layer
        self._key = key

    def set(
        self,
        values: NDArray[np.uint8] | None,
        *,
        colours: NDArray[np.uint8] | None = None,
        caption: str = "",
        opacity: float = 0.6,
        part: Part | None = None,
    ) -> None:
        """Shows numbers [h, w] of any resolution, in the colour of each [K, 3], with a key.

        Finer numbers for a rectangle of the image take the place of the others there.
        """
        table = np.zeros((0, 3), np.uint8) if colours is None else colours
        self._layer.set_values(values, table, opacity)
        self._layer.part = part
        if not self._layer.is_empty:
            numbers = tuple(str(each) for each in range(len(table)))
            self._key.bar.show(table, (numbers[0], numbers[-1]), caption, numbers)
        self._key.refresh()


def _range_of(values: NDArray[Any] | None) -> tuple[float, float]:
    """The least and the largest finite number."""
    finite = values[np.isfinite(values)] if values is not None else np.empty(0)
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
