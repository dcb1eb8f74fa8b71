"""What can be done with the objects that are chosen on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QColor, QPixmap
from PySide6.QtWidgets import QMenu

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import unmarked


class ObjectMenu(QMenu):
    """The context menu of the canvas: the chosen objects first, then the commands of the window.

    Signals:
        class_requested: the class id that the objects shall have.
    """

    class_requested = Signal(int)

    def set_content(self, chosen: int, classes: ClassTable, groups: Sequence[Sequence[QAction]]) -> None:
        """Shows what can be done.

        Args:
            chosen: how many objects are chosen.
            classes: the table; the first is the background.
            groups: actions of the window, a separator between groups.
        """
        self.clear()
        if chosen:
            title = self.tr("1 object") if chosen == 1 else self.tr("{0} objects").format(chosen)
            self.addAction(title).setEnabled(False)
            self._add_classes(classes)
        else:
            self.addAction(self.tr("No object of the mask here")).setEnabled(False)
        for group in groups:
            self.addSeparator()
            self.addActions(list(group))

    def _add_classes(self, classes: ClassTable) -> None:
        menu = self.addMenu(icon("classes"), self.tr("Change class to"))
        for class_id, entry in zip(classes.ids[1:], classes.classes[1:], strict=True):
            action = menu.addAction(_swatch(entry.colour), unmarked(entry.name))
            action.triggered.connect(partial(self._on_class_chosen, class_id))

    def _on_class_chosen(self, class_id: int, _checked: bool = False) -> None:
        self.class_requested.emit(class_id)


def _swatch(colour: str) -> QPixmap:
    picture = QPixmap(14, 14)
    picture.fill(QColor(colour))
    return picture
