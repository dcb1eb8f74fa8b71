"""What the user calls the experts, per version of the weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.values import ExpertLabels


class ExpertNamesController(QObject):
    """Names and notes stay with their version for the session, and go into the file when weights are saved.

    A version made by fine-tuning starts with the names of the one that it came from.
    """

    def __init__(
        self, panel: ExpertsPanel, weights: WeightsController, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._panel = panel
        self._weights = weights
        self._known: dict[tuple[str, Path | None], ExpertLabels] = {}
        self._version: tuple[str, Path | None] = "", None
        panel.view.detail.renamed.connect(self._on_rename_requested)
        panel.view.detail.note_edited.connect(self._on_note_requested)

    @property
    def labels(self) -> ExpertLabels:
        """Names and notes of the live version."""
        return self._known.get(self._version, ExpertLabels())

    def use_weights(self, info: WeightsInfo) -> None:
        """Other weights are live: shows the names of their experts."""
        # Versions of two projects may have the same name; their files are others.
        before, self._version = self.labels, (info.version, info.path)
        if self._version not in self._known:
            version = self._weights.versions.get(info.version)
            inherited = before if version is not None and version.images > 0 else ExpertLabels()
            self._known[self._version] = ExpertLabels(
                {**info.expert_names, **inherited.names}, {**info.expert_notes, **inherited.notes}
            )
        self._show()

    def _on_rename_requested(self, expert: int, name: str) -> None:
        names = {**self.labels.names, expert: name}
        self._known[self._version] = replace(self.labels, names={k: v for k, v in names.items() if v})
        self._show()

    def _on_note_requested(self, expert: int, note: str) -> None:
        notes = {**self.labels.notes, expert: note}
        self._known[self._version] = replace(self.labels, notes={k: v for k, v in notes.items() if v})
        self._show()

    def _show(self) -> None:
        self._weights.expert_labels = self.labels
        self._panel.model.set_expert_labels(self.labels)
