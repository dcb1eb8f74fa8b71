"""Which attention heads an intervention is about."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from latentseg_gui.panels.experts.gains import Where
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import text_label


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
        self._everywhere = QCheckBox(self.tr("of all experts"))
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
