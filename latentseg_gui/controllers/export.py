"""Masks out to files, and in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import ImageRecord, Provenance, Rect
from latentseg_gui.io.images import read_image
from latentseg_gui.io.masks import (
    FORMATS,
    IMPORT_SUFFIXES,
    ImportContext,
    ImportedMask,
    MaskItem,
    export_folder,
    export_mask,
    import_mask,
    losses,
    planned_files,
)


@dataclass(frozen=True, slots=True)
class FolderOutcome:
    """What became of the export of many images: how many files, and what was left out and why."""

    folder: Path
    written: int
    errors: tuple[str, ...]


class ExportController(QObject):
    """Writes what was vouched for, completed by the prediction, in the formats of other tools."""

    def __init__(
        self,
        document: Document,
        history: History,
        *,
        writers: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._writers = writers
        self._dialogs = dialogs
        self._errors = errors

    def export_current(self) -> None:
        """Asks for format and file, and writes the mask of the current image."""
        image_id = self._ready_image()
        if image_id is None:
            return
        choice = self._choose_format(self.tr("Export mask"), self.tr("Format of the mask:"))
        if choice is None:
            return
        suffix = FORMATS[choice].suffix
        suggestion = self._folder_of(image_id) / f"{self._stem(image_id)}_mask{suffix}"
        path = self._dialogs.choose_target(self.tr("Export mask"), suggestion, f"*{suffix}")
        if path is not None:
            self.export_to(path if path.suffix else path.with_suffix(suffix), choice)

    def export_to(self, path: Path, format_name: str) -> None:
        """Writes the mask of the current image in the background."""
        image_id = self._ready_image()
        if image_id is None:
            return
        item = self._item(image_id, stem=path.stem)
        lost = losses(item, FORMATS[format_name])
        self._writers.submit(
            partial(export_mask, path, item, self._document.classes, format_name),
            partial(self._on_written, lost),
            title=self.tr("Exporting"),
            key=f"export {path}",
        )

    def export_all(self) -> None:
        """Asks for format and folder, says what will be written, and writes every mask there is."""
        ids = self._with_masks()
        if not ids:
            self._errors.inform(self.tr("No image has a mask or a prediction yet."))
            return
        choice = self._choose_format(self.tr("Export all masks"), self.tr("Format of the masks:"))
        folder = None if choice is None else self._dialogs.choose_folder(self.tr("Export all masks"), "")
        if choice is None or folder is None:
            return
        stems = _unique([self._stem(each) for each in ids])
        planned = planned_files(stems, self._document.classes, choice)
        existing = [name for name in planned if (folder / name).exists()]
        text = self.tr("{0} file(s) will be written to “{1}”: {2}").format(
            len(planned), folder, ", ".join(planned[:4]) + (", ..." if len(planned) > 4 else "")
        )
        if existing:
            text += "\n\n" + self.tr("{0} of them exist already and will be replaced.").format(len(existing))
        if self._dialogs.confirm(self.tr("Export all masks"), text, self.tr("Export")):
            items = [self._item(each, stem=stem) for each, stem in zip(ids, stems, strict=True)]
            self._write_folder(folder, items, choice)

    def save_beside(self) -> None:
        """Writes the mask of every image that was labelled as an indexed PNG beside the image."""
        ids = [each for each in self._document.vouched_ids() if self._document.path(each) is not None]
        if not ids:
            self._errors.inform(self.tr("There is no mask to save yet: paint one, or accept a proposal."))
            return
        for image_id in ids:
            target = self._folder_of(image_id) / f"{self._stem(image_id)}_mask.png"
            item = self._item(image_id, stem=target.stem)
            self._writers.submit(
                partial(export_mask, target, item, self._document.classes, "png"),
                partial(self._on_saved, len(ids)),
                title=self.tr("Saving"),
                key=f"export {target}",
            )

    def import_mask(self) -> None:
        """Asks for a mask file and takes it over into the current image as one step."""
        image_id = self._ready_image()
        if image_id is None:
            return
        kinds = " ".join(f"*{suffix}" for suffix in IMPORT_SUFFIXES)
        path = self._dialogs.choose_file(
            self.tr("Import mask"), str(self._folder_of(image_id)), self.tr("Masks ({0})").format(kinds)
        )
        if path is not None:
            self.import_from(path)

    def import_from(self, path: Path) -> None:
        """Takes a mask file over into the current image as one step."""
        image_id = self._ready_image()
        if image_id is None:
            return
        source = self._document.path(image_id)
        context = ImportContext(
            shape=self._document.layer(image_id).shape,
            classes=self._document.classes,
            image_name=source.name if source is not None else "",
            default_class=max(1, self._document.active_class),
        )
        self._writers.submit(
            partial(import_mask, path, context),
            partial(self._on_imported, image_id),
            title=self.tr("Importing"),
            key=f"import {path}",
        )

    def _write_folder(self, folder: Path, items: Sequence[MaskItem], format_name: str) -> None:
        self._writers.submit(
            partial(_export_all, folder, items, self._document.classes, format_name),
            self._on_folder_written,
            title=self.tr("Exporting"),
            key=f"export {folder}",
        )

    def _choose_format(self, title: str, text: str) -> str | None:
        return self._dialogs.choose_one(title, text, [(name, each.label) for name, each in FORMATS.items()])

    def _ready_image(self) -> str | None:
        image_id = self._document.current_id
        if image_id is None or self._document.shape(image_id) is None:
            self._errors.inform(self.tr("Open an image first."))
            return None
        return image_id

    def _with_masks(self) -> list[str]:
        vouched = set(self._document.vouched_ids())
        return [
            each
            for each in self._document.image_ids
            if each in vouched or self._document.prediction(each) is not None
        ]

    def _item(self, image_id: str, *, stem: str) -> MaskItem:
        """A snapshot of what is exported, with everything a writer may need."""
        document = self._document
        layer, prediction, record = (
            document.layer(image_id),
            document.prediction(image_id),
            document.record(image_id),
        )
        labels = document.final_labels(image_id)
        provenance = np.array(layer.provenance)
        if prediction is not None:
            provenance[provenance == Provenance.NONE] = Provenance.PREDICTED
        path = document.path(image_id)
        return MaskItem(
            stem=stem,
            labels=labels,
            instances=np.array(layer.instances) if layer.has_instances else None,
            provenance=provenance,
            pixels=record.pixels if record is not None else _pixels_of(path, document.frame(image_id)),
            confidence=None if prediction is None else prediction.confidence,
            image_name=path.name if path is not None else image_id,
            version="" if prediction is None else prediction.version,
        )

    def _stem(self, image_id: str) -> str:
        path, frame = self._document.path(image_id), self._document.frame(image_id)
        stem = image_id if path is None else path.stem
        return f"{stem}_{frame + 1}" if frame else stem

    def _folder_of(self, image_id: str) -> Path:
        path = self._document.path(image_id)
        return Path.home() if path is None else path.parent

    def _on_written(self, lost: tuple[str, ...], answer: object) -> None:
        if isinstance(answer, tuple) and answer:
            self._errors.inform(" ".join([self.tr("Written: {0}.").format(answer[0]), *lost]))

    def _on_saved(self, count: int, answer: object) -> None:
        if isinstance(answer, tuple) and answer:
            text = self.tr("Saved {0}.") if count == 1 else self.tr("Saved {0} (one of {1} masks).")
            self._errors.inform(text.format(answer[0], count))

    def _on_folder_written(self, answer: object) -> None:
        if not isinstance(answer, FolderOutcome):
            return
        if answer.errors:
            self._errors.report(
                LatentsegError(
                    f"{len(answer.errors)} mask(s) could not be written; {answer.written} file(s) were.",
                    action="The details say which and why.",
                    detail="\n".join(answer.errors),
                )
            )
            return
        self._errors.inform(self.tr("{0} file(s) written to {1}.").format(answer.written, answer.folder))

    def _on_imported(self, image_id: str, answer: object) -> None:
        if not isinstance(answer, ImportedMask) or image_id not in self._document.image_ids:
            return
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
        for note in answer.notes:
            self._errors.inform(note)


def _export_all(folder: Path, items: Sequence[MaskItem], classes: object, format_name: str) -> FolderOutcome:
    """Runs in a background thread."""
    written, errors = 0, []
    for step in export_folder(folder, items, classes, format_name):  # type: ignore[arg-type]
        written += len(step.written)
        if step.error is not None:
            errors.append(f"{step.item}: {step.error}")
    return FolderOutcome(folder, written, tuple(errors))


def _pixels_of(path: Path | None, frame: int) -> np.ndarray | None:
    """The picture of an image that is no longer in memory."""
    if path is None:
        return None
    record: ImageRecord = read_image(path, frame=frame)
    return record.pixels


def _unique(stems: Sequence[str]) -> list[str]:
    """Names that differ: images of one name from several folders get a number."""
    seen: dict[str, int] = {}
    names = []
    for stem in stems:
        seen[stem] = seen.get(stem, 0) + 1
        names.append(stem if seen[stem] == 1 else f"{stem}_{seen[stem]}")
    return names
