"""How the layers are shown: opacity, outlines, which layer, uncertainty."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import Segments, SliderField


class DisplayOptions(QObject):
    """Switches of the overlay; where they stand is up to who lays them out.

    Signals:
        opacity_requested: 0..1.
        outlines_requested, uncertainty_requested: on or off.
        layer_requested: "mask", "prediction" or "both".
    """

    opacity_requested = Signal(float)
    outlines_requested = Signal(bool)
    uncertainty_requested = Signal(bool)
    layer_requested = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer = Segments(
            self.tr("Layer"),
            (
                ("mask", self.tr("Mask"), self.tr("What you have labelled")),
                ("prediction", self.tr("Model"), self.tr("What the model says")),
                ("both", self.tr("Both"), self.tr("Your mask where there is one, else the model")),
            ),
        )
        self._layer.set_value("mask")
        self._opacity = SliderField(self.tr("Opacity"), (0, 100), suffix=" %")
        self._opacity.set_value(50)
        self._outlines = QCheckBox(self.tr("Outlines"))
        self._outlines.setToolTip(self.tr("Outlines only"))
        self._outlines.setAccessibleName(self.tr("Outlines only"))
        follow_key(self._outlines, "show_outlines")
        self._uncertainty = QCheckBox(self.tr("Unsure"))
        self._uncertainty.setToolTip(self.tr("Where the model is unsure"))
        self._uncertainty.setAccessibleName(self.tr("Where the model is unsure"))
        follow_key(self._uncertainty, "show_uncertainty")
        self._switches = QWidget()
        row = QHBoxLayout(self._switches)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self._outlines)
        row.addWidget(self._uncertainty)
        self._layer.chosen.connect(self.layer_requested)
        self._opacity.changed.connect(self._on_opacity_changed)
        self._outlines.clicked.connect(self.outlines_requested)
        self._uncertainty.clicked.connect(self.uncertainty_requested)

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """The controls, in the order in which they are shown."""
        return self._layer, self._opacity, self._switches

    def set_opacity(self, opacity: float) -> None:
        """Shows the opacity, 0..1."""
        self._opacity.set_value(round(opacity * 100))

    def set_outlines(self, is_on: bool) -> None:
        """Shows whether only outlines are drawn."""
        self._outlines.setChecked(is_on)

    def set_uncertainty(self, is_on: bool) -> None:
        """Shows whether uncertainty is drawn."""
        self._uncertainty.setChecked(is_on)

    def set_layer(self, layer: str) -> None:
        """Shows which layer is drawn."""
        self._layer.set_value(layer)

    def _on_opacity_changed(self, percent: int) -> None:
        self.opacity_requested.emit(percent / 100)
