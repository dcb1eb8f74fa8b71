"""The mask of an image to one file, without a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.transfer.mask_snapshots import MaskSnapshot, snapshot_of
from latentseg_gui.controllers.waiting import LabelsToCome, WaitingStart
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.images.folders import MASK_ENDING
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import FORMATS, export_mask, losses
from latentseg_gui.io.naming import stems_of

"""Of the names of masks beside their images."""


@dataclass(slots=True)
class _Saving:
    """Masks that are saved together.

    Attributes:
        left: how many are neither written nor given up.
        written: where masks were written, and where they belong.
    """

    left: int
    written: list[tuple[Path, Path]] = field(default_factory=list)


class QuickExport(QObject):
    """Writes masks under names that are clear already."""

    def __init__(
        self,
        document: Document,
        *,
        writers: Jobs,
        errors: ErrorSink,
        coming: LabelsToCome,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._writers = writers
        self._errors = errors
        self._coming = coming
        self.waiting = WaitingStart(
            self.tr("Saving masks"),
            self.tr("Masks are saved when that is done."),
            start=self.save_beside,
            looks=coming.changed,
            labels=coming,
            document=document,
            errors=errors,
            parent=self,
        )

    def ready_image(self) -> str | None:
        """The image that is looked at, if there is one with a size; says so if not."""
        image_id = self._document.images.current_id
        if image_id is None or self._document.masks.shape(image_id) is None:
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
            partial(_write_one, path, snapshot, self._document.classes.numbered, format_name),
            self._on_written,
            title=self.tr("Exporting"),
            key=f"export {path}",
        )

    def save_beside(self) -> None:
        """Writes what was labelled of every image as an indexed PNG beside it; the rest stays unlabelled."""
        if self.waiting.waits_for(self._coming.sentence):
            return
        ids = [
            each
            for each in self._document.masks.labelled_ids()
            if self._document.images.path(each) is not None
        ]
        if not ids:
            self._errors.inform(self.tr("There is no mask to save yet: paint one, or accept a proposal."))
            return
        targets = self._targets(ids)
        saving = _Saving(len(targets))
        for image_id, wanted in targets.items():
            self._writers.submit(
                partial(
                    _write_beside,
                    wanted,
                    snapshot_of(self._document, image_id, wanted.stem, is_completed=False),
                    self._document.classes.numbered,
                ),
                partial(self._on_saved, saving),
                title=self.tr("Saving"),
                key=f"export {wanted}",
                on_failure=partial(self._on_not_saved, saving),
                on_cancelled=partial(self._on_not_saved, saving),
            )

    def _targets(self, image_ids: Sequence[str]) -> dict[str, Path]:
        """Where the masks belong; two images of one folder never get the same."""
        by_folder: dict[Path, list[str]] = {}
        for image_id in image_ids:
            path = self._document.images.path(image_id)
            by_folder.setdefault(Path.home() if path is None else path.parent, []).append(image_id)
        targets = {}
        for folder, inside in by_folder.items():
            pages = [
                (self._document.images.path(each) or Path(each), self._document.images.frame(each))
                for each in inside
            ]
            for image_id, stem in zip(inside, stems_of(pages, folder), strict=True):
                targets[image_id] = folder / f"{stem}{MASK_ENDING}.png"
        return targets

    def _on_written(self, answer: tuple[Sequence[Path], tuple[str, ...]]) -> None:
        paths, lost = answer
        self._errors.inform(" ".join([self.tr("Written: {0}.").format(paths[0]), *lost]))

    def _on_saved(self, saving: _Saving, answer: tuple[Path, Path]) -> None:
        saving.written.append(answer)
        self._on_one_less(saving)

    def _on_not_saved(self, saving: _Saving, error: LatentsegError | None = None) -> None:
        if error is not None:
            self._errors.report(error)
        self._on_one_less(saving)

    def _on_one_less(self, saving: _Saving) -> None:
        """One sentence for all of them, whichever comes last; those that could not be written have said so."""
        saving.left -= 1
        written = saving.written
        if saving.left or not written:
            return
        path = written[-1][0]
        text = self.tr("Saved {0}.") if len(written) == 1 else self.tr("Saved {1} masks beside their images.")
        sentences = [text.format(path, len(written))]
        moved = [(path.name, wanted.name) for path, wanted in written if path != wanted]
        if moved:
            text = self.tr(
                "“{0}” is new: “{1}” was not written by latentseg, or has changed since, and stays."
            )
            if len(moved) > 1:
                text = self.tr(
                    "{2} have a number in their name: the files that were there, such as “{1}”, stay."
                )
            sentences.append(text.format(*moved[0], len(moved)))
        self._errors.inform(" ".join(sentences))


def _write_one(
    path: Path, snapshot: MaskSnapshot, classes: ClassTable, format_name: str
) -> tuple[Sequence[Path], tuple[str, ...]]:
    """Runs in a background thread: what was written, and what of the mask the format cannot hold."""
    item = snapshot.item((format_name,))
    return export_mask(path, item, classes, format_name), losses(item, FORMATS[format_name])


def _write_beside(wanted: Path, snapshot: MaskSnapshot, classes: ClassTable) -> tuple[Path, Path]:
    """Runs in a background thread: where the mask was written, and where it belongs.

    A file of somebody else stays: the mask gets a name with a number then.
    """
    ledger, path, number = Ledger(), wanted, 2
    while not ledger.is_own(path):
        path, number = wanted.with_stem(f"{wanted.stem} ({number})"), number + 1
    export_mask(path, snapshot.item(("png",)), classes, "png", ledger)
    return path, wanted
