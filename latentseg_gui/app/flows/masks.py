"""Tools, classes, objects and undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QWidget

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.controllers.masks.areas import AreasController
from latentseg_gui.controllers.masks.carrying import CarryController
from latentseg_gui.controllers.masks.classes import ClassDeletion, ClassesController
from latentseg_gui.controllers.masks.current_table import CurrentTable
from latentseg_gui.controllers.masks.dividing import DividingController
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.editing import EditController
from latentseg_gui.controllers.masks.following import FollowingController
from latentseg_gui.controllers.masks.marking import MarkingController
from latentseg_gui.controllers.masks.mask_allocation import MaskAllocation
from latentseg_gui.controllers.masks.nudging import NudgeController
from latentseg_gui.controllers.masks.object_counts import ObjectCounts
from latentseg_gui.controllers.masks.object_list import ObjectListController
from latentseg_gui.controllers.masks.object_words import ObjectWordsController
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.masks.outlining import OutlineController
from latentseg_gui.controllers.masks.paint import PaintController
from latentseg_gui.controllers.masks.shaping_context import ShapingContext
from latentseg_gui.controllers.masks.tool import ToolController
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


@dataclass(frozen=True, slots=True)
class MasksFlow:
    """The controllers that other flows speak to."""

    tool: ToolController
    edits: EditQueue
    paint: PaintController
    objects: ObjectsController
    dividing: DividingController
    following: FollowingController
    edit: EditController
    classes: ClassesController
    table: CurrentTable
    carry: CarryController

    def is_painting(self) -> bool:
        """Whether a stroke is under way, which nothing may write into."""
        return self.paint.is_painting


def build(base: Base, images: ImagesFlow) -> MasksFlow:
    """Makes the flow and connects it to that of images."""
    window, document, history, owner = base.window, base.document, base.history, base.owner
    tool = ToolController(window.canvas, owner)
    edits = EditQueue(
        document, history, window.canvas, jobs=base.jobs.edits, errors=base.errors, parent=owner
    )
    base.coming.add(edits.labels)
    MaskAllocation(document, jobs=base.jobs.edits, parent=owner)
    paint = PaintController(document, history, window.canvas, tool, edits, owner)
    objects = ObjectsController(document, edits, window.canvas, errors=base.errors, parent=owner)
    dividing, following = _build_shapes(base, tool, edits, objects)
    edit = EditController(document, history, edits, objects, owner)
    classes = ClassesController(document, history, edits, owner)
    AreasController(document, window.classes, owner)
    table = CurrentTable(document, jobs=base.jobs.thumbnails, errors=base.errors, parent=owner)
    ObjectCounts(document, table, window.classes, jobs=base.jobs.thumbnails, errors=base.errors, parent=owner)
    carry = CarryController(
        document,
        edits,
        objects,
        errors=base.errors,
        image_before=partial(_image_before, base, images),
        coming=base.coming,
        parent=owner,
    )
    masks = MasksFlow(tool, edits, paint, objects, dividing, following, edit, classes, table, carry)
    _connect_edits(base, masks, images)
    _connect_tools(base, masks)
    _connect_classes(base, masks)
    _connect_list(base, masks)
    ObjectMenus(base.window, document, objects, owner)
    ClassQuestion(base.window, classes, owner)
    return masks


def _build_shapes(
    base: Base, tool: ToolController, edits: EditQueue, objects: ObjectsController
) -> tuple[DividingController, FollowingController]:
    """Makes the controllers that change the shape of single objects."""
    owner, errors = base.owner, base.errors
    context = ShapingContext(base.document, edits, base.window.canvas, objects, tool, errors)
    OutlineController(context, owner)
    NudgeController(context, owner)
    dividing = DividingController(context, owner)
    following = FollowingController(base.document, edits, objects, errors=errors, parent=owner)
    pieces = base.window.options.pieces
    dividing.divisible.connect(pieces.set_most)
    pieces.pieces_requested.connect(dividing.show_pieces)
    pieces.split_requested.connect(dividing.accept)
    return dividing, following


def _image_before(base: Base, images: ImagesFlow) -> str | None:
    """The page before the current one; of a first page, the row before it in the list."""
    listed = base.document.images
    current = listed.current_id
    if current is None or listed.frame(current) == 0:
        return images.controller.rows.neighbour(-1)
    before = listed.path(current), listed.frame(current) - 1
    return next((each for each in listed.ids if (listed.path(each), listed.frame(each)) == before), None)


def _connect_edits(base: Base, masks: MasksFlow, images: ImagesFlow) -> None:
    window, edit = base.window, masks.edit
    base.on("undo", edit.undo)
    base.on("redo", edit.redo)
    base.on("mark_reviewed", edit.mark_current_reviewed)
    base.on("clear_mask", edit.clear_mask)
    base.on("fill_holes", edit.fill_holes)
    base.on("remove_specks", edit.remove_specks)
    base.on("smooth", edit.smooth)
    base.on("merge_objects", masks.objects.merge)
    base.on("delete_objects", masks.objects.delete)
    window.history.go_to_requested.connect(edit.jump_to)
    window.history.undo_requested.connect(edit.undo)
    window.history.redo_requested.connect(edit.redo)
    images.controller.rows.reviewed_requested.connect(edit.mark_reviewed)
    edit.other_image_edited.connect(images.controller.show)


def _connect_list(base: Base, masks: MasksFlow) -> None:
    window, panel, objects, owner = base.window, base.window.objects, masks.objects, base.owner
    ObjectListController(
        base.document, masks.table, objects, panel, window.canvas, files=base.jobs.files, parent=owner
    )
    marking = MarkingController(base.document, base.history, masks.edits, objects, owner)
    words = ObjectWordsController(base.document, masks.table, window.canvas, owner)
    base.on("copy_objects", masks.carry.copy)
    base.on("take_over_objects", masks.carry.take_over)
    base.on("next_object", panel.next)
    base.on("previous_object", panel.previous)
    base.on("hide_objects", marking.toggle_hidden)
    base.on("show_all_objects", marking.show_all)
    base.on("lock_objects", marking.toggle_locked)
    base.on_switch("show_names", words.set_shown)
    panel.class_requested.connect(objects.set_class)
    panel.merge_requested.connect(objects.merge)
    panel.delete_requested.connect(objects.delete)
    panel.hide_requested.connect(marking.toggle_hidden)
    panel.lock_requested.connect(marking.toggle_locked)
    panel.show_all_requested.connect(marking.show_all)


def _connect_tools(base: Base, masks: MasksFlow) -> None:
    window, tool, options = base.window, masks.tool, base.window.options
    for each in ToolName:
        base.on(each.action, _chooser(base, tool, each))
    window.action[ToolName.CLICK.action].setChecked(True)
    _chooser(base, tool, ToolName.CLICK)()
    base.on("brush_smaller", tool.smaller)
    base.on("brush_larger", tool.larger)
    options.diameter_requested.connect(tool.set_diameter)
    tool.diameter_changed.connect(options.set_diameter)
    options.tolerance_requested.connect(tool.set_tolerance)
    options.protect_requested.connect(tool.set_protect_others)
    base.on_remembered_switch("keep_larger", tool.set_keeps_larger)
    options.eraser_mode_requested.connect(tool.set_eraser_mode)
    options.set_tolerance(int(tool.options.wand_tolerance))
    options.set_eraser_mode("background" if tool.options.is_erasing_to_background else "unlabelled")
    tool.tool_changed.connect(partial(_let_go, masks.objects))


def _let_go(objects: ObjectsController, tool: ToolName) -> None:
    """Objects are chosen only while a tool is taken that does something with them."""
    if not tool.spec.keeps_selection:
        objects.clear()


def _chooser(base: Base, controller: ToolController, tool: ToolName) -> Callable[[], None]:
    def choose() -> None:
        controller.use_tool(tool)
        base.window.options.set_tool(tool)

    return choose


def _connect_classes(base: Base, masks: MasksFlow) -> None:
    panel, classes, document = base.window.classes, masks.classes, base.document

    def show_classes() -> None:
        panel.set_classes(tuple(document.classes), document.classes.ids)
        panel.set_active(document.active_class)

    document.events.classes_changed.connect(show_classes)
    document.events.active_class_changed.connect(panel.set_active)
    base.on("swap_class", classes.swap_class)
    panel.active_requested.connect(classes.choose_class)
    panel.add_requested.connect(classes.add_class)
    classes.added.connect(panel.begin_rename)
    panel.rename_requested.connect(classes.rename_class)
    panel.recolour_requested.connect(classes.recolour_class)
    panel.visibility_requested.connect(classes.show_class)
    panel.lock_requested.connect(classes.lock_class)
    panel.delete_requested.connect(classes.request_deletion)
    panel.merge_requested.connect(classes.merge_classes)
    panel.move_requested.connect(classes.move_class)
    panel.thing_requested.connect(classes.set_thing)
    base.window.counting.class_requested.connect(
        lambda is_thing, smallest: classes.count_class(document.active_class, is_thing, smallest)
    )
    masks.paint.class_picked.connect(classes.choose_class)
    show_classes()
