"""What was read of the images of a document: their pixels, or why there are none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.parts.entries import Entries
from latentseg_gui.document.types import ImageRecord


class Records:
    """The pixels of the images of a document, as far as they are in memory."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.events = entries.events
        self._uses = itertools.count(1)

    def of(self, image_id: str) -> ImageRecord | None:
        """The pixels of an image, or None if they are not in memory."""
        entry = self._entries.get(image_id)
        entry.last_used = next(self._uses)
        return entry.record

    def attach(self, record: ImageRecord) -> None:
        """Take the pixels that were read for an image of the list.

        Raises:
            LatentsegError: if the image has a mask of another size; nothing changes then.
        """
        entry = self._entries.get(record.image_id)
        if entry.layer is not None and entry.layer.shape != record.shape:
            raise LatentsegError(
                f"“{self._entries.name(record.image_id)}” has changed: it is {record.shape[1]} x {record.shape[0]} "
                f"pixels, its mask {entry.layer.shape[1]} x {entry.layer.shape[0]}.",
                action="Bring the original image back, or remove it from the list and add it again.",
            )
        entry.record = record
        entry.error = None
        if entry.layer is None:
            entry.layer = MaskLayer(record.shape)
        entry.last_used = next(self._uses)
        self.events.record_changed.emit(record.image_id)
        self._entries.check_status(record.image_id)

    def release(self, image_id: str) -> None:
        """Let the pixels go; mask, prediction and prompts stay."""
        entry = self._entries.get(image_id)
        if entry.record is not None:
            entry.record = None
            self.events.record_changed.emit(image_id)

    def trim(self, max_bytes: int, keep: Sequence[str] = ()) -> None:
        """Let go the pixels used longest ago until the rest fits; the current image and ``keep`` stay."""
        held = [
            (entry.last_used, key) for key, entry in self._entries.by_id.items() if entry.record is not None
        ]
        total = sum(self._entries.by_id[key].record_bytes for _, key in held)
        for _, key in sorted(held):
            if total <= max_bytes:
                return
            if key != self._entries.current_id and key not in keep:
                total -= self._entries.by_id[key].record_bytes
                self.release(key)

    def error(self, image_id: str) -> LatentsegError | None:
        """Why the image cannot be read, or None."""
        return self._entries.get(image_id).error

    def set_error(self, image_id: str, error: LatentsegError | None) -> None:
        """Remember why an image cannot be read; None when it can."""
        self._entries.get(image_id).error = error
        self._entries.check_status(image_id)
