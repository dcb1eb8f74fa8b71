"""Look inside: what each expert attends to, and what depends on it."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentseg_gui.panels.experts.pixel_mix import Pixels
from latentseg_gui.panels.experts.selection import ExpertsSelection
from latentseg_gui.panels.experts.sources import Sources
from latentseg_gui.panels.experts.view import ExpertsView
from latentseg_gui.panels.experts.view_model import ExpertsViewModel


class ExpertsPanel(QWidget):
    """Gallery, interventions, pixel mix, influence.

    Attributes:
        view: the widgets.
        model: what they show: maps, names, classes, factors.
        selection: which expert is chosen, which map is shown, which experts are altered.
        pixels: the pixel under the cursor, and pinned ones.
        sources: takes the maps, those of the experts and those of the clicks.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ExpertsView(self)
        self.model = ExpertsViewModel(self.view)
        self.selection = ExpertsSelection(self.view, self.model, self)
        self.pixels = Pixels(self.view.pixel, self.model.state)
        self.sources = Sources(self.view, self.model, self.selection, self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.view)
