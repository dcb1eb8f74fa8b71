"""The classes: which one tools write, how each looks, what is protected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QColorDialog, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.document.masks.classes import SegmentationClass
from latentseg_gui.document.types import BACKGROUND
from latentseg_gui.panels.classes.row import CLASS_MIME, ClassRow
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.widgets import Scrolled, discard, icon_button


class ClassesPanel(QWidget):
    """One row per class, in their order.

    Signals:
        active_requested: class id that tools shall write.
        add_requested: one more class.
        rename_requested: class id, name.
        recolour_requested: class id, "#rrggbb".
        visibility_requested, lock_requested: class id, state.
        delete_requested: class id; the controller asks with `DeleteClassDialog`.
        merge_requested: class id, class id that its pixels get.
        move_requested: class id, place that it shall have.
        thing_requested: class id, whether its objects are counted.
    """

    active_requested = Signal(int)
    add_requested = Signal()
    rename_requested = Signal(int, str)
    recolour_requested = Signal(int, str)
    visibility_requested = Signal(int, bool)
    lock_requested = Signal(int, bool)
    delete_requested = Signal(int)
    merge_requested = Signal(int, int)
    move_requested = Signal(int, int)
    thing_requested = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[ClassRow] = []
        self._classes: tuple[SegmentationClass, ...] = ()
        self._ids: tuple[int, ...] = ()
        self._active = 1
        self.setAcceptDrops(True)
        add = QPushButton(icon("plus"), self.tr("Add class"))
        add.setAccessibleName(self.tr("Add class"))
        self._delete = icon_button("trash", self.tr("Delete the active class"))
        buttons = QHBoxLayout()
        buttons.addWidget(add, 1)
        buttons.addWidget(self._delete)
        self._scroll = Scrolled(
            self, margins=0, spacing=1
        )  # five, and the background, in sight on small screens
        self._scroll.body.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.setSpacing(6)
        whole.addWidget(self._scroll, 1)
        whole.addLayout(buttons)
        add.clicked.connect(self.add_requested)
        self._delete.clicked.connect(self._on_delete_pressed)

    def set_classes(self, classes: Sequence[SegmentationClass], ids: Sequence[int] = ()) -> None:
        """Shows the table; rows are used again.

        Args:
            classes: in their order.
            ids: of each; by default their numbers.
        """
        self._classes, self._ids = tuple(classes), tuple(ids) or tuple(range(len(classes)))
        while len(self._rows) > len(self._classes):
            row = self._rows.pop()
            row.end_rename()  # it would be finished as it loses the focus, for a class that is gone
            self._scroll.body.removeWidget(row)
            discard(row)
        while len(self._rows) < len(self._classes):
            row = self._new_row(len(self._rows))
            self._scroll.body.insertWidget(len(self._rows), row)
            self._rows.append(row)
        for row, entry, class_id in zip(self._rows, self._classes, self._ids, strict=True):
            row.set_entry(entry, class_id)
        self.set_active(self._active)

    def set_active(self, class_id: int) -> None:
        """Highlights the class that tools write."""
        self._active = class_id
        for row in self._rows:
            row.set_active(row.class_id == class_id)
        if class_id in self._ids:
            self._scroll.show_widget(self._row(class_id))
        self._delete.setEnabled(class_id != BACKGROUND and class_id in self._ids)

    def set_areas(self, pixels: Mapping[int, int], total: int) -> None:
        """Shows how many of the ``total`` pixels of the current image each class covers."""
        for row in self._rows:
            row.set_area(pixels.get(row.class_id, 0), total)

    def set_counts(self, here: Mapping[int, int], everywhere: Mapping[int, int]) -> None:
        """Shows how many objects each class has on the current image and on all; a class that is left out has none."""
        for row in self._rows:
            row.set_count(here.get(row.class_id), everywhere.get(row.class_id, 0))

    def begin_rename(self, class_id: int) -> None:
        """Makes the name of a class editable, as after adding it."""
        self._row(class_id).begin_rename()

    def _row(self, class_id: int) -> ClassRow:
        return self._rows[self._ids.index(class_id)]

    def _new_row(self, number: int) -> ClassRow:
        row = ClassRow(number, self._scroll)
        row.activated.connect(lambda: self.active_requested.emit(row.class_id))
        row.recolour_wanted.connect(lambda: self._choose_colour(row.class_id))
        row.renamed.connect(lambda name: self.rename_requested.emit(row.class_id, name))
        row.visibility_toggled.connect(lambda state: self.visibility_requested.emit(row.class_id, state))
        row.lock_toggled.connect(lambda state: self.lock_requested.emit(row.class_id, state))
        row.moved.connect(lambda step: self._request_move(row.class_id, number + step))
        row.delete_wanted.connect(lambda: self._request_delete(row.class_id))
        row.customContextMenuRequested.connect(
            lambda point: self._menu(row.class_id).popup(row.mapToGlobal(point))
        )
        return row

    def _menu(self, class_id: int) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_own = class_id != BACKGROUND
        rename = menu.addAction(icon("pencil"), self.tr("Rename"))
        rename.setEnabled(is_own)
        rename.triggered.connect(lambda: self.begin_rename(class_id))
        recolour = menu.addAction(icon("colour"), self.tr("Change colour..."))
        recolour.triggered.connect(lambda: self._choose_colour(class_id))
        merge = menu.addMenu(icon("merge"), self.tr("Merge into"))
        merge.setEnabled(is_own and len(self._classes) > 1)
        for target, entry in zip(self._ids, self._classes, strict=True):
            if target != class_id:
                action = merge.addAction(entry.name)
                action.triggered.connect(
                    lambda _checked=False, into=target: self.merge_requested.emit(class_id, into)
                )
        counted = menu.addAction(self.tr("Count its objects"))
        counted.setCheckable(True)
        counted.setChecked(is_own and self._classes[self._ids.index(class_id)].is_thing)
        counted.setEnabled(is_own)
        counted.setToolTip(self.tr("Off for what has no objects, such as sky or tissue"))
        counted.toggled.connect(lambda state: self.thing_requested.emit(class_id, state))
        delete = menu.addAction(icon("trash"), self.tr("Delete..."))
        delete.setEnabled(is_own)
        delete.triggered.connect(lambda: self._request_delete(class_id))
        return menu

    def _choose_colour(self, class_id: int) -> None:
        entry = self._classes[self._ids.index(class_id)]
        dialog = QColorDialog(QColor(entry.colour), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(self.tr("Colour of {0}").format(entry.name))
        dialog.colorSelected.connect(lambda colour: self.recolour_requested.emit(class_id, colour.name()))
        dialog.open()

    def _request_move(self, class_id: int, place: int) -> None:
        place = min(max(place, 1), len(self._rows) - 1)
        if class_id != BACKGROUND and place != self._ids.index(class_id):
            self.move_requested.emit(class_id, place)

    def _request_delete(self, class_id: int) -> None:
        if class_id != BACKGROUND:
            self.delete_requested.emit(class_id)

    def _on_delete_pressed(self) -> None:
        self._request_delete(self._active)

    def _place_at(self, point: QPoint) -> int:
        above = [row for row in self._rows if row.mapTo(self, row.rect().center()).y() < point.y()]
        return len(above)

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(CLASS_MIME):
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        class_id = int(bytes(event.mimeData().data(CLASS_MIME).data()))
        place = self._place_at(event.position().toPoint())
        event.acceptProposedAction()
        number = self._ids.index(class_id)
        self._request_move(class_id, place - 1 if place > number else place)
