"""Setters for the image, and for what the clicks have brought about."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.busy import CanvasBusy
from latentseg_gui.canvas.chrome.minimap import Minimap
from latentseg_gui.canvas.chrome.prompts import PromptMarkers
from latentseg_gui.canvas.layers.image import adjustment_table
from latentseg_gui.canvas.pyramid import ImagePyramid
from latentseg_gui.document.types import Mask, PromptSet, Rect

_BUILD_SECONDS: Final = 0.004
"""A slice of work on the pyramid between two turns of the event loop."""


class CanvasDisplay(CanvasBusy):
    """Shows an image and everything known of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._minimap = Minimap()
        self._chrome.append(self._minimap)
        self._empty_widget: QWidget | None = None
        self._building = QTimer(self)
        self._building.timeout.connect(self._build_pyramid)

    @property
    def markers(self) -> PromptMarkers:
        """The markers of clicks and box, for tools that take them."""
        return self._markers

    @property
    def has_image(self) -> bool:
        """Whether an image is shown."""
        return self._stack.image.pyramid is not None

    def set_image(self, pixels: NDArray[np.uint8], *, keep_view: bool = False) -> None:
        """Shows another image, fitted, and nothing of the one before.

        Args:
            pixels: uint8 [H, W, 3].
            keep_view: the same image with other values: zoom and everything shown over it stay.

        Raises:
            ValueError: the array is not such an image.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise ValueError(f"an image must be uint8 [H, W, 3], not {pixels.dtype} {list(pixels.shape)}")
        shape = (int(pixels.shape[0]), int(pixels.shape[1]))
        is_same_place = keep_view and shape == self._viewport.image_shape
        if not is_same_place:
            self._forget()
        pixels = np.ascontiguousarray(pixels)
        self._stack.image.pyramid = ImagePyramid(pixels)
        self._minimap.set_pixels(pixels)
        self._fit_frame()
        if not is_same_place:
            self._look(replace(self._viewport, image_shape=shape).fitted())
            self._is_fitted = True
        self._building.start(0)
        self._show_empty_widget()
        self.refresh_layers()

    def clear(self) -> None:
        """Shows no image."""
        self._forget()
        self._building.stop()
        self._stack.image.pyramid = None
        self._minimap.set_pixels(None)
        self._look(replace(self._viewport, image_shape=(0, 0)))
        self._show_empty_widget()
        self.refresh_layers()

    def set_empty_widget(self, widget: QWidget | None) -> None:
        """Lays a widget over the canvas, shown while there is no image; the canvas becomes its parent."""
        if self._empty_widget is not None:
            self._empty_widget.hide()  # without a parent it would be a window
            self._empty_widget.setParent(None)
        self._empty_widget = widget
        if widget is not None:
            widget.setParent(self)
        self._show_empty_widget()

    def set_adjustment(self, brightness: float = 0.0, contrast: float = 1.0, gamma: float = 1.0) -> None:
        """Changes how the image looks, not its values; see `adjustment_table`."""
        self._stack.image.table = adjustment_table(brightness, contrast, gamma)
        self.refresh_layers()

    def set_tone(self, table: NDArray[np.uint8] | None) -> None:
        """Shows each of the 256 values of the image as another, uint8 [256]; None for the values themselves."""
        self._stack.image.table = table
        self.refresh_layers()

    def set_selection(self, rect: Rect | None, mask: Mask | None) -> None:
        """Marks a bool mask of the shape of ``rect`` as chosen; None for nothing."""
        layer = self._stack.selection
        margin = layer.margin(self._viewport) + 1
        self.refresh_image_rect(layer.rect, margin)
        layer.set_mask(rect or Rect(0, 0, 0, 0), mask if rect is not None else None)
        self.refresh_image_rect(layer.rect, margin)

    def set_proposal(self, rect: Rect | None, mask: Mask | None, *, is_preview: bool = False) -> None:
        """Shows a bool mask of the shape of ``rect`` as a proposal; None for none.

        Args:
            rect: where it lies.
            mask: what it is.
            is_preview: it is only what a click would give; drawn fainter.
        """
        layer = self._stack.proposal
        layer.set_preview(is_preview)
        margin = layer.margin(self._viewport) + 1
        self.refresh_image_rect(layer.rect, margin)
        layer.set_mask(rect or Rect(0, 0, 0, 0), mask if rect is not None else None)
        self.refresh_image_rect(layer.rect, margin)

    def set_active_colour(self, colour: QColor | str) -> None:
        """Fills proposals with the colour of the class that would be given."""
        self._stack.proposal.set_colour(QColor(colour))
        self.refresh_image_rect(self._stack.proposal.rect, self._stack.proposal.margin(self._viewport) + 1)

    def set_prompts(self, prompts: PromptSet) -> None:
        """Shows what the user has pointed at."""
        self._markers.prompts = prompts
        self.refresh_chrome(self._markers, self._badge)

    def _forget(self) -> None:
        self.set_pending(False)
        self.set_prompts(PromptSet())
        self.set_proposal(None, None)
        self.set_selection(None, None)
        self.set_labels(None)
        self.set_prediction(None)
        self.set_heatmap(None)
        self.set_categories(None)
        self.set_uncertainty(None)
        self.set_compare(None, None)

    def _show_empty_widget(self) -> None:
        if self._empty_widget is not None:
            self._empty_widget.setGeometry(self.rect())
            self._empty_widget.setVisible(not self.has_image)

    def _build_pyramid(self) -> None:
        pyramid = self._stack.image.pyramid
        if pyramid is None or pyramid.build(_BUILD_SECONDS):
            self._building.stop()
            self.refresh_layers()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the empty state over the whole canvas."""
        super().resizeEvent(event)
        self._show_empty_widget()
