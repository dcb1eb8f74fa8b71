"""What networks without experts attend to: in the panel, and over the image, following the cursor."""

from __future__ import annotations

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.experts.network_attention import NetworkMaps
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import ComputeGates, ComputeRow
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.values import MapOverlay

GATES, ROWS, ROLLOUT, EXPERTS = "gates", "rows", "rollout", "experts"
"""What a network can show (`WeightsInfo.capabilities`)."""


class NetworkMapsController(QObject):
    """Asks for gates once an image is predicted, and for the row of the pixel under the cursor as it moves.

    Rows that are asked for faster than they are answered take each other's place in the lane.
    """

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
        self._kind = ""
        self._version = ""
        self._xy: tuple[float, float] | None = None
        self._is_visible = True
        self._is_shown = False
        document.events.current_changed.connect(self._on_current_changed)
        document.events.prediction_changed.connect(self._on_prediction_changed)
        canvas.cursor_moved.connect(self._on_cursor_moved)
        section = panel.view.network
        section.overlay_changed.connect(self._on_overlay_changed)
        section.followed.connect(self._ask_for_row)

    @property
    def maps(self) -> NetworkMaps | None:
        """What is shown."""
        return self._panel.view.network.maps

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live."""
        has_experts = weights.can(EXPERTS)
        kinds = [kind for kind in (GATES, ROWS) if weights.can(kind) and not has_experts]
        self._kind, self._version = (kinds[0] if kinds else ""), weights.version
        self._xy = None
        self._panel.setWindowTitle(self.tr("Attention") if self._kind else self.tr("Experts"))
        self._panel.view.controls.setVisible(has_experts)
        self._panel.view.network.set_kind(self._kind, can_follow=weights.can(ROLLOUT))
        if self._document.images.current_id is not None:
            self._on_prediction_changed(self._document.images.current_id)

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Shows the pressed map over the image, or hides it for now."""
        self._is_visible = is_visible
        self._on_overlay_changed(self._panel.view.network.overlay)

    def _on_current_changed(self, image_id: str | None) -> None:
        self._xy = None
        self._panel.view.network.set_maps(None)
        if image_id is not None:
            self._on_prediction_changed(image_id)

    def _on_prediction_changed(self, image_id: str) -> None:
        predictions = self._document.predictions
        is_here = image_id == self._document.images.current_id and predictions.of(image_id) is not None
        if self._kind == GATES and is_here and not predictions.is_stale(image_id):
            self._engine.submit(
                ComputeGates(image_id),
                self._panel.view.network.set_maps,
                key="attention gates",
                is_fresh=self._is_fresh,
                on_failure=self._on_failed,
            )

    def _on_cursor_moved(self, x: float, y: float) -> None:
        image_id = self._document.images.current_id
        shape = None if image_id is None else self._document.masks.shape(image_id)
        if shape is not None and 0 <= x < shape[1] and 0 <= y < shape[0]:
            self._xy = x, y
            self._ask_for_row()

    def _ask_for_row(self) -> None:
        image_id, section = self._document.images.current_id, self._panel.view.network
        is_seen = section.isVisible() or self._is_shown
        if self._kind != ROWS or image_id is None or self._xy is None or not is_seen:
            return
        self._engine.submit(
            ComputeRow(image_id, self._xy, section.is_followed),
            section.set_maps,
            key="attention row",
            is_fresh=self._is_fresh,
            on_failure=self._on_failed,
        )

    def _is_fresh(self, answer: NetworkMaps) -> bool:
        return answer.version == self._version and answer.image_id == self._document.images.current_id

    def _on_failed(self, error: LatentsegError) -> None:
        self._panel.view.network.set_problem(f"{error.what} {error.action}")

    def _on_overlay_changed(self, overlay: MapOverlay | None) -> None:
        if overlay is not None and self._is_visible:
            self._is_shown = True
            self._canvas.heatmap.set(overlay.values, value_range=overlay.limits, caption=overlay.caption)
        elif self._is_shown:  # whatever else lies there is none of ours
            self._is_shown = False
            self._canvas.heatmap.set(None)
