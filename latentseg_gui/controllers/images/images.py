"""Opening images and moving between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Signal

from latentseg_gui.controllers.images.file_rows import FileRows
from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.images.folders import MASK_ENDING, MASK_SUFFIXES, SUFFIXES, Skipped, left_out, listing
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.project.manifest import MANIFEST
from latentseg_gui.io.regular_files import open_regular
from latentseg_gui.io.transfer.batch import file_stamp
from latentseg_gui.panels.files.panel import FilesPanel

Stamp = list[int | None]

_RECORD_BYTES = 600_000_000
_PEEK = 4096
"""Endings of masks that can be nothing else; pictures are images, whatever is in them."""


class ImagesController(QObject):
    """Files, folders and pasted pictures -> images of the document.

    An image becomes the current one only after it was read; one that cannot be read leaves everything as it
    was but for its row in the list, which says why.
    """

    opened = Signal(object)
    """Path of a file or folder that was opened, for the list of recent ones."""

    click_model_dropped = Signal(object)
    """A file of a click model was among what was to be opened."""

    weights_dropped = Signal(object)
    """Path of a weights file that came with the images."""

    masks_dropped = Signal(object)
    """Paths of masks that came with the images, or for those of the list."""

    project_found = Signal(object)
    """Folder of a project that was to be opened."""

    removed = Signal(str)
    """An image was taken off the list."""

    neighbour_read = Signal(str)
    """An image that is likely to be looked at next was read."""

    def __init__(
        self,
        document: Document,
        panel: FilesPanel,
        *,
        readers: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._readers = readers
        self._dialogs = dialogs
        self._errors = errors
        self._wanted: str | None = None
        self._pasted = 0
        self._stamps: dict[str, Stamp] = {}
        self._noted: set[str] = set()
        self.last_folder = ""
        self.rows = FileRows(document, panel, self)
        self.rows.show_requested.connect(self.show)
        self.rows.removal_requested.connect(self.remove)

    def choose_images(self) -> None:
        """Asks for image files and opens them."""
        self.open(self._dialogs.choose_images(self.last_folder))

    def choose_folder(self) -> None:
        """Asks for a folder and opens the images in it."""
        folder = self._dialogs.choose_folder(self.tr("Open folder"), self.last_folder)
        if folder is not None:
            self.open([folder])

    def open(self, paths: Sequence[Path]) -> None:
        """Puts files, and the images of folders, on the list and shows the first."""
        if not paths:
            return
        project = next((folder for path in paths if (folder := project_folder(path)) is not None), None)
        if project is not None:
            self.project_found.emit(project)
            return
        weights = [path for path in paths if path.suffix.lower() in (".safetensors", ".pt", ".pth", ".ckpt")]
        for path in weights:
            self.weights_dropped.emit(path)
        click_models = [path for path in paths if path.suffix.lower() == ".onnx"]
        for path in click_models[:1]:  # the other one of its pair is found beside it
            self.click_model_dropped.emit(path)
        masks = [path for path in paths if is_mask(path) and not path.is_dir()]
        images = [path for path in paths if path not in [*weights, *click_models, *masks]]
        if images:
            self._readers.submit(
                partial(_expanded, images), partial(self._on_listed, images, masks), key="list"
            )
        elif masks:
            self.masks_dropped.emit(masks)

    def paste(self, pixels: np.ndarray | None) -> None:
        """Adds a picture of the clipboard, uint8 [H, W, 3]; None says that there is none."""
        if pixels is None:
            self._errors.inform(self.tr("There is no picture on the clipboard."))
            return
        self._pasted += 1
        while self._document.images.has(f"pasted {self._pasted}"):
            self._pasted += 1
        record = ImageRecord(f"pasted {self._pasted}", np.array(pixels), np.array(pixels))
        self._wanted = record.image_id
        self._document.images.add_record(record)
        self._document.images.current_id = record.image_id

    def show(self, image_id: str) -> None:
        """Makes an image the current one, reading it first where needed."""
        self._wanted = image_id
        if self._document.records.of(image_id) is not None:
            self._become_current(image_id)
            return
        self._read(image_id, self._on_read, title=self.tr("Opening"), key="open", priority=Priority.SHOW)

    def step(self, step: int) -> None:
        """Goes to the next (+1) or previous (-1) image of the list."""
        neighbour = self.rows.neighbour(step)
        if neighbour is not None:
            self.show(neighbour)

    def next(self) -> None:
        """Goes to the next image of the list."""
        self.step(1)

    def previous(self) -> None:
        """Goes to the previous image of the list."""
        self.step(-1)

    def remove(self, image_id: str) -> None:
        """Takes an image, with all pages of its file, off the list; asks first where work would be lost."""
        pages, labelled = self.rows.pages(image_id), set(self._document.masks.labelled_ids())
        if not labelled.isdisjoint(pages):
            name = self._document.images.name(image_id)
            text = self.tr(
                "“{0}” has a mask. Removing it from the list removes its mask too; the image file stays."
            )
            if not self._dialogs.confirm(self.tr("Remove image"), text.format(name), self.tr("Remove")):
                return
        successor = self.rows.neighbour(1) or self.rows.neighbour(-1)
        was_current = self._document.images.current_id in pages
        if was_current:
            self._document.images.current_id = None
        for page in reversed(pages):
            self._document.images.remove(page)
            self.removed.emit(page)
        if was_current and successor is not None and successor not in pages:
            self.show(successor)

    def _read(
        self,
        image_id: str,
        on_record: Callable[[ImageRecord], None],
        *,
        key: str,
        title: str = "",
        priority: Priority = Priority.NORMAL,
    ) -> None:
        path = self._document.images.path(image_id)
        if path is None:
            return
        call = partial(_stamped, path, image_id, self._document.images.frame(image_id))

        def on_read(answer: tuple[ImageRecord, Stamp]) -> None:
            record, stamp = answer
            self._note_change(image_id, stamp)
            on_record(record)

        self._readers.submit(
            call,
            on_read,
            title=title,
            key=key,
            priority=priority,
            is_current=partial(self._document.images.has, image_id),
            on_failure=partial(self._on_read_failed, image_id),
        )

    def _note_change(self, image_id: str, stamp: Stamp) -> None:
        """Says so where a file is not the one any more that was read before."""
        before = self._stamps.get(image_id)
        self._stamps[image_id] = stamp
        if before is not None and before != stamp:
            text = self.tr(
                "“{0}” has changed since it was opened; its mask was made for the earlier picture."
            )
            self._errors.inform(text.format(self._document.images.name(image_id)))

    def _on_listed(
        self, asked: list[Path], masks: list[Path], answer: _Listed | _MaskFolder | _ClickModelFolder
    ) -> None:
        if isinstance(answer, _ClickModelFolder):
            self.click_model_dropped.emit(answer.path)
            return
        if isinstance(answer, _MaskFolder):
            if self._document.images.ids:
                self.masks_dropped.emit([answer.path])
                return
            answer = _Listed([])  # masks for no image at all: what is missing is images
        if not answer.paths:
            self._errors.report(_nothing_found(asked))
            return
        if answer.masks or answer.left_out:
            said = (_left_out(answer.masks) if answer.masks else "", answer.left_out)
            self._errors.inform(" ".join(filter(None, said)))
        ids = self._document.images.add_paths(answer.paths)
        self.last_folder = str(asked[0] if asked[0].is_dir() else asked[0].parent)
        self.opened.emit(asked[0])
        self.show(ids[0])
        if masks:
            self.masks_dropped.emit(masks)

    def _on_read(self, record: ImageRecord) -> None:
        try:
            self._document.records.attach(record)
        except LatentsegError as error:
            self._on_read_failed(record.image_id, error)
            return
        if record.image_id == self._wanted:
            self._become_current(record.image_id)

    def _on_read_failed(self, image_id: str, error: LatentsegError) -> None:
        self._document.records.set_error(image_id, error)
        self.rows.set_error(image_id, str(error))
        self.rows.set_current(self._document.images.current_id)
        if image_id == self._wanted:
            self._wanted = self._document.images.current_id
            self._errors.report(error)

    def _become_current(self, image_id: str) -> None:
        self._document.images.current_id = image_id
        self.rows.set_current(image_id)
        self._say_notes(image_id)
        neighbours = [each for each in (self.rows.neighbour(1), self.rows.neighbour(-1)) if each is not None]
        self._document.records.trim(_RECORD_BYTES, keep=neighbours)
        for neighbour in neighbours:
            self._prefetch(neighbour)

    def _say_notes(self, image_id: str) -> None:
        """What reading has changed: once, and only of an image that is looked at."""
        record = self._document.records.of(image_id)
        if record is not None and record.notes and image_id not in self._noted:
            self._noted.add(image_id)
            self._errors.inform(f"{self._document.images.name(image_id)}: {' '.join(record.notes)}")

    def _prefetch(self, image_id: str) -> None:
        if self._document.records.of(image_id) is not None:
            self.neighbour_read.emit(image_id)
            return
        if self._document.records.error(image_id) is not None:
            return
        self._read(image_id, self._on_prefetched, key=f"prefetch {image_id}")

    def _on_prefetched(self, record: ImageRecord) -> None:
        self._on_read(record)
        self.neighbour_read.emit(record.image_id)


def project_folder(path: Path) -> Path | None:
    """The folder of the project that ``path`` is (its folder or its manifest); None for anything else."""
    manifest = path if path.name == MANIFEST else path / MANIFEST
    try:
        with open_regular(manifest) as file:
            return manifest.parent if b"latentseg project" in file.read(_PEEK) else None
    except OSError:
        return None


def _stamped(path: Path, image_id: str, frame: int) -> tuple[ImageRecord, Stamp]:
    """An image, and by what its file can be known again."""
    stamp = file_stamp(path)
    return read_image(path, image_id=image_id, frame=frame), stamp


@dataclass(frozen=True, slots=True)
class _MaskFolder:
    """A folder without images, but with what can only be masks: for the images of the list."""

    path: Path


@dataclass(frozen=True, slots=True)
class _ClickModelFolder:
    """A folder without images, but with the files of a click model of others."""

    path: Path


@dataclass(frozen=True, slots=True)
class _Listed:
    """What was asked for: images, how many masks that were saved beside them are left out, and what else is."""

    paths: list[Path]
    masks: int = 0
    left_out: str = ""


def _expanded(paths: Sequence[Path]) -> _Listed | _MaskFolder | _ClickModelFolder:
    """Files as they are, folders as the images in them, but for the masks that this program saves beside them."""
    found: list[Path] = []
    masks, skipped = 0, list[Skipped]()
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        folder = listing(path)
        kept = _without_masks(folder.images)
        masks += len(folder.images) - len(kept)
        skipped += folder.skipped
        found.extend(kept)
    if not found and len(paths) == 1 and any(path.suffix.lower() == ".onnx" for path in paths[0].iterdir()):
        return _ClickModelFolder(paths[0])
    if not found and len(paths) == 1 and any(each.reason == "mask" for each in skipped):
        return _MaskFolder(paths[0])
    return _Listed(found, masks, left_out(skipped))


def _without_masks(paths: Sequence[Path]) -> list[Path]:
    """Images of a folder without those that are masks of others of them, by their names."""
    names = {(path.parent, path.stem) for path in paths}

    def belongs_to_another(path: Path) -> bool:
        stem = path.stem.removesuffix(MASK_ENDING)
        return stem != path.stem and (path.parent, stem) in names

    return [path for path in paths if not belongs_to_another(path)]


def is_mask(path: Path) -> bool:
    """Whether a file, by its ending, can be nothing but a mask."""
    return path.suffix.lower() in MASK_SUFFIXES


def _left_out(count: int) -> str:
    """Where masks beside the images went, and how to get them."""
    tr = QCoreApplication.translate
    one = tr("ImagesController", "A mask that was saved beside its image is not listed as an image.")
    many = tr("ImagesController", "{0} masks that were saved beside their images are not listed as images.")
    how = tr("ImagesController", "“Import masks from a folder” in the menu File reads them.")
    return f"{one if count == 1 else many.format(count)} {how}"


def _nothing_found(asked: Sequence[Path]) -> LatentsegError:
    folder = asked[0].name or str(asked[0])
    kinds = ", ".join(sorted(suffix.lstrip(".") for suffix in SUFFIXES))
    return LatentsegError(
        f"There are no images in the folder “{folder}”.",
        action=f"Choose a folder that holds image files ({kinds}).",
    )
