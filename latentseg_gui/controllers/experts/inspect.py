"""What the experts attend to, in the panel and over the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.class_mapping import LabelMap
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import ComputeAttention
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.sources import EXPERTS
from latentseg_gui.panels.experts.values import ExpertOverlay, Selection


class InspectController(QObject):
    """Feeds the experts panel and lays the chosen map over the image."""

    maps_arrived = Signal(object)
    """The `ExpertMaps` of the current image are there."""

    maps_kept = Signal(object)
    """There is another prediction of the current image, and these `ExpertMaps` hold for it too."""

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        canvas: CanvasView,
        *,
        engine: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._canvas = canvas
        self._engine = engine
        self.labels = LabelMap()
        self._attention = ""
        self._maps: ExpertMaps | None = None
        self._untouched: Prediction | None = None
        self._is_overlay_visible = True
        self._hover: tuple[float, float] | None = None
        self._instead = ""
        document.events.current_changed.connect(self._on_current_changed)
        document.events.prediction_changed.connect(self._on_prediction_changed)
        panel.selection.changed.connect(self._on_selection_changed)
        panel.view.pixel.pins_changed.connect(canvas.pins.set)
        canvas.cursor_moved.connect(self._on_cursor_moved)
        canvas.cursor_left.connect(self._on_cursor_left)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live; maps stay where the experts attend to the same as before, as after a refit."""
        self.labels = LabelMap(weights)
        is_same = bool(weights.attention) and weights.attention == self._attention
        self._attention = weights.attention
        self._instead = instead_of_experts(weights)
        self._panel.view.set_waiting(self._document.images.current_id is not None, instead=self._instead)
        if is_same and self._maps is not None:
            self._forget_prediction()
            self._maps = replace(self._maps, version=weights.version)
        else:
            self._forget()
        if self._document.images.current_id is not None:
            self._on_prediction_changed(
                self._document.images.current_id
            )  # what trained them may have predicted already

    @property
    def maps(self) -> ExpertMaps | None:
        """The attention maps of the current image; None until they and the prediction they belong to are there."""
        return None if self._untouched is None else self._maps

    @property
    def untouched(self) -> Prediction | None:
        """The prediction of the current image with all experts as trained."""
        return self._untouched

    def next_expert(self) -> None:
        """Goes to the next expert in the order shown."""
        self._panel.selection.step(1)

    def previous_expert(self) -> None:
        """Goes to the previous expert in the order shown."""
        self._panel.selection.step(-1)

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Shows the chosen map over the image, or hides it for now."""
        self._is_overlay_visible = is_visible
        self._show(self._panel.selection.overlay)

    def set_territory_visible(self, is_visible: bool) -> None:
        """Shows which expert explains each pixel most, or no longer."""
        overlay = self._panel.selection.overlay
        if is_visible != (overlay is not None and overlay.kind == "territory"):
            self._panel.selection.toggle_map("territory")

    def pin(self) -> None:
        """Pins the pixel under the cursor, to compare its mix with that of others, or removes the pin there."""
        if self._hover is None:
            return
        index = self._canvas.pins.index_at(self._hover)
        if index is None:
            self._panel.pixels.pin(self._hover)
        else:
            self._panel.pixels.unpin(index)

    @property
    def is_overlaid(self) -> bool:
        """Whether a map of the experts lies over the image."""
        shows_experts = self._panel.sources.chosen == EXPERTS
        return shows_experts and self._is_overlay_visible and self._panel.selection.overlay is not None

    def _forget(self) -> None:
        self._forget_prediction()
        self._maps = None
        self._panel.sources.set_experts(None)

    def _forget_prediction(self) -> None:
        before = self._untouched
        if (
            before is not None
            and self._panel.selection.gains
            and before.image_id in self._document.images.ids
        ):
            # An intervention ends with its image: what stays there is what the whole model says.
            self._document.predictions.set(before)
        self._untouched = None
        self._panel.model.set_gains({})
        self._panel.view.result.set_result(None)

    def _on_current_changed(self, image_id: str | None) -> None:
        self._panel.pixels.clear()
        self._panel.view.set_waiting(image_id is not None, instead=self._instead)
        self._forget()
        if image_id is not None and self._document.predictions.of(image_id) is not None:
            self._on_prediction_changed(image_id)

    def _on_prediction_changed(self, image_id: str) -> None:
        prediction = self._document.predictions.of(image_id)
        if image_id != self._document.images.current_id or prediction is None:
            return
        if self._document.predictions.is_stale(image_id) or self._panel.selection.gains:
            return
        self._untouched = prediction
        classes = self._document.classes
        self._panel.model.set_labels(prediction.labels, classes.names, classes.ids)
        if self._instead:
            return
        if self._maps is None:
            self._engine.submit(
                ComputeAttention(image_id), self._on_attention, key="attention", is_fresh=self._is_fresh
            )
        else:
            self.maps_kept.emit(self._maps)

    def _is_fresh(self, answer: ExpertMaps) -> bool:
        # A question of the weights before may be answered by these: then there is no prediction to the maps yet.
        is_live = self.labels.version == answer.version and self._untouched is not None
        return is_live and answer.image_id == self._document.images.current_id

    def _on_attention(self, answer: ExpertMaps) -> None:
        self._maps = answer
        self._panel.sources.set_experts(answer)
        self.maps_arrived.emit(answer)

    def _on_selection_changed(self, selection: Selection) -> None:
        self._show(selection.overlay)

    def _show(self, overlay: ExpertOverlay | None) -> None:
        if overlay is None or not self._is_overlay_visible:
            self._canvas.heatmap.set(None)
            self._canvas.categories.set(None)
        elif overlay.kind == "territory":
            self._canvas.heatmap.set(None)
            self._canvas.categories.set(
                overlay.values.astype(np.uint8),
                colours=overlay.colours,
                caption=overlay.caption,
                part=overlay.part,
            )
        else:
            self._canvas.categories.set(None)
            self._canvas.heatmap.set(
                overlay.values,
                colour_map=overlay.colour_map,
                value_range=overlay.limits,
                caption=overlay.caption,
                part=overlay.part,
            )

    def _on_cursor_moved(self, x: float, y: float) -> None:
        self._hover = (x, y)
        self._panel.pixels.hover(self._hover)

    def _on_cursor_left(self) -> None:
        self._hover = None
        self._panel.pixels.hover(None)


def instead_of_experts(weights: WeightsInfo) -> str:
    """What a network without experts has to show, in words; "" where it has experts."""
    if weights.can("experts"):
        return ""
    words = _tr("{0} has no experts, and nothing else to look into.")
    if weights.can("gates"):
        words = _tr("{0} has no experts. What it has are gates, which say where detail is let through.")
    elif weights.can("rows"):
        words = _tr("{0} has no experts. What it has are places of the image that attend to each other.")
    return f"{words} {_tr('Clicks go on with the latent-expert network.')}".format(weights.title)


def _tr(text: str) -> str:
    return QCoreApplication.translate("experts", text)
