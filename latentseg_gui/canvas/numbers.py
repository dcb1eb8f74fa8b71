"""Setters for everything that is shown as numbers over the image, and their key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.chrome.colour_bar import ColourBar
from latentseg_gui.canvas.chrome.pins import PinMarkers
from latentseg_gui.canvas.colour_maps import colour_table
from latentseg_gui.canvas.layers.base import Part
from latentseg_gui.canvas.layers.scalar import ScalarLayer, ScalarStyle
from latentseg_gui.canvas.overlays import CanvasOverlays


class CanvasNumbers(CanvasOverlays):
    """Shows arrays of any resolution over the whole image."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colour_bar = ColourBar(self.font())
        self._pins = PinMarkers(self.font())
        self._chrome += [self._pins, self._colour_bar]

    def set_pins(self, positions: Sequence[tuple[float, float]]) -> None:
        """Marks pixels by numbers, in this order from 1."""
        self._pins.positions = tuple(positions)
        self.refresh_chrome(self._pins)

    def pin_at(self, xy: tuple[float, float]) -> int | None:
        """The index of the pin that is shown at an image position."""
        return self._pins.index_at(xy, self._viewport)

    def set_heatmap(
        self,
        values: NDArray[Any] | None,
        *,
        colour_map: str = "magma",
        value_range: tuple[float, float] | None = None,
        caption: str = "",
        opacity: float = 0.6,
        part: Part | None = None,
    ) -> None:
        """Shows numbers [h, w] of any resolution over the whole image, with a key.

        Args:
            values: the numbers; None for no heatmap.
            colour_map: "magma", "viridis" or "grey".
            value_range: what the ends of the colour map mean; by default the least and the largest number.
            caption: what is shown and how it was normalised, for the key.
            opacity: 0..1.
            part: a rectangle of the image with finer numbers for it, [h, w], which take the place of ``values``.
        """
        style = ScalarStyle(colour_map, opacity)
        self._stack.heatmap.part = part if values is not None else None
        self._set_numbers(self._stack.heatmap, values, style, value_range, caption)

    def set_categories(
        self,
        values: NDArray[np.uint8] | None,
        *,
        colours: NDArray[np.uint8] | None = None,
        caption: str = "",
        opacity: float = 0.6,
        part: Part | None = None,
    ) -> None:
        """Shows which of several things a place belongs to: numbers [h, w], and the colour of each [K, 3].

        Finer numbers for a rectangle of the image take the place of the others there.
        """
        layer = self._stack.categories
        table = np.zeros((0, 3), np.uint8) if colours is None else colours
        layer.set_values(values, table, opacity)
        layer.part = part
        if not layer.is_empty:
            self._colour_bar.show(table, ("0", str(len(table) - 1)), caption)
        self._show_key()

    def set_uncertainty(
        self,
        values: NDArray[Any] | None,
        *,
        value_range: tuple[float, float] = (0.0, 1.0),
        caption: str = "",
        opacity: float = 0.75,
    ) -> None:
        """Shows how unsure the model is, [h, w] of any resolution; what is sure stays clear.

        ``value_range`` says which numbers mean sure and unsure: (255, 0) for confidences in bytes.
        """
        style = ScalarStyle("magma", opacity, is_ramped=True)
        self._set_numbers(self._stack.uncertainty, values, style, value_range, caption, ("0", "1"))

    def _set_numbers(
        self,
        layer: ScalarLayer,
        values: NDArray[Any] | None,
        style: ScalarStyle,
        value_range: tuple[float, float] | None,
        caption: str,
        ends: tuple[str, str] | None = None,
    ) -> None:
        value_range = value_range or _range_of(values)
        layer.set_style(style)
        layer.set_values(values, value_range)
        if not layer.is_empty:
            low, high = (f"{end:.3g}" for end in value_range)
            self._colour_bar.show(colour_table(style.colour_map), ends or (low, high), caption)
        self._show_key()

    def _show_key(self) -> None:
        self._colour_bar.is_shown = self._colour_bar.is_shown and self._stack.has_numbers
        bar = self._colour_bar.bounds(self._viewport)
        self._legend.lift = bar.height() + 6 if self._colour_bar.is_shown else 0
        self.refresh_chrome(self._colour_bar, self._legend)
        self.refresh_layers()


def _range_of(values: NDArray[Any] | None) -> tuple[float, float]:
    """The least and the largest finite number."""
    finite = values[np.isfinite(values)] if values is not None else np.empty(0)
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
