"""The images of a document: where they come from, what is known of them, which one is looked at."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.events import DocumentEvents
from latentseg_gui.document.layers import MaskLayer
from latentseg_gui.document.types import ImageRecord, MaskProposal, Prediction, PromptSet


class ImageStatus(StrEnum):
    """How far an image is, for the file list."""

    NEW = "new"
    PREDICTED = "predicted"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    STALE = "stale"
    ERROR = "error"


@dataclass(slots=True)
class ImageEntry:
    """Everything the document holds of one image."""

    path: Path | None
    frame: int = 0
    record: ImageRecord | None = None
    layer: MaskLayer | None = None
    prediction: Prediction | None = None
    is_stale: bool = False
    proposal: MaskProposal | None = None
    prompts: PromptSet = field(default_factory=PromptSet)
    error: LatentsegError | None = None
    shown_status: ImageStatus = ImageStatus.NEW
    last_used: int = 0

    @property
    def record_bytes(self) -> int:
        """Memory that the pixels take."""
        if self.record is None:
            return 0
        pixels, source = self.record.pixels, self.record.source
        return pixels.nbytes + (0 if source is pixels else source.nbytes)

    def status(self) -> ImageStatus:
        """The status that follows from what is held."""
        if self.error is not None:
            return ImageStatus.ERROR
        if self.layer is not None and self.layer.num_labelled:
            rows, cols = self.layer.shape
            is_whole = self.layer.num_labelled == rows * cols
            return ImageStatus.ACCEPTED if is_whole else ImageStatus.CORRECTED
        if self.prediction is None:
            return ImageStatus.NEW
        return ImageStatus.STALE if self.is_stale else ImageStatus.PREDICTED


class ImageList:
    """The images in order. The base of `Document`; it knows pixels, not masks."""

    def __init__(self, id_prefix: str = "image") -> None:
        """Make an empty list.

        Args:
            id_prefix: of the ids of new images. Where ids are used as keys beyond one document, as in a
                window that opens several projects, it must be different for each.
        """
        self._id_prefix = id_prefix
        self.events = DocumentEvents()
        self._entries: dict[str, ImageEntry] = {}
        self._known: dict[tuple[Path, int], str] = {}
        self._current: str | None = None
        self._counter = 0
        self._uses = itertools.count(1)
        self.revision = 0
        """Grows with every change that is worth saving."""
        self._is_dirty = False
        self._is_kept = False

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Ids of all images, in the order of the list."""
        return tuple(self._entries)

    @property
    def current_id(self) -> str | None:
        """The image that is looked at."""
        return self._current

    @current_id.setter
    def current_id(self, image_id: str | None) -> None:
        if image_id is not None:
            self._entry(image_id)
        if image_id != self._current:
            self._current = image_id
            self.events.current_changed.emit(image_id)

    @property
    def is_dirty(self) -> bool:
        """Whether something changed since the last save."""
        return self._is_dirty

    def add_path(self, path: Path, frame: int = 0) -> str:
        """Put a file on the list without reading it, and return its id; one already there keeps its id."""
        return self.add_paths([path], frame)[0]

    def add_paths(self, paths: Iterable[Path], frame: int = 0) -> list[str]:
        """Put many files on the list at once; the views hear of it once."""
        before = len(self._entries)
        ids = [self._added(Path(os.path.abspath(path)), frame) for path in paths]
        if len(self._entries) != before:
            self.events.images_changed.emit()
            self._set_dirty(self._is_dirty or self._is_kept)
        return ids

    def add_record(self, record: ImageRecord) -> None:
        """Put an image that has no file yet on the list (pasted, or a sample made in memory)."""
        if record.image_id in self._entries:
            raise LatentsegError(f"The image “{record.image_id}” is already open.")
        self._entries[record.image_id] = ImageEntry(record.path, record.frame)
        if record.path is not None:
            self._known[Path(os.path.abspath(record.path)), record.frame] = record.image_id
        self.events.images_changed.emit()
        self.attach_record(record)

    def attach_record(self, record: ImageRecord) -> None:
        """Take the pixels that were read for an image of the list.

        Raises:
            LatentsegError: if the image has a mask of another size; nothing changes then.
        """
        entry = self._entry(record.image_id)
        if entry.layer is not None and entry.layer.shape != record.shape:
            raise LatentsegError(
                f"“{self.name(record.image_id)}” has changed: it is {record.shape[1]} x {record.shape[0]} "
                f"pixels, its mask {entry.layer.shape[1]} x {entry.layer.shape[0]}.",
                action="Bring the original image back, or remove it from the list and add it again.",
            )
        entry.record = record
        entry.error = None
        if entry.layer is None:
            entry.layer = MaskLayer(record.shape)
        entry.last_used = next(self._uses)
        self.events.record_changed.emit(record.image_id)
        self._check_status(record.image_id)

    def release_record(self, image_id: str) -> None:
        """Let the pixels go; mask, prediction and prompts stay."""
        entry = self._entry(image_id)
        if entry.record is not None:
            entry.record = None
            self.events.record_changed.emit(image_id)

    def trim_records(self, max_bytes: int, keep: Sequence[str] = ()) -> None:
        """Let go the pixels used longest ago until the rest fits; the current image and ``keep`` stay."""
        held = [(entry.last_used, key) for key, entry in self._entries.items() if entry.record is not None]
        total = sum(self._entries[key].record_bytes for _, key in held)
        for _, key in sorted(held):
            if total <= max_bytes:
                return
            if key != self._current and key not in keep:
                total -= self._entries[key].record_bytes
                self.release_record(key)

    def record(self, image_id: str) -> ImageRecord | None:
        """The pixels of an image, or None if they are not in memory."""
        entry = self._entry(image_id)
        entry.last_used = next(self._uses)
        return entry.record

    def path(self, image_id: str) -> Path | None:
        """The file of an image; None for one that was pasted."""
        return self._entry(image_id).path

    def frame(self, image_id: str) -> int:
        """Which page or frame of its file the image is, from 0."""
        return self._entry(image_id).frame

    def name(self, image_id: str) -> str:
        """What to call the image; bytes of a file name that are no text are shown as "�"."""
        entry = self._entry(image_id)
        if entry.path is None:
            return image_id
        name = os.fsencode(entry.path.name).decode("utf-8", errors="replace")
        return f"{name} [{entry.frame + 1}]" if entry.frame else name

    def status(self, image_id: str) -> ImageStatus:
        """How far the image is."""
        return self._entry(image_id).status()

    def _added(self, path: Path, frame: int) -> str:
        known = self._known.get((path, frame))
        if known is not None:
            return known
        self._counter += 1
        while f"{self._id_prefix}-{self._counter}" in self._entries:
            self._counter += 1
        image_id = f"{self._id_prefix}-{self._counter}"
        self._entries[image_id] = ImageEntry(path, frame)
        self._known[path, frame] = image_id
        return image_id

    def _entry(self, image_id: str) -> ImageEntry:
        entry = self._entries.get(image_id)
        if entry is None:
            raise LatentsegError(f"There is no image “{image_id}” in this project.")
        return entry

    def _check_status(self, image_id: str) -> None:
        entry = self._entries[image_id]
        status = entry.status()
        if status is not entry.shown_status:
            entry.shown_status = status
            self.events.status_changed.emit(image_id)

    def _set_dirty(self, is_dirty: bool) -> None:
        self.revision += is_dirty
        if is_dirty != self._is_dirty:
            self._is_dirty = is_dirty
            self.events.dirty_changed.emit(is_dirty)
