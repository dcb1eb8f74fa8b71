"""What the bar of tools sets: pointing with clicks, the shape of an area, and how layers are shown."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
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

from latentseg_gui.document.masks.tools import ClickDrag
from latentseg_gui.document.prediction.tightening import MOST_SHIFT, Tightening
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import Segments, SliderField


class PromptingOptions(QObject):
    """Two controls; where they stand is up to who lays them out.

    Attributes:
        kinds: what a drag draws.
        each_new: whether each click is a new object.

    Signals:
        drag_requested: the `ClickDrag` that the user has chosen.
        each_new_requested: on or off.
    """

    drag_requested = Signal(object)
    each_new_requested = Signal(bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.kinds = Segments(
            self.tr("Drag draws"),
            (
                (ClickDrag.BOX.value, self.tr("Box"), self.tr("Drag a box round the object")),
                (
                    ClickDrag.STROKE.value,
                    self.tr("Stroke"),
                    self.tr("Drag along the object, as along a crack or a branch"),
                ),
                (
                    ClickDrag.LASSO.value,
                    self.tr("Lasso"),
                    self.tr("Drag round the object, as near as you like"),
                ),
            ),
            parent,
        )
        self.each_new = QCheckBox(self.tr("Each click new"), parent)
        self.each_new.setToolTip(
            self.tr(
                "Each click, box or line on an object is a new one and accepts the one before, without Enter"
            )
        )
        follow_key(self.each_new, "each_new")
        self.kinds.chosen.connect(lambda key: self.drag_requested.emit(ClickDrag(key)))
        self.each_new.clicked.connect(self.each_new_requested)

    @property
    def drag(self) -> ClickDrag:
        """What a drag draws."""
        return ClickDrag(self.kinds.value)

    def set_drag(self, drag: ClickDrag) -> None:
        """Shows what a drag draws."""
        self.kinds.set_value(drag.value)

    def set_each_new(self, is_on: bool) -> None:
        """Shows whether each click is a new object."""
        self.each_new.setChecked(is_on)


class OverlaySwitches(QObject):
    """Switches of the overlay; where they stand is up to who lays them out.

    Signals:
        opacity_requested: 0..1.
        outlines_requested, uncertainty_requested: on or off.
        layer_requested: "mask", "prediction" or "both".
    """

    opacity_requested = Signal(float)
    outlines_requested = Signal(bool)
    uncertainty_requested = Signal(bool)
    layer_requested = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer = Segments(
            self.tr("Layer"),
            (
                ("mask", self.tr("Mask"), self.tr("What you have labelled")),
                ("prediction", self.tr("Model"), self.tr("What the model says")),
                ("both", self.tr("Both"), self.tr("Your mask where there is one, else the model")),
            ),
        )
        self._layer.set_value("mask")
        self._opacity = SliderField(self.tr("Opacity"), (0, 100), suffix=" %")
        self._opacity.set_value(50)
        self._outlines = QCheckBox(self.tr("Outlines"))
        self._outlines.setToolTip(self.tr("Outlines only"))
        self._outlines.setAccessibleName(self.tr("Outlines only"))
        follow_key(self._outlines, "show_outlines")
        self._uncertainty = QCheckBox(self.tr("Unsure"))
        self._uncertainty.setToolTip(self.tr("Where the model is unsure"))
        self._uncertainty.setAccessibleName(self.tr("Where the model is unsure"))
        follow_key(self._uncertainty, "show_uncertainty")
        self._switches = QWidget()
        row = QHBoxLayout(self._switches)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(self._outlines)
        row.addWidget(self._uncertainty)
        self._layer.chosen.connect(self.layer_requested)
        self._opacity.changed.connect(self._on_opacity_changed)
        self._outlines.clicked.connect(self.outlines_requested)
        self._uncertainty.clicked.connect(self.uncertainty_requested)

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """The controls, in the order in which they are shown."""
        return self._layer, self._opacity, self._switches

    def set_opacity(self, opacity: float) -> None:
        """Shows the opacity, 0..1."""
        self._opacity.set_value(round(opacity * 100))

    def set_outlines(self, is_on: bool) -> None:
        """Shows whether only outlines are drawn."""
        self._outlines.setChecked(is_on)

    def set_uncertainty(self, is_on: bool) -> None:
        """Shows whether uncertainty is drawn."""
        self._uncertainty.setChecked(is_on)

    def set_layer(self, layer: str) -> None:
        """Shows which layer is drawn."""
        self._layer.set_value(layer)

    def _on_opacity_changed(self, percent: int) -> None:
        self.opacity_requested.emit(percent / 100)


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
        self.shift = SliderField(self.tr("Grow or shrink"), (-MOST_SHIFT, MOST_SHIFT), suffix=" px")
        self.follow = QCheckBox(self.tr("Snap to edges of the image"))
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
        self.set_value(Tightening())
        self.cutoff.changed.connect(self._on_changed)
        self.shift.changed.connect(self._on_changed)
        self.follow.clicked.connect(self._on_changed)
        self.undo.clicked.connect(self._on_undone)

    def set_value(self, tightening: Tightening) -> None:
        """Shows what is done to the proposal."""
        self.cutoff.set_value(round(100 * tightening.cutoff))
        self.shift.set_value(tightening.shift)
        self.follow.setChecked(tightening.follows_edges)
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
        self.set_value(Tightening())
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
