"""The chosen expert: its name, its figures, and what to do with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from latentseg_gui.panels.experts.gains import Where
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.pixmaps import swatch
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import SliderField, text_label


class HeadChoice(QWidget):
    """A button per head, and one for all; any set of heads can be chosen, of one expert or of all.

    Signals:
        changed: the user chose something else.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: list[QToolButton] = []
        self._all = self._button(self.tr("All"), self.tr("Solo, knock-out and boost act on all heads"))
        self._all.setChecked(True)
        self._everywhere = QCheckBox(self.tr("Same heads of all experts"))
        self._everywhere.setToolTip(self.tr("The chosen heads of every expert, not only of this one"))
        self._row = QHBoxLayout()
        self._row.setSpacing(0)
        self._row.addWidget(text_label(self.tr("Heads"), is_wrapped=False))
        self._row.addSpacing(8)
        self._row.addWidget(self._all)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(3)
        whole.addLayout(self._row)
        whole.addWidget(self._everywhere)
        self._all.clicked.connect(self._on_all_clicked)
        self._everywhere.clicked.connect(self.changed)

    def where(self, expert: int) -> Where:
        """What an intervention is about while ``expert`` is the current one."""
        heads = tuple(head for head, button in enumerate(self._buttons) if button.isChecked())
        return Where(None if self._everywhere.isChecked() else expert, heads or None)

    def set_heads(self, count: int) -> None:
        """How many heads there are; one cannot be chosen from."""
        if len(self._buttons) == count:
            return
        for old in self._buttons:
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._buttons = []
        for head in range(count):
            button = self._button(str(head + 1), self.tr("Head {0}: choose it alone, then others besides"))
            button.setToolTip(plain(button.toolTip().format(head + 1)))
            button.setProperty("place", "last" if head == count - 1 else "middle")
            button.clicked.connect(self._on_head_clicked)
            self._buttons.append(button)
            self._row.addWidget(button)
        self._everywhere.setChecked(False)
        self._choose_all()

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(plain(tip))
        button.setAccessibleName(self.tr("Heads: {0}").format(text))
        button.setCheckable(True)
        button.setProperty("role", "segment")
        button.setProperty("place", "first")
        button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 12)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return button

    def _choose_all(self) -> None:
        for button in self._buttons:
            button.setChecked(False)
        self._all.setChecked(True)

    def _on_all_clicked(self) -> None:
        self._choose_all()
        self.changed.emit()

    def _on_head_clicked(self) -> None:
        chosen = sum(button.isChecked() for button in self._buttons)
        if chosen in (0, len(self._buttons)):
            self._on_all_clicked()
            return
        self._all.setChecked(False)
        self.changed.emit()


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
