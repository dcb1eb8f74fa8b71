"""Objects of the prediction: their count, and sliders that say what is one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QVBoxLayout, QWidget

from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import SliderField, line, text_label

_LARGEST = 100_000


class CountingPanel(QWidget):
    """The count comes first; nothing that is set here lets the model run again.

    Signals:
        options_requested: threshold 0..1, separation 0..1, smoothness in pixels.
        class_requested: whether the objects of the current class are counted, pixels of the smallest.
    """

    options_requested = Signal(float, float, float)
    class_requested = Signal(bool, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._total = text_label("", "headline")
        self._each = text_label("", "muted")
        self._why = text_label("", "hint")
        self._threshold = SliderField(self.tr("Cut-off"), (5, 95), suffix=" %")
        self._separation = SliderField(self.tr("Separate"), (0, 100), suffix=" %")
        self._smoothness = SliderField(self.tr("Smooth"), (0, 10), suffix=" px")
        self._smallest = SliderField(self.tr("Smallest"), (0, 500), suffix=" px", field_maximum=_LARGEST)
        self._is_thing = QCheckBox()
        for field, tip in (
            (self._threshold, self.tr("Pixels belong to an object from this probability on")),
            (self._separation, self.tr("0: what touches is one object. 100: cut at every dip.")),
            (self._smoothness, self.tr("Small dips are smoothed away before objects are cut")),
            (self._smallest, self.tr("Smaller objects of this class are dropped")),
        ):
            field.setToolTip(plain(tip))
        form = QFormLayout()
        for field, name in (
            (self._threshold, self.tr("Cut-off")),
            (self._separation, self.tr("Separate")),
            (self._smoothness, self.tr("Smooth")),
        ):
            field.hide_name()
            form.addRow(name, field)
        self._smallest.hide_name()
        of_class = QFormLayout()
        of_class.addRow(self._is_thing)
        of_class.addRow(self.tr("Smallest"), self._smallest)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 10, 10, 10)
        for widget in (self._total, self._each, self._why):
            whole.addWidget(widget)
        whole.addLayout(form)
        whole.addWidget(line())
        whole.addLayout(of_class)
        whole.addStretch(1)
        for field in (self._threshold, self._separation, self._smoothness):
            field.changed.connect(self._request_options)
        self._smallest.changed.connect(self._request_class)
        self._is_thing.clicked.connect(self._request_class)
        self.show_counts(None, "")

    def set_options(self, threshold: float, separation: float, smoothness: float) -> None:
        """Shows what objects are made with."""
        self._threshold.set_value(round(threshold * 100))
        self._separation.set_value(round(separation * 100))
        self._smoothness.set_value(round(smoothness))

    def set_class(self, name: str, *, is_own: bool, is_thing: bool, smallest: int) -> None:
        """Shows the current class; the background (not ``is_own``) is never counted."""
        self._is_thing.setText(plain(self.tr("Count objects of “{0}”").format(name)))
        self._is_thing.setEnabled(is_own)
        self._is_thing.setChecked(is_own and is_thing)
        self._smallest.setEnabled(is_own and is_thing)
        self._smallest.set_value(smallest)

    def show_counts(self, counts: Sequence[tuple[str, int]] | None, why: str) -> None:
        """Shows how many objects there are.

        Args:
            counts: of every counted class, none where no class is; None where the model does not tell objects apart.
            why: what to do then.
        """
        total = sum(count for _, count in counts or ())
        words = self.tr("{0} objects") if total != 1 else self.tr("{0} object")
        self._total.setText(words.format(f"{total:,}") if counts else self.tr("No count"))
        self._each.setText("\n".join(f"{name}: {count:,}" for name, count in counts or ()))
        self._each.setVisible(bool(counts))
        self._why.setText(why)
        self._why.setVisible(bool(why))
        for field in (self._threshold, self._separation, self._smoothness):
            field.setEnabled(counts is not None)

    @property
    def count_text(self) -> str:
        """The count as it stands there."""
        return self._total.text()

    def _request_options(self) -> None:
        self.options_requested.emit(
            self._threshold.value / 100, self._separation.value / 100, float(self._smoothness.value)
        )

    def _request_class(self) -> None:
        self.class_requested.emit(self._is_thing.isChecked(), self._smallest.value)
