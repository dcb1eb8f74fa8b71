"""Levels, gamma and channel of the picture on the canvas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.fields import ComboBox, DoubleSpinBox, Slider
from latentseg_gui.panels.widgets import text_label


@dataclass(frozen=True, slots=True)
class Tone:
    """How the values of a file become light.

    Attributes:
        channel: the only channel shown, in grey; None for colour.
        levels: the values shown black and white; None for those chosen when the file was read.
        gamma: of the curve between them; above 1 brightens the middle.
        is_inverted: whether small values are shown bright.
    """

    channel: int | None = None
    levels: tuple[float, float] | None = None
    gamma: float = 1.0
    is_inverted: bool = False


@dataclass(frozen=True, slots=True)
class ValueRange:
    """What there is to choose from in an image.

    Attributes:
        low: least value of the file.
        high: largest value of the file.
        levels: what is shown black and white by default.
        channels: how many channels the file has.
        kind: the type of the values, for the user ("16-bit", "float").
        is_whole: whether the values are whole numbers.
    """

    low: float
    high: float
    levels: tuple[float, float]
    channels: int
    kind: str
    is_whole: bool


_STEPS: Final = 1000
_GAMMA: Final = (0.1, 4.0)


class ValueField(QWidget):
    """A number between two ends, by a slider or typed.

    Signals:
        changed: the value that the user set; `show_value` does not emit.
    """

    changed = Signal(float)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._low, self._high = 0.0, 1.0
        self._slider = Slider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _STEPS)
        self._slider.setMinimumWidth(60)
        self._slider.setAccessibleName(name)
        self._field = DoubleSpinBox()
        self._field.setAccessibleName(name)
        self._field.setKeyboardTracking(False)
        self._field.setFixedWidth(110)
        row = QGridLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(text_label(name, "muted", is_wrapped=False), 0, 0, 1, 2)
        row.addWidget(self._slider, 1, 0)
        row.addWidget(self._field, 1, 1)
        self._slider.valueChanged.connect(self._on_slider_changed)
        self._field.valueChanged.connect(self._on_field_changed)

    @property
    def value(self) -> float:
        """The number shown."""
        return self._field.value()

    def set_range(self, low: float, high: float, decimals: int) -> None:
        """Takes other ends."""
        self._low, self._high = low, high
        self._field.blockSignals(True)
        self._field.setDecimals(decimals)
        self._field.setRange(low, high)
        self._field.setSingleStep((high - low) / 100 if decimals else max(1.0, round((high - low) / 100)))
        self._field.blockSignals(False)

    def show_value(self, value: float) -> None:
        """Shows ``value`` without saying so."""
        share = (value - self._low) / (self._high - self._low) if self._high > self._low else 0.0
        for each, number in ((self._slider, round(share * _STEPS)), (self._field, value)):
            each.blockSignals(True)
            each.setValue(number)  # type: ignore[arg-type]  # the slider's is the whole one
            each.blockSignals(False)

    def _on_slider_changed(self, step: int) -> None:
        value = self._low + (self._high - self._low) * step / _STEPS
        self._field.blockSignals(True)
        self._field.setValue(value)
        self._field.blockSignals(False)
        self.changed.emit(self._field.value())

    def _on_field_changed(self, value: float) -> None:
        self.show_value(value)
        self.changed.emit(value)


class LevelsPanel(QWidget):
    """Black, white, gamma and channel; it changes what is seen, never what is saved.

    Signals:
        tone_requested: a `Tone` for the image on the canvas.
    """

    tone_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range: ValueRange | None = None
        self._channel = ComboBox()
        self._channel.setAccessibleName(self.tr("Channel"))
        self._low, self._high = ValueField(self.tr("Black")), ValueField(self.tr("White"))
        self._gamma = ValueField(self.tr("Gamma"))
        self._gamma.set_range(*_GAMMA, decimals=2)
        self._inverted = QCheckBox(self.tr("Inverted"))
        self._reset = QPushButton(self.tr("As it was read"))
        self._kind = text_label("", "hint")
        self._default_levels = (0.0, 0.0)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 10, 10, 10)
        for widget in (self._channel, self._low, self._high, self._gamma, self._inverted, self._reset):
            whole.addWidget(widget)
        whole.addWidget(self._kind)
        whole.addStretch(1)
        for field in (self._low, self._high, self._gamma):
            field.changed.connect(self._request)
        self._channel.activated.connect(self._request)
        self._inverted.clicked.connect(self._request)
        self._reset.clicked.connect(self._on_reset_clicked)
        self.set_range(None)

    def set_range(self, values: ValueRange | None, notes: Sequence[str] = ()) -> None:
        """Shows what there is to choose from; None without an image.

        Args:
            values: of the image.
            notes: sentences about how its values are shown.
        """
        self._range = values
        self.setEnabled(values is not None)
        self._channel.clear()
        self._channel.addItem(self.tr("All channels"))
        if values is None:
            self._kind.setText(self.tr("Open an image to set how its values are shown."))
            return
        for channel in range(values.channels if values.channels > 1 else 0):
            self._channel.addItem(self.tr("Channel {0} alone").format(channel + 1))
        self._channel.setEnabled(values.channels > 1)
        decimals = 0 if values.is_whole else _decimals(values.high - values.low)
        for field in (self._low, self._high):
            field.set_range(values.low, values.high, decimals)
        text = self.tr("{0} values. This changes what you see; model, mask and export stay as they are.")
        self._kind.setText("\n".join((text.format(values.kind), *notes)))
        self.show_tone(Tone())
        self._default_levels = (self._low.value, self._high.value)  # as the fields round them

    def show_tone(self, tone: Tone) -> None:
        """Shows a tone without asking for it."""
        if self._range is None:
            return
        low, high = tone.levels or self._range.levels
        self._low.show_value(low)
        self._high.show_value(high)
        self._gamma.show_value(tone.gamma)
        self._inverted.setChecked(tone.is_inverted)
        self._channel.setCurrentIndex(0 if tone.channel is None else tone.channel + 1)

    @property
    def tone(self) -> Tone:
        """What is set."""
        levels = (self._low.value, self._high.value)
        is_default = levels == self._default_levels
        channel = self._channel.currentIndex() - 1
        return Tone(
            channel=channel if channel >= 0 else None,
            levels=None if is_default else levels,
            gamma=self._gamma.value,
            is_inverted=self._inverted.isChecked(),
        )

    def _request(self, *_: object) -> None:
        self.tone_requested.emit(self.tone)

    def _on_reset_clicked(self) -> None:
        self.show_tone(Tone())
        self._request()


def _decimals(extent: float) -> int:
    """How many decimals tell about ten thousand values of a range apart."""
    return min(max(4 - math.floor(math.log10(extent)), 0), 12) if extent > 0 and math.isfinite(extent) else 4
