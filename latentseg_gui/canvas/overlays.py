"""Setters for everything that is shown as classes: mask, prediction, comparison."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.chrome.divider import SplitDivider
from latentseg_gui.canvas.chrome.legend import Legend, LegendEntry
from latentseg_gui.canvas.layers.labels import ObjectCodes
from latentseg_gui.canvas.layers.stack import LayerStack
from latentseg_gui.canvas.surface import CanvasSurface
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Labels, Rect


class CanvasOverlays(CanvasSurface):
    """Shows arrays of class ids, which it references and never writes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stack = LayerStack()
        self._divider = SplitDivider(self.font())
        self._legend = Legend(self.font())
        self._chrome += [self._divider, self._legend]
        self._restack()

    def set_labels(
        self,
        labels: Labels | None,
        objects: ObjectCodes | None = None,
        colours: NDArray[np.uint8] | None = None,
    ) -> None:
        """Shows the mask, uint8 [H, W]; tell changes made in place by `update_labels`.

        Args:
            labels: class ids.
            objects: tells objects apart; None for classes only.
            colours: RGBA of every code of ``objects``, uint8 [256, 4]; None for those of the classes.
        """
        self._stack.mask.labels, self._stack.mask.objects = labels, objects
        if colours is not self._stack.object_colours:
            self._stack.object_colours = colours
            self._stack.restyle()
        self._stack.prediction.above = labels
        self.refresh_layers()

    def update_labels(self, rect: Rect) -> None:
        """Draws again what shows ``rect`` of the mask."""
        self.refresh_image_rect(rect, self._stack.label_margin(self._viewport))

    def set_prediction(self, labels: Labels | None, colours: NDArray[np.uint8] | None = None) -> None:
        """Shows what the model says, wherever the mask is unlabelled.

        Args:
            labels: class ids, uint8 [H, W].
            colours: RGBA of every class id, uint8 [256, 4]; None for those of the classes.
        """
        self._stack.prediction.labels = labels
        if colours is not self._stack.predicted_colours:
            self._stack.predicted_colours = colours
            self._stack.restyle()
        self.refresh_layers()

    def set_class_colours(self, colours: NDArray[np.uint8], veiled: int | None = None) -> None:
        """Takes the RGBA of every class id, uint8 [256, 4]; alpha 0 hides a class.

        Args:
            colours: by class id.
            veiled: the class that has no colour and is hatched in grey where the mask says so; None for none.

        Raises:
            ValueError: the table has another shape.
        """
        if colours.shape != (256, 4):
            raise ValueError(f"the colours of classes must be [256, 4], not {list(colours.shape)}")
        self._stack.veiled = veiled
        self._stack.set_colours(colours)
        self.refresh_layers()

    def set_legend(self, entries: tuple[LegendEntry, ...]) -> None:
        """Explains what the looks of mask and prediction mean; nothing for no legend."""
        if entries != self._legend.entries:
            self._legend.entries = entries
            self.refresh_chrome(self._legend)

    def set_overlay_opacity(self, opacity: float) -> None:
        """Fills classes with 0 (only outlines) to 1 (opaque)."""
        self._stack.opacity = min(max(opacity, 0.0), 1.0)
        self._stack.restyle()
        self.refresh_layers()

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Shows or hides mask and prediction."""
        self._stack.shows_overlay = is_visible
        self._restack()

    def set_outlines_only(self, is_on: bool) -> None:
        """Shows classes as outlines without fill."""
        self._stack.shows_outlines_only = is_on
        self._stack.restyle()
        self.refresh_layers()

    def set_peek(self, is_on: bool) -> None:
        """Shows the raw image and nothing else while it is on."""
        self._stack.is_peeking = is_on
        self._restack()

    def set_compare(
        self, left: Labels | None, right: Labels | None, names: tuple[str, str] = ("", "")
    ) -> None:
        """Shows two arrays of labels beside a divider, in place of the mask; None twice ends it."""
        stack, had = self._stack, self._stack.is_comparing
        stack.is_comparing = left is not None or right is not None
        stack.left.labels, stack.right.labels = left, right
        self._divider.is_shown, self._divider.names = stack.is_comparing, names
        self.set_divider(self._divider.fraction if had else 0.5)
        self._restack()

    def set_divider(self, fraction: float) -> None:
        """Puts the divider of a comparison at a fraction of the width of the view."""
        before = self._divider.x(self._viewport)
        self._divider.fraction = min(max(fraction, 0.0), 1.0)
        self._clip_halves()
        after = self._divider.x(self._viewport)
        strip = QRect(int(min(before, after)) - 2, 0, int(abs(after - before)) + 5, self.height())
        self._compositor.invalidate(self._viewport.device_from_logical(strip))
        self.refresh_chrome(self._divider)

    def _clip_halves(self) -> None:
        width = self._viewport.device_size[0]
        middle = round(self._divider.fraction * width)
        self._stack.left.clip, self._stack.right.clip = (0, middle), (middle, width)

    def _restack(self) -> None:
        stack = self._stack
        self._layers = stack.visible()
        self._legend.is_shown = stack.shows_overlay and not stack.is_peeking and not stack.is_comparing
        self.refresh_layers()

    def _look(self, viewport: Viewport) -> None:
        super()._look(viewport)
        self._clip_halves()
