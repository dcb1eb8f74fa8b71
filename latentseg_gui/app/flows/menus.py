"""What is asked about objects and classes: the menu on the canvas, and the deletion of a class."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.controllers.masks.classes import ClassDeletion, ClassesController
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.panels.classes import DeleteClassDialog
from latentseg_gui.panels.commands import ObjectMenu

_OBJECT_GROUPS = (
    ("merge_objects", ToolName.SPLIT.action, "delete_objects"),
    ("copy_objects", "hide_objects", "lock_objects"),
    ("more_alike",),
    ("fill_holes", "remove_specks", "smooth", "grow", "shrink", "follow_edges"),
)
_CANVAS_GROUPS = (
    (ToolName.SELECT.action, "accept_prediction", "mark_reviewed"),
    ("fit", "actual_size"),
    ("show_overlay", "show_outlines", "show_objects"),
    ("pin",),
)


class ObjectMenus(QObject):
    """Shows the context menu, and keeps the entries of menus as they can be used."""

    def __init__(
        self, window: MainWindow, document: Document, objects: ObjectsController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._objects = objects
        self._action = window.action
        self._menu = ObjectMenu(window)
        self._menu.class_requested.connect(objects.set_class)
        window.canvas.context_menu_requested.connect(self._on_context_menu_requested)
        objects.selection_changed.connect(self._on_selection_changed)
        self._on_selection_changed(0)

    def _on_context_menu_requested(self, place: QPoint, xy: tuple[float, float]) -> None:
        self._objects.select_at(*xy)
        chosen = len(self._objects.chosen)
        names = (*_OBJECT_GROUPS, *_CANVAS_GROUPS) if chosen else _CANVAS_GROUPS
        groups = [[self._action[name] for name in group] for group in names]
        self._menu.set_content(chosen, self._document.classes, groups)
        self._menu.popup(place)

    def _on_selection_changed(self, chosen: int) -> None:
        self._action["merge_objects"].setEnabled(chosen > 1)
        for name in ("delete_objects", "copy_objects", "hide_objects", "lock_objects"):
            self._action[name].setEnabled(chosen > 0)


class ClassQuestion(QObject):
    """Asks what shall become of the pixels of a class that is deleted."""

    def __init__(self, window: QWidget, classes: ClassesController, parent: QObject) -> None:
        super().__init__(parent)
        self._window = window
        self._classes = classes
        classes.deletion_asked.connect(self._on_deletion_asked)

    def _on_deletion_asked(self, question: ClassDeletion) -> None:
        dialog = DeleteClassDialog(
            question.name, question.pixels, question.images, question.targets, self._window
        )
        dialog.confirmed.connect(partial(self._classes.delete_class, question.class_id))
        dialog.open()
