"""The images of a document: where they come from, what is known of them, which one is looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.parts.entries import Entries, ImageEntry, ImageStatus
from latentseg_gui.document.parts.records import Records
from latentseg_gui.document.types import ImageRecord


class ImageList:
    """The images in order, and which one is looked at."""

    def __init__(self, entries: Entries, records: Records, id_prefix: str = "image") -> None:
        """Make an empty list.

        Args:
            entries: of the document.
            records: of the document; an image added with its pixels is attached there.
            id_prefix: of the ids of new images. Where ids are used as keys beyond one document, as in a
                window that opens several projects, it must be different for each.
        """
        self._id_prefix = id_prefix
        self._entries = entries
        self._records = records
        self.events = entries.events
        self._known: dict[tuple[Path, int], str] = {}
        self._counter = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all images, in the order of the list."""
        return tuple(self._entries.by_id)

    @property
    def current_id(self) -> str | None:
        """The image that is looked at."""
        return self._entries.current_id

    @current_id.setter
    def current_id(self, image_id: str | None) -> None:
        if image_id is not None:
            self._entries.get(image_id)
        if image_id != self._entries.current_id:
            self._entries.current_id = image_id
            self.events.current_changed.emit(image_id)

    def add_path(self, path: Path, frame: int = 0) -> str:
        """Put a file on the list without reading it, and return its id; one already there keeps its id."""
        return self.add_paths([path], frame)[0]

    def add_paths(self, paths: Iterable[Path], frame: int = 0) -> list[str]:
        """Put many files on the list at once; the views hear of it once."""
        before = len(self._entries.by_id)
        ids = [self._added(Path(os.path.abspath(path)), frame) for path in paths]
        if len(self._entries.by_id) != before:
            self.events.images_changed.emit()
            self._entries.note_list_change()
        return ids

    def add_record(self, record: ImageRecord) -> None:
        """Put an image that has no file yet on the list (pasted, or a sample made in memory)."""
        if record.image_id in self._entries.by_id:
            raise LatentsegError(f"The image “{record.image_id}” is already open.")
        self._entries.by_id[record.image_id] = ImageEntry(record.path, record.frame)
        if record.path is not None:
            self._known[Path(os.path.abspath(record.path)), record.frame] = record.image_id
        self.events.images_changed.emit()
        self._records.attach(record)

    def path(self, image_id: str) -> Path | None:
        """The file of an image; None for one that was pasted."""
        return self._entries.get(image_id).path

    def frame(self, image_id: str) -> int:
        """Which page or frame of its file the image is, from 0."""
        return self._entries.get(image_id).frame

    def name(self, image_id: str) -> str:
        """What to call the image; bytes of a file name that are no text are shown as "�"."""
        return self._entries.name(image_id)

    def status(self, image_id: str) -> ImageStatus:
        """How far the image is."""
        return self._entries.get(image_id).status()

    def has(self, image_id: str) -> bool:
        """Whether the image is on the list."""
        return image_id in self._entries.by_id

    def remove(self, image_id: str) -> None:
        """Take an image and its mask out of the document; the file stays."""
        entry = self._entries.get(image_id)
        ids = list(self._entries.by_id)
        index = ids.index(image_id)
        del self._entries.by_id[image_id]
        self._known = {key: value for key, value in self._known.items() if value != image_id}
        if entry.layer is not None and entry.layer.num_labelled:
            self._entries.set_dirty(True)
        else:
            self._entries.note_list_change()
        self.events.images_changed.emit()
        if self.current_id == image_id:
            ids.remove(image_id)
            self.current_id = ids[min(index, len(ids) - 1)] if ids else None

    def restore(
        self, image_id: str, path: Path | None, frame: int = 0, layer: MaskLayer | None = None
    ) -> None:
        """Put an image of a project back on the list, under the id and with the mask that it had.

        Raises:
            LatentsegError: if the id is taken.
        """
        if image_id in self._entries.by_id:
            raise LatentsegError(f"The image “{image_id}” is on the list already.")
        entry = ImageEntry(path, frame, layer=layer)
        entry.shown_status = entry.status()
        self._entries.by_id[image_id] = entry
        if path is not None:
            self._known.setdefault((path, frame), image_id)
        self.events.images_changed.emit()

    def set_path(self, image_id: str, path: Path) -> None:
        """The file of an image was found somewhere else."""
        self._entries.get(image_id).path = path
        self._known[path, self._entries.get(image_id).frame] = image_id
        self._entries.note_list_change()
        self.events.images_changed.emit()

    def replace(self, other: ImageList) -> None:
        """Take the images of another document, with everything that it holds of them."""
        self._entries.by_id, self._known = dict(other._entries.by_id), dict(other._known)
        self.events.images_changed.emit()

    def _added(self, path: Path, frame: int) -> str:
        known = self._known.get((path, frame))
        if known is not None:
            return known
        self._counter += 1
        while f"{self._id_prefix}-{self._counter}" in self._entries.by_id:
            self._counter += 1
        image_id = f"{self._id_prefix}-{self._counter}"
        self._entries.by_id[image_id] = ImageEntry(path, frame)
        self._known[path, frame] = image_id
        return image_id
