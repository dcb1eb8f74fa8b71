"""Settings for those who want them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QWidget,
)

from latentseg_gui.document.learning import LearningSettings
from latentseg_gui.panels.fields import ComboBox, DoubleSpinBox, SpinBox
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import SliderField

Choice = tuple[str, str, str]
"""Key, text, tool tip."""


class LossBoxes(QWidget):
    """The losses as boxes to tick: what is ticked is added up. One always is.

    Signals:
        changed: the user ticked or unticked one.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        choices: tuple[Choice, ...] = (
            ("cross-entropy", self.tr("Cross-entropy"), self.tr("Every pixel counts; the usual choice")),
            ("dice", self.tr("Dice"), self.tr("Overlap per class; small classes count as much as large")),
            ("focal", self.tr("Focal"), self.tr("Pixels that are right already hardly count")),
            ("lovasz", self.tr("Lovász"), self.tr("Improves the intersection over union itself")),
            ("boundary", self.tr("Boundary"), self.tr("Pixels near an outline count more")),
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        self._boxes: dict[str, QCheckBox] = {}
        for position, (key, text, tip) in enumerate(choices):
            box = QCheckBox(text)
            box.setToolTip(plain(tip))
            box.clicked.connect(self._on_clicked)
            self._boxes[key] = box
            grid.addWidget(box, position // 2, position % 2)

    @property
    def value(self) -> str:
        """Names joined by "+"."""
        return "+".join(key for key, box in self._boxes.items() if box.isChecked())

    def set_value(self, names: str) -> None:
        """Shows a sum of losses."""
        chosen = set(names.split("+"))
        for key, box in self._boxes.items():
            box.setChecked(key in chosen)
        self._keep_one()

    def _on_clicked(self) -> None:
        self._keep_one()
        self.changed.emit()

    def _keep_one(self) -> None:
        if not self.value:
            self._boxes["cross-entropy"].setChecked(True)


class SettingsForm(QWidget):
    """Loss, optimiser, rate, parts, augmentation, validation, seed.

    Signals:
        changed: the user set something.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss = LossBoxes()
        self._optimiser = self._combo(
            (
                ("adamw", "AdamW", self.tr("Robust; the usual choice")),
                ("adam", "Adam", self.tr("As AdamW, without weight decay")),
                ("nadam", "NAdam", self.tr("AdamW that looks a step ahead")),
                ("sgd", "SGD", self.tr("Plain gradients with momentum; slower, sometimes steadier")),
            )
        )
        self._rate = DoubleSpinBox()
        self._rate.setDecimals(5)
        self._rate.setRange(0.0, 1.0)
        self._rate.setSingleStep(0.0005)
        self._rate.setSpecialValueText(self.tr("automatic"))
        self._parts = self._combo(
            (
                ("auto", self.tr("As the speed asks"), self.tr("Quick: experts and head. Thorough: all")),
                ("head", self.tr("Head only"), self.tr("Least to go wrong with very few labels")),
                ("experts", self.tr("Experts and head"), self.tr("The image encoder stays as it is")),
                ("top", self.tr("Also the top of the encoder"), self.tr("What it makes of what it sees")),
                ("all", self.tr("Everything"), self.tr("For images unlike any photograph; takes minutes")),
            )
        )
        self._augmentation = SliderField(self.tr("Variations"), (0, 200), suffix=" %")
        self._augmentation.hide_name()
        self._validation = self._combo(
            (
                (
                    "held-out",
                    self.tr("Held-out pixels"),
                    self.tr("Part of your labels is kept for measuring"),
                ),
                (
                    "cross",
                    self.tr("Every image in turn"),
                    self.tr(
                        "Cross-validation: each image is judged by a network that has not seen it. Honest about "
                        "new images; takes half of the time, and at least two images"
                    ),
                ),
            )
        )
        self._seed = SpinBox()
        self._seed.setRange(0, 2**31 - 1)
        self._build()
        self.set_settings(LearningSettings())
        self._connect()

    def _build(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        rows: tuple[tuple[str, QWidget, str], ...] = (
            (self.tr("Loss"), self._loss, self.tr("What counts as a mistake; ticked losses are added up")),
            (self.tr("Learns"), self._parts, self.tr("Which parts of the network may change")),
            (
                self.tr("Measured on"),
                self._validation,
                self.tr("What decides whether the new weights are better"),
            ),
            (
                self.tr("Variations"),
                self._augmentation,
                self.tr("How strongly size, direction, light and colour of the images are varied"),
            ),
            (self.tr("Optimiser"), self._optimiser, self.tr("How a mistake becomes a change of weights")),
            (self.tr("Learning rate"), self._rate, self.tr("How large a step is; 0 chooses")),
            (self.tr("Seed"), self._seed, self.tr("The same seed draws the same random numbers")),
        )
        for name, widget, tip in rows:
            widget.setAccessibleName(name)
            if not widget.toolTip():
                widget.setToolTip(plain(tip))
            widget.setMinimumWidth(60)
            form.addRow(name, widget)

    def _connect(self) -> None:
        self._loss.changed.connect(self.changed)
        self._augmentation.changed.connect(self.changed)
        for combo in (self._optimiser, self._parts, self._validation):
            combo.activated.connect(self.changed)
        for field in (self._rate, self._seed):
            field.valueChanged.connect(self.changed)

    def _combo(self, choices: Sequence[Choice]) -> QComboBox:
        combo = ComboBox()
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(12)
        for position, (key, text, tip) in enumerate(choices):
            combo.addItem(text, key)
            combo.setItemData(position, plain(tip), Qt.ItemDataRole.ToolTipRole)
        return combo

    @property
    def settings(self) -> LearningSettings:
        """What is set."""
        return LearningSettings(
            loss=self._loss.value,
            optimiser=str(self._optimiser.currentData()),
            learning_rate=self._rate.value(),
            parts=str(self._parts.currentData()),
            augmentation=self._augmentation.value / 100,
            validation=str(self._validation.currentData()),
            seed=self._seed.value(),
        )

    def set_settings(self, settings: LearningSettings) -> None:
        """Shows settings."""
        self._loss.set_value(settings.loss)
        self._rate.setValue(settings.learning_rate)
        self._augmentation.set_value(round(settings.augmentation * 100))
        self._seed.setValue(settings.seed)
        for combo, key in (
            (self._optimiser, settings.optimiser),
            (self._parts, settings.parts),
            (self._validation, settings.validation),
        ):
            combo.setCurrentIndex(max(combo.findData(key), 0))
