"""What the experts attend to, and what depends on them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.labels import LabelMap
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import AttentionMaps, Prediction, WeightsInfo
from latentseg_gui.inference.messages import ComputeAttention, PredictClasses
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.values import ExpertLabels, ExpertOverlay, InfluenceRow, InterventionResult

_ATTENTION, _INTERVENTION, _INFLUENCE = 8, 25, 5

Gains = dict[int, float]


class InspectController(QObject):
    """Feeds the experts panel, lays maps over the image, and runs interventions.

    An intervention runs only experts and head again; the prediction without one is kept beside it, so that the
    two can be compared and the change taken back.
    """

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        canvas: CanvasView,
        *,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._canvas = canvas
        self._engine = engine
        self._errors = errors
        self._labels = LabelMap()
        self._maps: AttentionMaps | None = None
        self._untouched: Prediction | None = None
        self._influence: list[InfluenceRow] = []
        self._is_overlay_visible = True
        self._names = ExpertLabels()
        self._hover: tuple[float, float] | None = None
        document.events.current_changed.connect(self._on_current_changed)
        document.events.prediction_changed.connect(self._on_prediction_changed)
        panel.overlay_requested.connect(self._on_overlay_requested)
        panel.gains_changed.connect(self._on_gains_changed)
        panel.influence_requested.connect(self.measure_influence)
        panel.rename_requested.connect(self._on_rename_requested)
        panel.note_requested.connect(self._on_note_requested)
        canvas.cursor_moved.connect(self._on_cursor_moved)
        canvas.cursor_left.connect(self._on_cursor_left)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live: their experts are others, too."""
        self._labels = LabelMap(weights)
        self._names = ExpertLabels(dict(weights.expert_names), {})
        self._forget()
        self._panel.set_expert_labels(self._names)

    @property
    def maps(self) -> AttentionMaps | None:
        """The attention maps of the current image; None until they are there."""
        return self._maps

    @property
    def expert_labels(self) -> ExpertLabels:
        """Names and notes that the user gave, to be saved with the weights."""
        return self._names

    def next_expert(self) -> None:
        """Goes to the next expert in the order shown."""
        self._panel.step(1)

    def previous_expert(self) -> None:
        """Goes to the previous expert in the order shown."""
        self._panel.step(-1)

    def toggle_knock_out(self) -> None:
        """Knocks the chosen expert out, or takes it in again."""
        self._panel.toggle_knock_out()

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Shows the chosen map over the image, or hides it for now."""
        self._is_overlay_visible = is_visible
        self._on_overlay_requested(self._panel.overlay)

    def set_territory_visible(self, is_visible: bool) -> None:
        """Shows which expert explains each pixel most, or no longer."""
        overlay = self._panel.overlay
        if is_visible != (overlay is not None and overlay.kind == "territory"):
            self._panel.toggle_map("territory")

    def pin(self) -> None:
        """Pins the pixel under the cursor, to compare its mix with that of others."""
        if self._hover is not None:
            self._panel.pin_xy(self._hover)

    def measure_influence(self) -> None:
        """Knocks every expert out, one after the other, and ranks them by what changes."""
        base, maps = self._untouched, self._maps
        if base is None or maps is None:
            self._errors.inform(self.tr("Influence can be measured once the image has a prediction."))
            self._panel.set_influence_progress(None)
            return
        self._influence = []
        self._panel.set_influence_progress(0.0)
        for expert in range(maps.mix.shape[1]):
            self._engine.submit(
                PredictClasses(base.image_id, {expert: 0.0}),
                partial(self._on_influence_measured, base, expert, maps.mix.shape[1]),
                key=f"influence {expert}",
                priority=_INFLUENCE,
                on_failure=self._on_influence_failed,
            )

    def _forget(self) -> None:
        self._maps = None
        self._untouched = None
        self._panel.set_gains({})
        self._panel.set_result(None)
        self._panel.set_maps(None)

    def _on_current_changed(self, image_id: str | None) -> None:
        self._forget()
        if image_id is not None and self._document.prediction(image_id) is not None:
            self._on_prediction_changed(image_id)

    def _on_prediction_changed(self, image_id: str) -> None:
        prediction = self._document.prediction(image_id)
        if image_id != self._document.current_id or prediction is None:
            return
        if self._document.is_prediction_stale(image_id) or self._panel.gains:
            return
        self._untouched = prediction
        self._panel.set_labels(prediction.labels, self._document.classes.names)
        if self._maps is None:
            self._engine.submit(
                ComputeAttention(image_id), self._on_attention, key="attention", priority=_ATTENTION
            )

    def _on_attention(self, answer: object) -> None:
        if not isinstance(answer, AttentionMaps) or answer.image_id != self._document.current_id:
            return
        if self._labels.version == answer.version:
            self._maps = answer
            self._panel.set_maps(answer)

    def _on_overlay_requested(self, overlay: ExpertOverlay | None) -> None:
        if overlay is None or not self._is_overlay_visible:
            self._canvas.set_heatmap(None)
            self._canvas.set_categories(None)
        elif overlay.kind == "territory":
            self._canvas.set_heatmap(None)
            self._canvas.set_categories(
                overlay.values.astype(np.uint8), colours=overlay.colours, caption=overlay.caption
            )
        else:
            self._canvas.set_categories(None)
            self._canvas.set_heatmap(
                overlay.values,
                colour_map=overlay.colour_map,
                value_range=overlay.limits,
                caption=overlay.caption,
            )

    def _on_gains_changed(self, gains: Gains) -> None:
        base = self._untouched
        if base is None:
            return
        if not gains:
            self._panel.set_result(None)
            self._document.set_prediction(base)
            return
        self._engine.submit(
            PredictClasses(base.image_id, dict(gains)),
            partial(self._on_intervened, base, dict(gains)),
            key="intervention",
            priority=_INTERVENTION,
        )

    def _on_intervened(self, base: Prediction, gains: Gains, answer: object) -> None:
        if not isinstance(answer, Prediction) or self._untouched is not base or self._panel.gains != gains:
            return
        changed = replace(answer, labels=self._labels.to_document(answer.labels, self._document.classes))
        names = self._document.classes.names
        self._panel.set_result(compare(base, changed, names))
        self._document.set_prediction(changed)

    def _on_influence_measured(self, base: Prediction, expert: int, count: int, answer: object) -> None:
        if not isinstance(answer, Prediction) or self._untouched is not base:
            return
        changed = replace(answer, labels=self._labels.to_document(answer.labels, self._document.classes))
        result = compare(base, changed, self._document.classes.names)
        most = max(result.areas, key=lambda area: abs(area[2] - area[1]), default=("", 0, 0))
        self._influence.append(
            InfluenceRow(
                expert,
                result.changed_pixels / max(1, result.total_pixels),
                result.confidence_change,
                most[0] if most[1] != most[2] else "",
            )
        )
        self._panel.set_influence_progress(len(self._influence) / count)
        if len(self._influence) == count:
            self._panel.set_influence(sorted(self._influence, key=lambda row: -row.changed))
            self._panel.set_influence_progress(None)

    def _on_influence_failed(self, error: Exception) -> None:
        self._panel.set_influence_progress(None)
        if not self._influence:
            self._errors.inform(str(error))

    def _on_rename_requested(self, expert: int, name: str) -> None:
        self._names = replace(self._names, names={**self._names.names, expert: name})
        self._panel.set_expert_labels(self._names)

    def _on_note_requested(self, expert: int, note: str) -> None:
        self._names = replace(self._names, notes={**self._names.notes, expert: note})
        self._panel.set_expert_labels(self._names)

    def _on_cursor_moved(self, x: float, y: float) -> None:
        self._hover = (x, y)
        self._panel.set_hover_xy(self._hover)

    def _on_cursor_left(self) -> None:
        self._hover = None
        self._panel.set_hover_xy(None)


def compare(before: Prediction, after: Prediction, class_names: tuple[str, ...]) -> InterventionResult:
    """What is different between two predictions of the same image."""
    areas = []
    for class_id, name in enumerate(class_names):
        pair = (
            int(np.count_nonzero(before.labels == class_id)),
            int(np.count_nonzero(after.labels == class_id)),
        )
        areas.append((name, *pair))
    shift = float(after.confidence.mean(dtype=np.float64) - before.confidence.mean(dtype=np.float64)) / 255
    return InterventionResult(
        changed_pixels=int(np.count_nonzero(before.labels != after.labels)),
        total_pixels=int(before.labels.size),
        areas=tuple(areas),
        confidence_change=shift,
        seconds=after.seconds,
    )
