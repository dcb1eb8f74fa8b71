"""How one points with the click tool: what a drag draws, and whether each click is an object of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from latentseg_gui.document.masks.tools import ClickDrag
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import Segments


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
