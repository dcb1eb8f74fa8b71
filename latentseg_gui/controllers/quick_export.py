"""The mask of an image to one file, without a question."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.mask_snapshots import MaskSnapshot, snapshot_of
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.document import Document
from latentseg_gui.io.batch import page_name
from latentseg_gui.io.masks import FORMATS, export_mask, losses

MASK_ENDING = "_mask"
"""Of the names of masks beside their images."""


class QuickExport(QObject):
    """Writes masks under names that are clear already."""

    def __init__(
        self, document: Document, *, writers: Jobs, errors: ErrorSink, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._writers = writers
        self._errors = errors

    def ready_image(self) -> str | None:
        """The image that is looked at, if there is one with a size; says so if not."""
        image_id = self._document.current_id
        if image_id is None or self._document.shape(image_id) is None:
            self._errors.inform(self.tr("Open an image first."))
            return None
        return image_id

    def export_to(self, path: Path, format_name: str) -> None:
        """Writes the mask of the current image in the background, under a name of the caller's choice."""
        image_id = self.ready_image()
        if image_id is None:
            return
        snapshot = snapshot_of(self._document, image_id, path.stem)
        self._writers.submit(
            partial(_write_one, path, snapshot, self._document.classes, format_name),
            self._on_written,
            title=self.tr("Exporting"),
            key=f"export {path}",
        )

    def save_beside(self) -> None:
        """Writes what was labelled of every image as an indexed PNG beside it; the rest stays unlabelled."""
        ids = [each for each in self._document.vouched_ids() if self._document.path(each) is not None]
        if not ids:
            self._errors.inform(self.tr("There is no mask to save yet: paint one, or accept a proposal."))
            return
        written: list[Path] = []
        for number, image_id in enumerate(ids, start=1):
            path = self._document.path(image_id)
            stem = f"{self._stem(image_id)}{MASK_ENDING}"
            target = (Path.home() if path is None else path.parent) / f"{stem}.png"
            self._writers.submit(
                partial(
                    _write_one,
                    target,
                    snapshot_of(self._document, image_id, stem, is_completed=False),
                    self._document.classes,
                    "png",
                ),
                partial(self._on_saved, written, is_last=number == len(ids)),
                title=self.tr("Saving"),
                key=f"export {target}",
            )

    def _stem(self, image_id: str) -> str:
        path = self._document.path(image_id)
        return page_name(image_id if path is None else path.stem, self._document.frame(image_id))

    def _on_written(self, answer: object) -> None:
        if isinstance(answer, tuple):
            paths, lost = answer
            self._errors.inform(" ".join([self.tr("Written: {0}.").format(paths[0]), *lost]))

    def _on_saved(self, written: list[Path], answer: object, *, is_last: bool) -> None:
        """One sentence for all of them; those that could not be written have said so."""
        if isinstance(answer, tuple):
            written.append(answer[0][0])
        if is_last and written:
            text = (
                self.tr("Saved {0}.")
                if len(written) == 1
                else self.tr("Saved {1} masks beside their images.")
            )
            self._errors.inform(text.format(written[-1], len(written)))


def _write_one(
    path: Path, snapshot: MaskSnapshot, classes: ClassTable, format_name: str
) -> tuple[Sequence[Path], tuple[str, ...]]:
    """Runs in a background thread: what was written, and what of the mask the format cannot hold."""
    item = snapshot.item(needs_pixels=FORMATS[format_name].needs_pixels)
    return export_mask(path, item, classes, format_name), losses(item, FORMATS[format_name])
