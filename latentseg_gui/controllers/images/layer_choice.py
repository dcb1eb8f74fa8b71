"""Which layers lie over the image, and what each look means."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas.chrome.legend import LegendEntry
from latentseg_gui.canvas.view import CanvasView
from latentseg_gui.controllers.images.display import NEUTRAL, DisplayController, is_untaught
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import Counts, MaskLayer
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import BACKGROUND, Rect
from latentseg_gui.io.project.manifest import knows_classes


class LayerChoice(QObject):
    """Shows the mask alone until a prediction is asked for, or comes from weights that the user has taught.

    Signals:
        changed: "mask", "prediction" or "both".
    """

    changed = Signal(str)

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        display: DisplayController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._display = display
        self._is_taught = False
        self._is_altered = False
        events = document.events
        events.current_changed.connect(self._explain)
        events.classes_changed.connect(self._explain)
        events.active_class_changed.connect(self._explain)
        events.mask_changed.connect(self._on_mask_changed)
        events.prediction_changed.connect(self._on_prediction_changed)

    def choose(self, layers: str) -> None:
        """Shows "mask", "prediction" or "both"."""
        self._display.set_layers(layers)
        self._explain()
        self.changed.emit(layers)

    def set_prediction_shown(self, is_shown: bool) -> None:
        """Shows the prediction beside the mask, or the mask alone."""
        if is_shown == (self._display.options.layers == "mask"):
            self.choose("both" if is_shown else "mask")

    def ask_for_prediction(self) -> None:
        """Shows the prediction, for somebody has asked for one."""
        self.set_prediction_shown(True)

    def use_weights(self, weights: WeightsInfo) -> None:
        """What the user has taught is shown at once; what comes with the program only when it is asked for."""
        is_taught = knows_classes(weights.version)
        if is_taught != self._is_taught:
            self._is_taught = is_taught
            self.set_prediction_shown(is_taught)

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        if image_id == self._document.images.current_id:
            self._explain()

    def _on_prediction_changed(self, image_id: str) -> None:
        """Whoever switches experts off wants to see what that does."""
        if image_id != self._document.images.current_id:
            return
        prediction = self._document.predictions.of(image_id)
        is_altered = prediction is not None and prediction.is_altered
        if is_altered and not self._is_altered:
            self.set_prediction_shown(True)
        self._is_altered = is_altered
        self._explain()

    def _explain(self, *_: object) -> None:
        image_id, layers = self._document.images.current_id, self._display.options.layers
        entries: list[LegendEntry] = []
        if image_id is not None and layers != "prediction":
            entries += self._of_mask(self._document.masks.layer(image_id))
        prediction = None if image_id is None else self._document.predictions.of(image_id)
        if prediction is not None and layers != "mask":
            if is_untaught(prediction):
                grey = "#{:02x}{:02x}{:02x}".format(*NEUTRAL[1, :3])
                entries.append(LegendEntry(self.tr("foreground, nothing learned yet"), grey, is_hatched=True))
            else:
                colour = self._colour(_counts_of(prediction))
                entries.append(LegendEntry(self.tr("predicted"), colour, is_hatched=True))
        self._canvas.visibility.set_legend(tuple(entries))

    def _of_mask(self, layer: MaskLayer) -> list[LegendEntry]:
        if not layer.num_labelled:
            return []
        counts = layer.counts
        background = None if counts is None else int(counts[BACKGROUND])
        entries = []
        if background != layer.num_labelled:
            entries.append(LegendEntry(self.tr("labelled"), self._colour(counts)))
        if background != 0 and self._document.classes[BACKGROUND].is_visible:
            text = self.tr("labelled background")
            entries.append(LegendEntry(text, "#ebebeb", is_hatched=True, is_mirrored=True))
        return entries

    def _colour(self, counts: Counts | None) -> str:
        """Of the class in use where it is on the image, else of the class that has most of it.

        Args:
            counts: pixels by class id, [256]; None where nobody has counted them.
        """
        classes, active = self._document.classes, self._document.active_class
        objects = [each for each in classes.ids if each != BACKGROUND] or [BACKGROUND]
        shown = active if active in objects else objects[0]
        if counts is not None and not counts[shown]:
            shown = max(objects, key=lambda each: (int(counts[each]), each == shown))
        return classes[shown].colour


def _counts_of(prediction: Prediction) -> Counts:
    """Pixels by class id, [256], of every eighth row and column: enough to know which classes are there."""
    return np.bincount(prediction.labels[::8, ::8].ravel(), minlength=256)
