"""The layers in their order, and which of them are on."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter

from latentseg_gui.canvas.layers.base import Layer
from latentseg_gui.canvas.layers.categories import CategoryLayer
from latentseg_gui.canvas.layers.image import ImageLayer
from latentseg_gui.canvas.layers.labels import LabelLayer, LabelStyle
from latentseg_gui.canvas.layers.proposal import ProposalLayer
from latentseg_gui.canvas.layers.scalar import ScalarLayer
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import UNLABELLED

GRID_SCALE: Final = 10.0
"""Logical pixels per image pixel from which the grid shows."""


class PixelGrid:
    """Draws a thin grey line on the first device row and column of every image pixel."""

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``, in device pixels (of `Layer`)."""
        x0, y0, x1, y1 = viewport.image_box
        part = device.intersected(QRect(x0, y0, x1 - x0, y1 - y0))
        if viewport.scale / viewport.ratio < GRID_SCALE or part.isEmpty():
            return
        colour = QColor(128, 128, 128, 90)
        cols = viewport.sample_cols(part.x() - 1, part.x() + part.width())
        rows = viewport.sample_rows(part.y() - 1, part.y() + part.height())
        for step in np.flatnonzero(np.diff(cols)):
            painter.fillRect(part.x() + int(step), part.y(), 1, part.height(), colour)
        for step in np.flatnonzero(np.diff(rows)):
            painter.fillRect(part.x(), part.y() + int(step), part.width(), 1, colour)


class LayerStack:
    """All layers of the canvas; the bottom one first in `visible`."""

    def __init__(self) -> None:
        style = LabelStyle(np.zeros((256, 4), np.uint8))
        self.image = ImageLayer()
        self.prediction = LabelLayer(style)
        self.mask = LabelLayer(style)
        self.left = LabelLayer(style)
        self.right = LabelLayer(style)
        self.errors = LabelLayer(style)
        self.heatmap = ScalarLayer()
        self.uncertainty = ScalarLayer()
        self.categories = CategoryLayer()
        self.proposal = ProposalLayer(shows_lost=True)
        self.earlier = ProposalLayer()
        self.candidates = ProposalLayer(fill_alpha=24)  # they may cover all of the image
        self.selection = ProposalLayer()
        self.selection.set_colour(QColor("#ffffff"))
        self.grid = PixelGrid()
        self.is_comparing = False
        self.is_peeking = False
        self.shows_overlay = True
        self.shows_outlines_only = False
        self.opacity = 0.45
        self.colours = style.colours
        self.object_colours: NDArray[np.uint8] | None = None
        self.predicted_colours: NDArray[np.uint8] | None = None
        self.veiled: int | None = None

    def visible(self) -> list[Layer]:
        """What is to be drawn, bottom first."""
        if self.is_peeking:
            return [self.image, self.grid]
        labels: list[Layer] = []
        if self.is_comparing:
            labels = [self.left, self.right]
        elif self.shows_overlay:
            has_errors = self.errors.labels is not None
            labels = [self.errors] if has_errors else [self.prediction, self.mask]
        numbers: list[Layer] = [self.categories, self.heatmap, self.uncertainty]
        return [
            self.image,
            *labels,
            *numbers,
            self.candidates,
            self.selection,
            self.earlier,
            self.proposal,
            self.grid,
        ]

    @property
    def has_numbers(self) -> bool:
        """Whether anything lies over the image that needs a key."""
        return not (self.categories.is_empty and self.heatmap.is_empty and self.uncertainty.is_empty)

    def restyle(self) -> None:
        """Gives the label layers their look: solid what a person said, hatched and fainter what is predicted."""
        is_bare = self.shows_outlines_only
        fill = 0.0 if is_bare else self.opacity
        mask = LabelStyle(self.colours, opacity=fill, edge_width=2.0 if is_bare else 1.25)
        faint = replace(
            mask,
            opacity=fill * 0.65,
            edge_opacity=0.85,
            halo_opacity=0.4 if is_bare else 0.0,
            edge_width=1.5 if is_bare else 1.0,
            is_hatched=not is_bare,
        )
        for layer in (self.left, self.right):
            layer.set_style(mask)
        own, predicted = self.object_colours, self.predicted_colours
        veiled = replace(mask, veiled=self.veiled)
        self.mask.set_style(veiled if own is None else replace(veiled, colours=own))
        # Grey would not show on grey: a dark line beside the light one shows on any image.
        grey = faint if predicted is None else replace(faint, colours=predicted, halo_opacity=0.5)
        self.prediction.set_style(grey)

    def set_colours(self, colours: NDArray[np.uint8]) -> None:
        """Takes RGBA [256, 4]; what nobody has labelled stays without colour."""
        self.colours = colours.copy()
        self.colours[UNLABELLED] = 0
        self.restyle()

    def label_margin(self, viewport: Viewport) -> int:
        """Device pixels around a changed label that may look different."""
        return max(layer.margin(viewport) for layer in (self.mask, self.prediction)) + 1
