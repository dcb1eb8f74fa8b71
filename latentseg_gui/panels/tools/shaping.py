"""Options that change the shape of an area: how tight a proposal is, and how many pieces an object is split into."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from latentseg_gui.document.prediction.tightening import Tightening
from latentseg_gui.panels.widgets import SliderField

_SHIFT = 15


class TightenOption(QToolButton):
    """A button that opens what can be set of a proposal before it is accepted; each change shows at once.

    Signals:
        changed: the `Tightening` that the user has set.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(self.tr("Tighten"))
        self.setToolTip(self.tr("Make the proposal tighter or wider before you accept it"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.cutoff = SliderField(self.tr("Cut-off"), (1, 99), suffix=" %")
        self.cutoff.setToolTip(self.tr("How sure the model must be of a pixel; 50 % is as proposed"))
        self.shift = SliderField(self.tr("Grow or shrink"), (-_SHIFT, _SHIFT), suffix=" px")
        self.follow = QCheckBox(self.tr("Follow edges of the image"))
        self.undo = QPushButton(self.tr("As proposed"))
        form = QWidget(self)
        column = QVBoxLayout(form)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(8)
        for widget in (self.cutoff, self.shift, self.follow, self.undo):
            column.addWidget(widget)
        form.setMinimumWidth(280)
        menu, action = QMenu(self), QWidgetAction(self)
        action.setDefaultWidget(form)
        menu.addAction(action)
        self.setMenu(menu)
        self.reset()
        self.cutoff.changed.connect(self._on_changed)
        self.shift.changed.connect(self._on_changed)
        self.follow.clicked.connect(self._on_changed)
        self.undo.clicked.connect(self._on_undone)

    def reset(self) -> None:
        """Shows what leaves a proposal as it is."""
        self.cutoff.set_value(50)
        self.shift.set_value(0)
        self.follow.setChecked(False)
        self._mark()

    def set_available(self, is_available: bool) -> None:
        """Whether there is a proposal."""
        self.setEnabled(is_available)

    @property
    def value(self) -> Tightening:
        """What is set."""
        return Tightening(self.cutoff.value / 100, self.shift.value, self.follow.isChecked())

    def _on_changed(self) -> None:
        self._mark()
        self.changed.emit(self.value)

    def _on_undone(self) -> None:
        self.reset()
        self.changed.emit(self.value)

    def _mark(self) -> None:
        """What is on has a tick, also while the menu is closed."""
        is_neutral = self.value.is_neutral
        self.setText(self.tr("Tighten") if is_neutral else self.tr("✓ Tighten"))
        self.undo.setEnabled(not is_neutral)


class PiecesOption(QWidget):
    """How many pieces the chosen object is split into: shown while the slider moves, done by the button.

    Signals:
        pieces_requested: so many pieces are to be shown.
        split_requested: what is shown is to be done.
    """

    pieces_requested = Signal(int)
    split_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = SliderField(self.tr("Pieces"), (1, 2))
        self.button = QPushButton(self.tr("Split"))
        self.button.setToolTip(self.tr("Split the chosen object as it is shown"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.slider)
        row.addWidget(self.button)
        self.slider.changed.connect(self._on_changed)
        self.button.clicked.connect(self.split_requested)
        self.set_most(1)

    def set_most(self, most: int) -> None:
        """Says how many pieces there can be; one where no object is chosen, or none that has a waist."""
        self.slider.set_range(1, max(2, most))
        self.slider.set_value(1)
        self.slider.setEnabled(most > 1)
        self.button.setEnabled(False)
        self.setToolTip("" if most > 1 else self.tr("Choose an object with a waist: click on it."))

    def _on_changed(self, count: int) -> None:
        self.button.setEnabled(count > 1)
        self.pieces_requested.emit(count)
