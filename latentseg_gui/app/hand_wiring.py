"""Objects, levels, comparison and the deletion of classes: what is chosen where, and what it does."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QPoint

from latentseg_gui.app.session import Session
from latentseg_gui.controllers.masks.classes import ClassDeletion
from latentseg_gui.document.tools import ToolName
from latentseg_gui.panels.classes import DeleteClassDialog
from latentseg_gui.panels.commands import ObjectMenu

_OBJECT_GROUPS = (
    ("merge_objects", ToolName.SPLIT.action, "delete_objects"),
    ("fill_holes", "remove_specks", "smooth", "grow", "shrink"),
)
_CANVAS_GROUPS = (
    (ToolName.SELECT.action, "accept_prediction", "mark_reviewed"),
    ("fit", "actual_size"),
    ("show_overlay", "show_outlines", "show_objects"),
    ("pin",),
)


def wire_hand(session: Session) -> None:
    """Connects what belongs to the hand on the canvas."""
    window, objects, compare = session.window, session.objects, session.compare
    action = window.action
    action["merge_objects"].triggered.connect(lambda: objects.merge())
    action["delete_objects"].triggered.connect(lambda: objects.delete())
    action["show_objects"].toggled.connect(session.display.set_objects_visible)
    action["compare_mask"].triggered.connect(compare.set_mask)
    action["compare_earlier"].triggered.connect(compare.set_earlier)
    window.training.compare_requested.connect(compare.toggle_version)
    session.weights.versions_changed.connect(lambda: compare.keep_versions(session.weights.versions))
    action["cancel"].triggered.connect(lambda: _give_up(session))
    objects.edited.connect(session.live.note_correction)
    HandWiring(session)


def _give_up(session: Session) -> None:
    """What Esc gives up: the large edit that is being worked out; else clicks and the choice of objects."""
    if not session.edits.cancel():
        session.segment.clear()
        session.objects.clear()


class HandWiring(QObject):
    """Shows the context menu, and keeps the entries of menus as they can be used."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._action = session.window.action
        self._menu = ObjectMenu(session.window)
        self._menu.class_requested.connect(session.objects.set_class)
        session.window.canvas.context_menu_requested.connect(self._on_context_menu_requested)
        session.objects.selection_changed.connect(self._on_selection_changed)
        session.compare.changed.connect(self._on_comparison_changed)
        session.classes.deletion_asked.connect(self._on_deletion_asked)
        session.tool.tool_changed.connect(self._on_tool_changed)
        self._on_selection_changed(0)

    def _on_context_menu_requested(self, place: QPoint, xy: tuple[float, float]) -> None:
        self._session.objects.select_at(*xy)
        chosen = len(self._session.objects.chosen)
        names = (*_OBJECT_GROUPS, *_CANVAS_GROUPS) if chosen else _CANVAS_GROUPS
        groups = [[self._action[name] for name in group] for group in names]
        self._menu.set_content(chosen, self._session.document.classes, groups)
        self._menu.popup(place)

    def _on_selection_changed(self, chosen: int) -> None:
        self._action["merge_objects"].setEnabled(chosen > 1)
        self._action["delete_objects"].setEnabled(chosen > 0)

    def _on_tool_changed(self, tool: ToolName) -> None:
        if not tool.spec.keeps_selection:
            self._session.objects.clear()

    def _on_comparison_changed(self, what: str) -> None:
        self._action["compare_mask"].setChecked(what == "mask")
        self._action["compare_earlier"].setChecked(what in ("earlier", "version"))

    def _on_deletion_asked(self, question: ClassDeletion) -> None:
        dialog = DeleteClassDialog(
            question.name, question.pixels, question.images, question.targets, self._session.window
        )
        dialog.confirmed.connect(partial(self._session.classes.delete_class, question.class_id))
        dialog.open()
