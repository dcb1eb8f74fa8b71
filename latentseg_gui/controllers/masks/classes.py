"""The table of classes, and which of them tools write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import classes as class_edits
from latentseg_gui.commands.masks.classes import ClassEdit
from latentseg_gui.commands.source import MasksSource
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED


@dataclass(frozen=True, slots=True)
class ClassDeletion:
    """What is to be decided before a class is deleted.

    Attributes:
        class_id: the class.
        name: its name.
        pixels: how many pixels are labelled with it.
        images: in how many images.
        targets: classes (id, name) that may take the pixels over.
    """

    class_id: int
    name: str
    pixels: int
    images: int
    targets: tuple[tuple[int, str], ...]


class ClassesController(QObject):
    """Every change of the table is a step of the history; choosing a class is none.

    Signals:
        added: the id of a class that the user has added, and will want to name.
        deletion_asked: a `ClassDeletion`; the answer is `delete_class`.
    """

    added = Signal(int)
    deletion_asked = Signal(object)

    def __init__(
        self, document: Document, history: History, edits: EditQueue, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._edits = edits
        self._previous_class = 0

    def choose_class(self, class_id: int) -> None:
        """Paints with another class from now on; ids without a class are ignored."""
        if class_id in self._document.classes.ids and class_id != self._document.active_class:
            self._previous_class = self._document.active_class
            self._document.active_class = class_id

    def choose_number(self, number: int) -> None:
        """Paints with the class at a place of the table, from 0; numbers without a class are ignored."""
        if 0 <= number < len(self._document.classes):
            self.choose_class(self._document.classes.ids[number])

    def swap_class(self) -> None:
        """Goes back to the class that was in use before; to the last one if that is gone."""
        ids = self._document.classes.ids
        self.choose_class(self._previous_class if self._previous_class in ids else ids[-1])

    def add_class(self) -> None:
        """Appends a class with a free name and colour, and chooses it."""
        self._edits.then(self._add_class)

    def _add_class(self) -> None:
        number = len(self._document.classes)
        while self._document.classes.id_of(name := f"class {number}") is not None:
            number += 1
        self._history.do(class_edits.add_class(self._document, name))
        added = self._document.classes.ids[-1]
        self.choose_class(added)
        self.added.emit(added)

    def rename_class(self, class_id: int, name: str) -> None:
        """Gives a class another name; ids without a class are ignored."""
        classes = self._document.classes
        if class_id in classes.ids and name != classes[class_id].name:
            self._do(class_id, partial(class_edits.rename_class, name=name))

    def recolour_class(self, class_id: int, colour: str) -> None:
        """Gives a class another colour "#rrggbb"."""
        self._do(class_id, partial(class_edits.recolour_class, colour=colour))

    def lock_class(self, class_id: int, is_locked: bool) -> None:
        """Protects the pixels of a class, or no longer."""
        self._do(class_id, partial(class_edits.lock_class, is_locked=is_locked))

    def show_class(self, class_id: int, is_visible: bool) -> None:
        """Shows or hides a class in the overlay."""
        self._do(class_id, partial(class_edits.show_class, is_visible=is_visible))

    def count_class(self, class_id: int, is_thing: bool, smallest: int) -> None:
        """Says whether objects of a class are counted, and how many pixels the smallest has."""
        self._do(class_id, partial(class_edits.count_class, is_thing=is_thing, smallest=smallest))

    def set_thing(self, class_id: int, is_thing: bool) -> None:
        """Counts the objects of a class, or no longer."""
        if class_id in self._document.classes.ids:
            self.count_class(class_id, is_thing, self._document.classes[class_id].smallest)

    def move_class(self, class_id: int, to_number: int) -> None:
        """Gives a class another place and number; nothing changes in any mask."""
        ids = self._document.classes.ids
        if class_id in ids and ids.index(class_id) != to_number:
            self._do(class_id, partial(class_edits.move_class, to_number=to_number))

    def merge_classes(self, class_id: int, into_id: int) -> None:
        """Makes one class of two."""
        self._relabel(self.tr("Merge classes"), class_edits.merge_classes, class_id, into_id)

    def request_deletion(self, class_id: int) -> None:
        """Deletes a class that nothing is labelled with; otherwise asks what its pixels shall become."""

        def take(use: class_edits.ClassUse, is_current: bool) -> None:
            if class_id not in self._document.classes.ids:
                return
            if use.pixels or is_current:
                self._ask(class_id, use)
            else:  # nobody's pixels are taken away because they were painted after the look
                self.request_deletion(class_id)

        self._edits.look_at_all(partial(class_edits.class_use, class_id=class_id), take, key="class use")

    def delete_class(self, class_id: int, to_id: int) -> None:
        """Deletes a class; its pixels become another, or `UNLABELLED`."""
        self._relabel(self.tr("Delete class"), class_edits.delete_class, class_id, to_id)

    def _ask(self, class_id: int, use: class_edits.ClassUse) -> None:
        if not use.pixels:
            self.delete_class(class_id, UNLABELLED)
            return
        classes = self._document.classes
        targets = tuple(each for each in classes.named_ids if each[0] != class_id)
        name = classes[class_id].name
        self.deletion_asked.emit(ClassDeletion(class_id, name, use.pixels, use.images, targets))

    def _do(self, class_id: int, step: Callable[[Document, int], ClassEdit]) -> None:
        """Makes a step that changes no pixel, when its turn comes."""

        def do() -> None:
            self._document.check_class(class_id)
            self._history.do(step(self._document, class_id))

        self._edits.then(do)

    def _relabel(
        self, title: str, step: Callable[[MasksSource, int, int], ClassEdit], class_id: int, other_id: int
    ) -> None:
        def make(source: MasksSource) -> ClassEdit:
            if class_id == other_id:
                raise LatentsegError("A class cannot be merged with itself.", action="Choose another class.")
            if source.classes[class_id].is_locked:
                raise LatentsegError(
                    f"“{source.classes[class_id].name}” is locked, so nothing was changed.",
                    action="Unlock the class first, with the padlock in its row.",
                )
            return step(source, class_id, other_id)

        self._edits.do_classes(title, make, (class_id, other_id))
