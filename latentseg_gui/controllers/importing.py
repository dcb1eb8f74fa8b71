"""Masks of other tools into the document."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.commands.classes import set_classes
from latentseg_gui.commands.history import History
from latentseg_gui.commands.patch import values_patch
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.ports import Dialogs, ErrorSink
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import Provenance, Rect
from latentseg_gui.io.batch import picture_name
from latentseg_gui.io.masks import IMPORT_SUFFIXES, ImportContext, ImportedMask, import_mask
from latentseg_gui.io.paths import shown


class ImportController(QObject):
    """Takes a mask file over into the current image as one step, and says what could not be represented."""

    def __init__(
        self,
        document: Document,
        history: History,
        *,
        readers: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._readers = readers
        self._dialogs = dialogs
        self._errors = errors

    def choose(self) -> None:
        """Asks for a mask file and takes it over into the current image."""
        image_id = self._ready_image()
        if image_id is None:
            return
        kinds = " ".join(f"*{suffix}" for suffix in IMPORT_SUFFIXES)
        source = self._document.path(image_id)
        path = self._dialogs.choose_file(
            self.tr("Import mask"),
            str(Path.home() if source is None else source.parent),
            self.tr("Masks ({0})").format(kinds),
        )
        if path is not None:
            self.import_from(path)

    def import_from(self, path: Path) -> None:
        """Takes a mask file over into the current image."""
        image_id = self._ready_image()
        if image_id is None:
            return
        source = self._document.path(image_id)
        name = (
            ""
            if source is None
            else picture_name(source, self._document.frame(image_id), Path(source.anchor))
        )
        context = ImportContext(
            shape=self._document.layer(image_id).shape,
            classes=self._document.classes,
            image_name=name,
            default_class=max(1, self._document.active_class),
        )
        self._readers.submit(
            partial(_imported, path, context),
            partial(self._on_imported, image_id, path),
            title=self.tr("Importing"),
            key=f"import {path}",
        )

    def _ready_image(self) -> str | None:
        image_id = self._document.current_id
        if image_id is None or self._document.shape(image_id) is None:
            self._errors.inform(self.tr("Open an image first."))
            return None
        return image_id

    def _on_imported(self, image_id: str, path: Path, found: object) -> None:
        if not isinstance(found, tuple) or image_id not in self._document.image_ids:
            return
        answer: ImportedMask = found[0]
        new_classes = len(answer.classes) - len(self._document.classes)
        if answer.classes != self._document.classes:
            self._history.do(
                set_classes(self._document, answer.classes, self.tr("Classes of the imported mask"))
            )
        shape = self._document.layer(image_id).shape
        provenance = answer.provenance
        if provenance is None:
            provenance = np.full(shape, Provenance.PAINTED, np.uint8)
        step = values_patch(
            self._document,
            image_id,
            Rect.whole(shape),
            answer.labels,
            provenance,
            answer.instances,
            self.tr("Import mask"),
        )
        self._history.do(step)
        self._errors.inform(self._report(path, answer, found[1], new_classes))

    def _report(self, path: Path, mask: ImportedMask, objects: int, new_classes: int) -> str:
        """What came in, and what could not be represented."""
        sentences = [self.tr("Imported “{0}”.").format(shown(path.name))]
        if objects:
            sentences.append(self.tr("{0} objects.").format(objects))
        if new_classes > 0:
            names = ", ".join(mask.classes.names[-new_classes:])
            sentences.append(self.tr("New classes: {0}.").format(names))
        return " ".join([*sentences, *mask.notes])


def _imported(path: Path, context: ImportContext) -> tuple[ImportedMask, int]:
    """Runs in a background thread: the mask, and how many numbered objects it has."""
    mask = import_mask(path, context)
    objects = 0 if mask.instances is None else np.unique(mask.instances[mask.instances > 0]).size
    return mask, int(objects)
