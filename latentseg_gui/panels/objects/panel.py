"""The list of objects: find some, go there, do something with those that are chosen."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget

from latentseg_gui.document.masks.object_table import ObjectTable
from latentseg_gui.document.types import BACKGROUND
from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.objects.model import ObjectsModel
from latentseg_gui.panels.objects.values import ObjectsLook, Pictures, Search
from latentseg_gui.panels.objects.view import ObjectsView
from latentseg_gui.panels.pixmaps import swatch
from latentseg_gui.panels.plain import unmarked
from latentseg_gui.panels.widgets import icon_button, text_label

_LEAST_HEIGHT: Final = 84


class ObjectsPanel(QWidget):
    """All objects of an image, sorted and filtered, and buttons for those that are chosen.

    Signals:
        chosen: keys (tuple) of the objects that the user has chosen here.
        go_requested: the key of an object to be shown.
        class_requested: the class id that the chosen objects shall have.
        merge_requested, delete_requested, hide_requested, lock_requested: to be done with the chosen objects.
        show_all_requested: no object shall be hidden any more.
    """

    chosen = Signal(object)
    go_requested = Signal(object)
    class_requested = Signal(int)
    merge_requested = Signal()
    delete_requested = Signal()
    hide_requested = Signal()
    lock_requested = Signal()
    show_all_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = ObjectsLook()
        self._selected: tuple[int, ...] = ()
        self._model = ObjectsModel(self)
        self.view = ObjectsView(self._model, self)
        self.view.setMinimumHeight(_LEAST_HEIGHT)
        self.search = self._search_field()
        self._classes = ComboBox(self)
        self._classes.setAccessibleName(self.tr("Show objects of class"))
        self._classes.setMinimumContentsLength(8)
        self._count = text_label("", "hint", is_wrapped=False)
        self._buttons = self._make_buttons()
        self._lay_out()
        self.search.textChanged.connect(self._on_filter_changed)
        self._classes.currentIndexChanged.connect(self._on_filter_changed)
        self.view.chosen.connect(self._on_chosen)
        self.view.go_requested.connect(self.go_requested)
        self.view.delete_requested.connect(self.delete_requested)
        self.view.customContextMenuRequested.connect(self._on_menu_asked)
        self._model.modelReset.connect(self._on_rows_changed)
        self._show_classes()
        self._on_rows_changed()

    def set_pictures(self, picture_of: Pictures) -> None:
        """Where pictures of objects come from; those that are shown are made again."""
        self._model.picture_of, self._model.ratio = picture_of, self.devicePixelRatioF()
        self._model.forget_pictures()

    def set_objects(self, table: ObjectTable, look: ObjectsLook) -> None:
        """Shows objects; what is searched for, the order and the place in the list stay."""
        is_renamed = (look.names, look.colours) != (self._look.names, self._look.colours)
        self._look = look
        self._model.ratio = self.devicePixelRatioF()
        bar = self.view.verticalScrollBar()
        place = bar.value()
        self._model.set_content(table, look)
        bar.setValue(place)
        if is_renamed:
            self._show_classes()

    def set_selected(self, keys: Collection[int]) -> None:
        """Marks the objects that are chosen; says nothing back."""
        self._selected = tuple(keys)
        self.view.select_keys(self._selected)
        self._show_what_can_be_done()

    def next(self) -> None:
        """Goes to the object in the next row, from the last to the first."""
        self._step(1)

    def previous(self) -> None:
        """Goes to the object in the row before, from the first to the last."""
        self._step(-1)

    def _step(self, step: int) -> None:
        keys = self._model.keys
        if not len(keys):
            return
        known = self.view.selected_keys()
        at = int((keys == known[0]).argmax()) if known else (-1 if step > 0 else 0)
        key = int(keys[(at + step) % len(keys)])
        self.set_selected([key])
        self.chosen.emit((key,))
        self.go_requested.emit(key)

    def _search_field(self) -> QLineEdit:
        field = QLineEdit(self)
        field.setPlaceholderText(self.tr("Search, or < 200"))
        field.setAccessibleName(self.tr("Search objects by number, class or size"))
        field.setToolTip(
            self.tr("A number, a part of a class name, or a size: < 200 finds what is smaller than that.")
        )
        field.setClearButtonEnabled(True)
        field.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        return field

    def _make_buttons(self) -> dict[str, QToolButton]:
        described = {
            "previous": ("chevron-left", self.tr("Previous object"), self.previous),
            "next": ("chevron-right", self.tr("Next object"), self.next),
            "all": ("select", self.tr("Choose all that are shown"), self.view.selectAll),
            "class": ("classes", self.tr("Change the class of the chosen objects"), None),
            "merge": ("merge", self.tr("Merge the chosen objects"), self.merge_requested.emit),
            "hide": (
                "eye-off",
                self.tr("Hide the chosen objects, or show them again"),
                self.hide_requested.emit,
            ),
            "lock": (
                "lock",
                self.tr("Lock the chosen objects against all tools, or unlock them"),
                self.lock_requested.emit,
            ),
            "delete": ("trash", self.tr("Delete the chosen objects"), self.delete_requested.emit),
        }
        buttons = {}
        for name, (picture, text, call) in described.items():
            buttons[name] = icon_button(picture, text, parent=self)
            if call is not None:
                buttons[name].clicked.connect(lambda _checked=False, call=call: call())
        self._class_menu = QMenu(self)
        buttons["class"].setMenu(self._class_menu)
        buttons["class"].setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return buttons

    def _lay_out(self) -> None:
        top, buttons, whole = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        top.setSpacing(6)
        top.addWidget(self.search, 3)
        top.addWidget(self._classes, 2)
        buttons.setSpacing(0)
        for button in self._buttons.values():
            buttons.addWidget(button)
        buttons.addStretch(1)
        whole.setContentsMargins(8, 8, 8, 8)
        whole.setSpacing(6)
        whole.addLayout(top)
        whole.addWidget(self.view, 1)
        whole.addLayout(buttons)
        whole.addWidget(self._count)

    def _show_classes(self) -> None:
        """Follows the table of classes, in the filter and in the menu."""
        before = self._classes.currentData()
        own = [(each, name) for each, name in self._look.names.items() if each != BACKGROUND]
        self._classes.blockSignals(True)
        self._classes.clear()
        self._classes.setIconSize(QSize(12, 12))
        self._classes.addItem(self.tr("All classes"), None)
        self._class_menu.clear()
        for class_id, name in own:
            picture = QIcon(swatch(QColor(self._look.colours[class_id]), 12, self.devicePixelRatioF()))
            self._classes.addItem(picture, name, class_id)
            action = self._class_menu.addAction(picture, unmarked(name))
            action.triggered.connect(partial(self._on_class_chosen, class_id))
        self._classes.setCurrentIndex(max(0, self._classes.findData(before)))
        self._classes.blockSignals(False)
        if self._classes.currentData() != before:
            self._on_filter_changed()

    def _on_class_chosen(self, class_id: int, _checked: bool = False) -> None:
        self.class_requested.emit(class_id)

    def _on_filter_changed(self) -> None:
        self._model.set_filter(Search.of(self.search.text()), self._classes.currentData())

    def _on_chosen(self, keys: tuple[int, ...]) -> None:
        self._selected = keys
        self._show_what_can_be_done()
        self.chosen.emit(keys)

    def _on_rows_changed(self) -> None:
        self.view.select_keys(self._selected)
        self._show_what_can_be_done()

    def _show_what_can_be_done(self) -> None:
        shown, total, chosen = self._model.rowCount(), self._model.total, len(self._selected)
        for name in ("class", "hide", "lock", "delete"):
            self._buttons[name].setEnabled(chosen > 0)
        self._buttons["merge"].setEnabled(chosen > 1)
        for name in ("previous", "next", "all"):
            self._buttons[name].setEnabled(shown > 0)
        if total == 0:
            self._count.setText(self.tr("No objects in the mask of this image yet."))
            return
        objects = self.tr("1 object") if total == 1 else self.tr("{0} objects").format(f"{total:,}")
        if shown != total:
            objects = self.tr("{0} of {1}").format(f"{shown:,}", objects)
        self._count.setText(self.tr("{0}, {1} chosen").format(objects, f"{chosen:,}") if chosen else objects)

    def _on_menu_asked(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        classes = menu.addMenu(icon("classes"), self.tr("Change class to"))
        classes.addActions(self._class_menu.actions())
        classes.setEnabled(bool(self._selected))
        for name, text, signal in (
            ("merge", self.tr("Merge"), self.merge_requested),
            ("hide", self.tr("Hide, or show again"), self.hide_requested),
            ("lock", self.tr("Lock, or unlock"), self.lock_requested),
            ("delete", self.tr("Delete"), self.delete_requested),
        ):
            action = menu.addAction(self._buttons[name].icon(), text)
            action.setEnabled(self._buttons[name].isEnabled())
            action.triggered.connect(lambda _checked=False, signal=signal: signal.emit())
        menu.addSeparator()
        menu.addAction(self.tr("Choose all that are shown"), self.view.selectAll)
        menu.addAction(self.tr("Show all hidden objects"), self.show_all_requested.emit)
        menu.popup(self.view.viewport().mapToGlobal(place))
