"""What depends on an expert: predictions without it, beside the one with it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.class_mapping import Translator
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.experts import AlteredPrediction, ExpertChange, Gains, in_other_classes
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.wording import percent
from latentseg_gui.inference.messages import AlterExperts, MeasureChange
from latentseg_gui.io.experts.expert_files import InfluenceLine
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.values import InfluenceRow, InterventionResult, Selection


class InterveneController(QObject):
    """Knocks experts out, boosts them, and measures the influence of each.

    Only experts and head run again. The prediction without an intervention is kept beside it, so that the two
    can be compared and the change taken back.
    """

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        inspect: InspectController,
        *,
        engine: Jobs,
        translator: Translator,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._inspect = inspect
        self._engine = engine
        self._translator = translator
        self._errors = errors
        self._influence: list[InfluenceRow] = []
        self._lines: list[InfluenceLine] = []
        self._measured: Prediction | None = None
        self._outcome: tuple[Prediction, Gains, InterventionResult] | None = None
        panel.selection.changed.connect(self._on_selection_changed)
        panel.view.influence.requested.connect(self.measure_influence)

    @property
    def summary(self) -> str:
        """What the experts that are knocked out or boosted now change, in a sentence; "" where none is."""
        if self._outcome is None:
            return ""
        base, gains, result = self._outcome
        if not gains or self._panel.selection.gains != gains or self._inspect.untouched is not base:
            return ""
        changes = sorted(result.areas, key=lambda area: -abs(area[2] - area[1]))[:2]
        total = max(1, result.total_pixels)
        words = ", ".join(
            f"{name} {percent((after - before) / total, 1, is_signed=True)}"
            for name, before, after in changes
        )
        text = self.tr(
            "Experts changed: {0} of the pixels have another class ({1}). Clicks are answered by all experts as "
            "trained. “Reset” takes all changes back."
        )
        return text.format(percent(result.changed_pixels / total, 1), words)

    @property
    def influence(self) -> tuple[InfluenceLine, ...]:
        """What was measured on the current image, the strongest expert first; empty until it is complete."""
        maps = self._inspect.maps
        is_complete = maps is not None and len(self._lines) == maps.mix.shape[1]
        if not is_complete or self._measured is not self._inspect.untouched:
            return ()
        return tuple(sorted(self._lines, key=lambda line: -line.changed))

    def toggle_knock_out(self) -> None:
        """Knocks the chosen expert out, or takes it in again."""
        self._panel.selection.toggle_knock_out()

    def measure_influence(self) -> None:
        """Knocks every expert out, one after the other, and ranks them by what changes."""
        base, maps = self._inspect.untouched, self._inspect.maps
        if base is None or maps is None:
            self._errors.inform(self.tr("Influence can be measured once the image has a prediction."))
            self._panel.view.influence.set_progress(None)
            return
        self._influence, self._lines, self._measured = [], [], base
        self._panel.view.influence.set_progress(0.0)
        for expert in range(maps.mix.shape[1]):
            self._engine.submit(
                MeasureChange(base.image_id, {expert: 0.0}),
                partial(self._on_influence_measured, base, expert, maps.mix.shape[1]),
                key=f"influence {expert}",
                is_current=partial(self._is_shown, base),
                on_failure=self._on_influence_failed,
            )

    def _on_selection_changed(self, selection: Selection) -> None:
        base, gains = self._inspect.untouched, selection.gains
        if base is None or not selection.has_new_gains:
            return
        if not gains:
            self._panel.view.result.set_result(None)
            self._document.predictions.set(base)
            return
        self._engine.submit(
            AlterExperts(base.image_id, dict(gains)),
            partial(self._on_intervened, base, dict(gains)),
            key="intervention",
            is_current=partial(self._is_shown, base, dict(gains)),
        )

    def _is_shown(self, base: Prediction, gains: Gains | None = None) -> bool:
        """Whether it is still this prediction that is looked into, and with these changes."""
        return self._inspect.untouched is base and gains in (None, self._panel.selection.gains)

    def _on_intervened(self, base: Prediction, gains: Gains, answer: AlteredPrediction) -> None:
        result = self._result(base, answer.change)
        self._panel.view.result.set_result(replace(result, seconds=answer.prediction.seconds))
        self._outcome = base, gains, result
        self._translator.take(
            answer.prediction,
            self._inspect.labels,
            self._document.predictions.set,
            is_current=partial(self._is_shown, base, gains),
        )

    def _result(self, base: Prediction, change: ExpertChange) -> InterventionResult:
        """What has changed, in classes of the document and pixels of the image."""
        names, table = (
            self._document.classes.names,
            self._inspect.labels.table(self._document.classes.numbered),
        )
        moved = in_other_classes(change.moved, table, len(names))
        shape = (int(base.labels.shape[0]), int(base.labels.shape[1]))
        scale = base.labels.size / max(1, int(moved.sum()))
        sums = zip(names, moved.sum(axis=1), moved.sum(axis=0), strict=True)
        return InterventionResult(
            changed_pixels=round(int(moved.sum() - moved.trace()) * scale),
            total_pixels=int(base.labels.size),
            areas=tuple((name, round(int(was) * scale), round(int(now) * scale)) for name, was, now in sums),
            confidence_change=change.confidence,
            compared_at=None if change.shape == shape else change.shape,
        )

    def _on_influence_measured(self, base: Prediction, expert: int, count: int, answer: ExpertChange) -> None:
        result = self._result(base, answer)
        most = max(result.areas, key=lambda area: abs(area[2] - area[1]), default=("", 0, 0))
        self._influence.append(
            InfluenceRow(
                expert,
                result.changed_pixels / max(1, result.total_pixels),
                result.confidence_change,
                most[0] if most[1] != most[2] else "",
            )
        )
        total = max(1, result.total_pixels)
        areas = tuple((after - before) / total for _, before, after in result.areas)
        row = self._influence[-1]
        self._lines.append(InfluenceLine(expert, row.changed, row.confidence_change, areas))
        self._panel.view.influence.set_progress(len(self._influence) / count)
        if len(self._influence) == count:
            self._panel.model.set_influence(sorted(self._influence, key=lambda row: -row.changed))
            self._panel.view.influence.set_progress(None)

    def _on_influence_failed(self, error: Exception) -> None:
        self._panel.view.influence.set_progress(None)
        if not self._influence:
            self._errors.inform(str(error))
