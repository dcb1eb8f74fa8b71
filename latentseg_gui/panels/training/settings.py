"""Settings for those who want them."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

from latentseg_gui.panels.training.values import TrainingSettings


class SettingsForm(QWidget):
    """Learning rate, loss, seed, which parts train."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rate = QDoubleSpinBox(self)
        self._rate.setDecimals(5)
        self._rate.setRange(0.0, 1.0)
        self._rate.setSingleStep(0.0005)
        self._rate.setSpecialValueText(self.tr("automatic"))
        self._loss = QComboBox(self)
        losses = {
            "auto": self.tr("automatic"),
            "cross_entropy": self.tr("Cross-entropy"),
            "dice": self.tr("Dice"),
            "focal": self.tr("Focal"),
            "lovasz": self.tr("Lovász-softmax"),
            "boundary": self.tr("Boundary"),
            "cross_entropy+dice": self.tr("Cross-entropy + Dice"),
            "cross_entropy+lovasz": self.tr("Cross-entropy + Lovász"),
        }
        for key, text in losses.items():
            self._loss.addItem(text, key)
        self._parts = QComboBox(self)
        parts = {
            "auto": self.tr("automatic"),
            "head": self.tr("Head only"),
            "experts": self.tr("Experts and head"),
            "all": self.tr("Everything"),
        }
        for key, text in parts.items():
            self._parts.addItem(text, key)
        self._seed = QSpinBox(self)
        self._seed.setRange(0, 2**31 - 1)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        rows = {
            self.tr("Learning rate"): self._rate,
            self.tr("Loss"): self._loss,
            self.tr("Trains"): self._parts,
            self.tr("Seed"): self._seed,
        }
        for name, widget in rows.items():
            widget.setAccessibleName(name)
            widget.setMinimumWidth(60)
            form.addRow(name, widget)

    @property
    def settings(self) -> TrainingSettings:
        """What is set."""
        return TrainingSettings(
            learning_rate=self._rate.value(),
            loss=str(self._loss.currentData()),
            seed=self._seed.value(),
            parts=str(self._parts.currentData()),
        )

    def set_settings(self, settings: TrainingSettings) -> None:
        """Shows settings."""
        self._rate.setValue(settings.learning_rate)
        self._loss.setCurrentIndex(max(self._loss.findData(settings.loss), 0))
        self._seed.setValue(settings.seed)
        self._parts.setCurrentIndex(max(self._parts.findData(settings.parts), 0))
