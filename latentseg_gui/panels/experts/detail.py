"""The chosen expert: its name, its figures, and what to do with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.experts.head_choice import HeadChoice
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.pixmaps import swatch
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import SliderField, text_label


class ExpertDetail(QFrame):
    """A card below the gallery.

    Signals:
        renamed, note_edited: the expert, as it was given, and the new text.
        overlay_wanted, solo_wanted, knock_out_wanted: toggles of the chosen expert.
        gain_wanted: factor from the slider, 1 as trained.
        reset_wanted: all experts as trained.
        heads_chosen: interventions are about other heads.

    Attributes:
        heads: which heads interventions are about.
    """

    renamed = Signal(int, str)
    note_edited = Signal(int, str)
    overlay_wanted = Signal()
    solo_wanted = Signal()
    knock_out_wanted = Signal()
    gain_wanted = Signal(float)
    reset_wanted = Signal()
    heads_chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._expert = -1
        self._swatch = text_label(is_wrapped=False)
        self._name = QLineEdit(self)
        self._name.setAccessibleName(self.tr("Name of this expert"))
        self._note = QLineEdit(self)
        self._note.setPlaceholderText(self.tr("Note: what does it see?"))
        self._note.setAccessibleName(self.tr("Note on this expert"))
        self._figures = text_label("", "hint")
        self._overlay = self._button("eye", self.tr("Overlay"), self.tr("Show its map on the image"))
        follow_key(self._overlay, "show_attention")
        self._solo = self._button(
            "solo", self.tr("Solo"), self.tr("Knock out everything but the chosen heads of it")
        )
        follow_key(self._solo, "solo")
        self._out = self._button(
            "knock-out", self.tr("Knock out"), self.tr("Predict without the chosen heads of it")
        )
        follow_key(self._out, "knock_out")
        self._reset = QPushButton(icon("refresh"), self.tr("Reset"))
        self.heads = HeadChoice(self)
        self._gain = SliderField(self.tr("Boost"), (0, 400), suffix=" %")
        self._build()
        self._name.editingFinished.connect(self._on_name_edited)
        self._note.editingFinished.connect(self._on_note_edited)
        self._overlay.clicked.connect(self.overlay_wanted)
        self._solo.clicked.connect(self.solo_wanted)
        self._out.clicked.connect(self.knock_out_wanted)
        self._reset.clicked.connect(self.reset_wanted)
        self._gain.changed.connect(self._on_gain_changed)
        self.heads.changed.connect(self.heads_chosen)
        self.setEnabled(False)

    @staticmethod
    def _button(name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(icon(name), text)
        button.setCheckable(True)
        button.setToolTip(plain(tip))
        button.setMinimumWidth(40)
        return button

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(7)
        head.addWidget(self._swatch)
        head.addWidget(self._name, 1)
        buttons = QGridLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self._overlay, 0, 0)
        buttons.addWidget(self._solo, 0, 1)
        buttons.addWidget(self._out, 1, 0)
        buttons.addWidget(self._reset, 1, 1)
        self._reset.setMinimumWidth(40)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.setSpacing(7)
        whole.addLayout(head)
        whole.addWidget(self._figures)
        whole.addWidget(self.heads)
        whole.addLayout(buttons)
        whole.addWidget(self._gain)
        whole.addWidget(self._note)

    def set_expert(
        self, expert: int, number: str, name: str, note: str, colour: QColor, figures: str
    ) -> None:
        """Shows an expert; ``number`` is what it is called while it has no name.

        What is being typed about another one is taken as it stands.
        """
        is_other = expert != self._expert
        if is_other and self._expert >= 0:
            self._on_name_edited()
            self._on_note_edited()
        self._expert = expert
        self.setEnabled(True)
        self._name.setPlaceholderText(number)
        for field, text in ((self._name, name), (self._note, note)):
            if is_other or not field.hasFocus():
                field.setText(text)
            field.setProperty("before", text)
        self._swatch.setPixmap(swatch(colour, 18, self.devicePixelRatioF()))
        self._figures.setText(figures)

    def set_state(
        self, gain: float | None, *, is_overlaid: bool, is_solo: bool, is_any_changed: bool
    ) -> None:
        """Shows what is done to the chosen heads of the expert; no gain where they differ."""
        self._gain.set_value(100 if gain is None else round(gain * 100))
        self._overlay.setChecked(is_overlaid)
        self._solo.setChecked(is_solo)
        self._out.setChecked(gain == 0.0)
        self._reset.setEnabled(is_any_changed)

    def set_intervening(self, is_possible: bool) -> None:
        """Offers names and interventions, or only what can be seen."""
        for widget in (self._solo, self._out, self._reset, self._gain, self._note, self.heads):
            widget.setVisible(is_possible)
        self._name.setReadOnly(not is_possible)

    def set_empty(self) -> None:
        """No expert is chosen."""
        self.setEnabled(False)
        self._swatch.clear()
        self._figures.setText("")

    def focus_name(self) -> None:
        """Starts naming the expert."""
        self._name.setFocus(Qt.FocusReason.OtherFocusReason)
        self._name.selectAll()

    def _on_name_edited(self) -> None:
        text = self._name.text().strip()
        if text != self._name.property("before"):
            self._name.setProperty("before", text)
            self.renamed.emit(self._expert, text)

    def _on_note_edited(self) -> None:
        text = self._note.text().strip()
        if text != self._note.property("before"):
            self._note.setProperty("before", text)
            self.note_edited.emit(self._expert, text)

    def _on_gain_changed(self, percent: int) -> None:
        self.gain_wanted.emit(percent / 100)
