"""What is shown as classes: the mask, and the prediction where the mask is unlabelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.canvas.layers.labels import HiddenObjects, ObjectCodes
from latentseg_gui.canvas.layers.stack import LayerStack
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.document.types import Labels, Rect


class LabelsPart:
    """Shows the mask, an array of class ids that it references and never writes."""

    def __init__(self, surface: Surface, stack: LayerStack) -> None:
        self._surface = surface
        self._stack = stack

    def set(
        self,
        labels: Labels | None,
        objects: ObjectCodes | None = None,
        colours: NDArray[np.uint8] | None = None,
        hidden: HiddenObjects | None = None,
    ) -> None:
        """Shows the mask, uint8 [H, W]; tell changes made in place by `update`.

        Args:
            labels: class ids.
            objects: tells objects apart; None for classes only.
            colours: RGBA of every code of ``objects``, uint8 [256, 4]; None for those of the classes.
            hidden: objects that are not drawn.
        """
        self._stack.mask.labels, self._stack.mask.objects = labels, objects
        self._stack.mask.hidden = hidden
        if colours is not self._stack.object_colours:
            self._stack.object_colours = colours
            self._stack.restyle()
        self._stack.prediction.above = labels
        self._surface.refresh_layers()

    def update(self, rect: Rect) -> None:
        """Draws again what shows ``rect`` of the mask."""
        self._surface.refresh_image_rect(rect, self._stack.label_margin(self._surface.viewport))

    def set_colours(self, colours: NDArray[np.uint8], veiled: int | None = None) -> None:
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
        self._surface.refresh_layers()

    def set_opacity(self, opacity: float) -> None:
        """Fills classes with 0 (only outlines) to 1 (opaque)."""
        self._stack.opacity = min(max(opacity, 0.0), 1.0)
        self._stack.restyle()
        self._surface.refresh_layers()

    def set_outlines_only(self, is_on: bool) -> None:
        """Shows classes as outlines without fill."""
        self._stack.shows_outlines_only = is_on
        self._stack.restyle()
        self._surface.refresh_layers()


class PredictionPart:
    """Shows what the model says, wherever the mask is unlabelled."""

    def __init__(self, surface: Surface, stack: LayerStack) -> None:
        self._surface = surface
        self._stack = stack

    def set(self, labels: Labels | None, colours: NDArray[np.uint8] | None = None) -> None:
        """Shows an array of class ids.

        Args:
            labels: class ids, uint8 [H, W].
            colours: RGBA of every class id, uint8 [256, 4]; None for those of the classes.
        """
        self._stack.prediction.labels = labels
        if colours is not self._stack.predicted_colours:
            self._stack.predicted_colours = colours
            self._stack.restyle()
        self._surface.refresh_layers()
