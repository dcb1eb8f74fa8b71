"""The document: one truth for the window, without Qt and without torch."""

from __future__ import annotations

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.parts.entries import Entries
from latentseg_gui.document.parts.images import ImageList
from latentseg_gui.document.parts.makers import Makers
from latentseg_gui.document.parts.masks import MaskStore
from latentseg_gui.document.parts.predictions import Predictions
from latentseg_gui.document.parts.prompts import Prompts
from latentseg_gui.document.parts.records import Records
from latentseg_gui.document.types import UNLABELLED, ImageRecord


class Document:
    """Images, their masks, and what is shown over them without being part of them.

    Its parts: `images` (which there are), `records` (their pixels), `masks`, `predictions`, `prompts`
    and `makers` (of objects). Whoever needs one of them takes that part.

    Three layers never blur: the mask (truth, changed by commands), the proposal (transient, from
    clicks), and the prediction (derived, from the model). Not safe to share between threads.
    """

    def __init__(self, classes: ClassTable | None = None, *, id_prefix: str = "image") -> None:
        self._entries = Entries()
        self.events = self._entries.events
        self.records = Records(self._entries)
        self.images = ImageList(self._entries, self.records, id_prefix)
        self.masks = MaskStore(self._entries)
        self.predictions = Predictions(self._entries)
        self.prompts = Prompts(self._entries)
        self.makers = Makers(self._entries)
        self._classes = classes or ClassTable.default()
        self._active_class = self._classes.ids[:2][-1]

    @property
    def classes(self) -> ClassTable:
        """The classes, and their ids."""
        return self._classes

    def set_classes(self, classes: ClassTable) -> None:
        """Take another table; called by commands, which also see to the masks.

        Where the order changes, or a class goes, predictions count as stale: weights may meet classes by number.
        """
        if classes == self._classes:
            return
        before, active_before = self._classes.ids, self._active_class
        self._classes = classes
        if active_before not in classes.ids:
            self._active_class = classes.ids[min(before.index(active_before), len(classes) - 1)]
        self._entries.set_dirty(True)
        self.events.classes_changed.emit()
        if self._active_class != active_before:
            self.events.active_class_changed.emit(self._active_class)
        if classes.ids[: len(before)] != before:
            self.predictions.mark_stale()

    @property
    def current_record(self) -> ImageRecord | None:
        """The pixels of the image that is looked at; None where there is none, or they are not in memory."""
        image_id = self.images.current_id
        return None if image_id is None else self.records.of(image_id)

    @property
    def readable_id(self) -> str | None:
        """The image that is looked at, if its pixels are in memory."""
        return None if self.current_record is None else self.images.current_id

    @property
    def active_class(self) -> int:
        """Id of the class that tools paint with."""
        return self._active_class

    @active_class.setter
    def active_class(self, class_id: int) -> None:
        if class_id not in self._classes.ids:
            raise LatentsegError(f"There is no class number {class_id}.", action="Choose one of the list.")
        if class_id != self._active_class:
            self._active_class = class_id
            self.events.active_class_changed.emit(class_id)

    @property
    def is_dirty(self) -> bool:
        """Whether something changed since the last save."""
        return self._entries.is_dirty

    @property
    def revision(self) -> int:
        """Grows with every change that is worth saving."""
        return self._entries.revision

    def check_class(self, class_id: int) -> None:
        """Make sure that an edit, whose turn has come only now, writes a class that is still there.

        Raises:
            LatentsegError: if the class was deleted; `UNLABELLED` is always there.
        """
        if class_id != UNLABELLED:
            self._classes.number_of(class_id)

    def mark_saved(self, revision: int | None = None) -> None:
        """What the document was at ``revision`` (None: what it is now) has been saved.

        From now on changes of the list of images count as something to save too.
        """
        self._entries.is_kept = True
        if revision is None or revision == self.revision:
            self._entries.set_dirty(False)

    def mark_dirty(self) -> None:
        """There is something to save after all (a save failed, work was recovered)."""
        self._entries.set_dirty(True)
