"""Settings for those who want them."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QGridLayout, QWidget

from latentseg_gui.document.training.learning import (
    LearningOption,
    LearningSettings,
    NumberRange,
    learning_options,
)
from latentseg_gui.panels.fields import ComboBox, DoubleSpinBox, SpinBox
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import SliderField

Setting = str | float | int


class OptionField(Protocol):
    """A widget in which one option is set."""

    @property
    def edited(self) -> SignalInstance:
        """The user set it."""

    @property
    def widget(self) -> QWidget:
        """What stands in the form."""

    def setting(self) -> Setting:
        """What is set."""

    def set_setting(self, setting: Setting) -> None:
        """Shows a value."""


def field_for(option: LearningOption) -> OptionField:
    """The field in which ``option`` is set."""
    if option.is_sum:
        return SumBoxes(option)
    if option.numbers is None:
        return ChoiceField(option)
    return ShareField(option, option.numbers) if option.numbers.is_share else NumberField(option.numbers)


class SumBoxes(QWidget):
    """Boxes to tick: what is ticked is added up. One always is.

    Signals:
        edited: the user ticked or unticked one.
    """

    edited = Signal()

    def __init__(self, option: LearningOption) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        self._boxes: dict[str, QCheckBox] = {}
        for position, choice in enumerate(option.choices):
            box = QCheckBox(self.tr(choice.title))
            box.setToolTip(plain(self.tr(choice.tip)))
            box.clicked.connect(self._on_clicked)
            self._boxes[choice.key] = box
            grid.addWidget(box, position // 2, position % 2)

    @property
    def widget(self) -> QWidget:
        """Itself."""
        return self

    def setting(self) -> Setting:
        """Keys joined by "+"."""
        return "+".join(key for key, box in self._boxes.items() if box.isChecked())

    def set_setting(self, setting: Setting) -> None:
        """Shows a sum."""
        chosen = set(str(setting).split("+"))
        for key, box in self._boxes.items():
            box.setChecked(key in chosen)
        self._keep_one()

    def _on_clicked(self) -> None:
        self._keep_one()
        self.edited.emit()

    def _keep_one(self) -> None:
        if not self.setting():
            next(iter(self._boxes.values())).setChecked(True)


class ChoiceField(ComboBox):
    """One value out of a list.

    Signals:
        edited: the user chose one.
    """

    edited = Signal()

    def __init__(self, option: LearningOption) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        for position, choice in enumerate(option.choices):
            self.addItem(self.tr(choice.title), choice.key)
            self.setItemData(position, plain(self.tr(choice.tip)), Qt.ItemDataRole.ToolTipRole)
        self.activated.connect(self.edited)

    @property
    def widget(self) -> QWidget:
        """Itself."""
        return self

    def setting(self) -> Setting:
        """The chosen key."""
        return str(self.currentData())

    def set_setting(self, setting: Setting) -> None:
        """Shows a key; the first one for a key that is not known."""
        self.setCurrentIndex(max(self.findData(setting), 0))


class NumberField(QObject):
    """A number.

    Signals:
        edited: it is another.
    """

    edited = Signal()

    def __init__(self, numbers: NumberRange) -> None:
        super().__init__()
        self._box: DoubleSpinBox | SpinBox
        if numbers.decimals:
            self._box = box = DoubleSpinBox()
            box.setDecimals(numbers.decimals)
            box.setRange(numbers.low, numbers.high)
            box.setSingleStep(numbers.step)
        else:
            self._box = whole = SpinBox()
            whole.setRange(int(numbers.low), int(numbers.high))
            whole.setSingleStep(int(numbers.step))
        if numbers.zero:
            self._box.setSpecialValueText(self.tr(numbers.zero))
        self._box.valueChanged.connect(lambda _: self.edited.emit())

    @property
    def widget(self) -> QWidget:
        """The field."""
        return self._box

    def setting(self) -> Setting:
        """The number."""
        return self._box.value()

    def set_setting(self, setting: Setting) -> None:
        """Shows a number."""
        if isinstance(self._box, DoubleSpinBox):
            self._box.setValue(float(setting))
        else:
            self._box.setValue(int(setting))


class ShareField(SliderField):
    """A number that is shown in percent.

    Signals:
        edited: the user moved it.
    """

    edited = Signal()

    def __init__(self, option: LearningOption, numbers: NumberRange) -> None:
        limits = round(numbers.low * 100), round(numbers.high * 100)
        super().__init__(option.title, limits, suffix=" %")
        self.hide_name()
        self.changed.connect(lambda _: self.edited.emit())

    @property
    def widget(self) -> QWidget:
        """Itself."""
        return self

    def setting(self) -> Setting:
        """The number; 1 is 100 %."""
        return self.value / 100

    def set_setting(self, setting: Setting) -> None:
        """Shows a number."""
        self.set_value(round(float(setting) * 100))


class SettingsForm(QWidget):
    """One row for every option of `LearningSettings`; nothing here knows any of them.

    Signals:
        changed: the user set something.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        options = learning_options()
        self._fields: dict[str, OptionField] = {
            name: field_for(option) for name, option in sorted(options.items(), key=lambda each: each[1].row)
        }
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name, each in self._fields.items():
            title, widget = self.tr(options[name].title), each.widget
            widget.setAccessibleName(title)
            if not widget.toolTip():
                widget.setToolTip(plain(self.tr(options[name].tip)))
            widget.setMinimumWidth(60)
            form.addRow(title, widget)
        self.set_settings(LearningSettings())
        for each in self._fields.values():
            each.edited.connect(self.changed)

    @property
    def settings(self) -> LearningSettings:
        """What is set."""
        chosen: dict[str, Any] = {name: each.setting() for name, each in self._fields.items()}
        return LearningSettings(**chosen)

    def set_settings(self, settings: LearningSettings) -> None:
        """Shows settings."""
        for name, each in self._fields.items():
            each.set_setting(getattr(settings, name))
