"""Which network learns, with what it is good for and what it cannot do."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.document.training.learning import NetworkChoice
from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.widgets import text_label


class NetworkSection(QWidget):
    """A list of networks; hidden until it is known what there is.

    Signals:
        chosen: name of the network that shall learn, also where weights of another came into use.
        comparison_requested: find out which network suits these images.
    """

    chosen = Signal(str)
    comparison_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: tuple[NetworkChoice, ...] = ()
        self._in_use = ""
        self._combo = ComboBox()
        self._combo.setAccessibleName(self.tr("Network"))
        self._combo.setToolTip(
            plain(self.tr("Which network learns; the one in use goes on from its weights"))
        )
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(12)
        self._about = text_label("", "hint")
        compare = QPushButton(self.tr("Compare..."))
        compare.setAccessibleName(self.tr("Compare networks..."))
        compare.setToolTip(self.tr("Compare networks: find out which one suits your images"))
        compare.clicked.connect(self.comparison_requested)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(3)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._combo, 1)
        row.addWidget(compare)
        whole.addLayout(row)
        whole.addWidget(self._about)
        self._combo.activated.connect(self._on_activated)
        self.hide()

    @property
    def value(self) -> str:
        """Name of the chosen network; "" as long as none is known."""
        return str(self._combo.currentData() or "")

    def set_networks(self, choices: Sequence[NetworkChoice], in_use: str) -> None:
        """Shows what can be trained; where the network in use is another than before, it is chosen."""
        before = self.value
        if tuple(choices) != self._choices:
            self._choices = tuple(choices)
            self._combo.clear()
            for position, choice in enumerate(self._choices):
                self._combo.addItem(choice.title, choice.name)
                tip = plain(f"{choice.summary} {choice.limits}")
                self._combo.setItemData(position, tip, Qt.ItemDataRole.ToolTipRole)
        is_kept = before and in_use == self._in_use
        self._in_use = in_use
        self._combo.setCurrentIndex(max(self._combo.findData(before if is_kept else in_use), 0))
        self.setVisible(bool(self._choices))
        self._describe()
        if self.value != before:
            self.chosen.emit(self.value)

    def choose(self, name: str) -> None:
        """Chooses a network, as the user does."""
        self._combo.setCurrentIndex(max(self._combo.findData(name), 0))
        self._on_activated()

    def _on_activated(self, *_: object) -> None:
        self._describe()
        self.chosen.emit(self.value)

    def _describe(self) -> None:
        """What it is good for, its size, where learning begins, and what it cannot do.

        Of the network in use all but the beginning stands in the tool tip: what is pressed next, and what comes of
        it, shall be in sight on small screens.
        """
        choice = next((each for each in self._choices if each.name == self.value), None)
        if choice is None:
            return
        begins = self.tr("goes on from the weights in use")
        if choice.name != self._in_use:
            begins = self.tr("learns from nothing")
            if choice.is_pretrained:
                begins = self.tr("begins with the shipped weights")
            elif choice.has_pretrained_encoder:
                begins = self.tr("its encoder is pretrained, the rest learns from nothing")
        size = self.tr("{0} parameters").format(f"{choice.parameters:,}")
        about = f"{choice.summary} {size}; {begins}. {choice.limits}"
        is_known = choice.name == self._in_use
        self._about.setText(self.tr("It {0}.").format(begins) if is_known else about)
        self._about.setToolTip(plain(about))
