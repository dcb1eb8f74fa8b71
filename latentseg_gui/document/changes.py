"""Changes of a document as small values: what the history keeps and what the journal writes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.document import Document
from latentseg_gui.document.layers import Delta
from latentseg_gui.document.types import Rect


@dataclass(frozen=True, slots=True)
class MaskChange:
    """A change of the mask of one image. It is its own inverse: applied twice, it changes nothing.

    Attributes:
        image_id: the image.
        rects: the parts that change, without overlap.
        has_instances: whether object numbers change too.
        blob: zlib of the exclusive or of before and after, for all parts: labels (uint8), then
            provenance (uint8), then, with ``has_instances``, object numbers (uint32, little-endian).
    """

    image_id: str
    rects: tuple[Rect, ...]
    has_instances: bool
    blob: bytes

    @classmethod
    def of(cls, image_id: str, deltas: Sequence[Delta]) -> MaskChange:
        """The change that these parts make together."""
        has_instances = any(delta.instances is not None for delta in deltas)
        parts = [delta.labels.tobytes() for delta in deltas]
        parts += [delta.provenance.tobytes() for delta in deltas]
        if has_instances:
            parts += [_instance_bytes(delta) for delta in deltas]
        blob = zlib.compress(b"".join(parts), 1)
        return cls(image_id, tuple(delta.rect for delta in deltas), has_instances, blob)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return len(self.blob) + 120 * len(self.rects) + 200

    def deltas(self) -> list[Delta]:
        """The parts again.

        Raises:
            ValueError: if the bytes do not fit the rectangles (a damaged change).
        """
        sizes = [rect.shape[0] * rect.shape[1] for rect in self.rects]
        total = sum(sizes)
        expected = total * (6 if self.has_instances else 2)
        data = inflate(self.blob, expected)
        labels = np.frombuffer(data, np.uint8, total)
        provenance = np.frombuffer(data, np.uint8, total, total)
        instances = np.frombuffer(data, "<u4", total, 2 * total) if self.has_instances else None
        deltas, start = [], 0
        for rect, size in zip(self.rects, sizes, strict=True):
            part = slice(start, start + size)
            deltas.append(
                Delta(
                    rect,
                    labels[part].reshape(rect.shape),
                    provenance[part].reshape(rect.shape),
                    None if instances is None else instances[part].reshape(rect.shape),
                )
            )
            start += size
        return deltas

    def apply(self, document: Document) -> None:
        """Apply it, or take it back; nothing happens if the image has been removed."""
        if document.has_image(self.image_id):
            document.apply_deltas(self.image_id, self.deltas())


@dataclass(frozen=True, slots=True)
class ClassesChange:
    """Another table of classes.

    Attributes:
        classes: the new table.
        table: new id by old id, uint8 [256] as bytes, where ids change; else None.
    """

    classes: ClassTable
    table: bytes | None = None

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return 300 + 100 * len(self.classes)

    def apply(self, document: Document) -> None:
        """Take the table, and give every pixel its new id."""
        if self.table is None:
            document.set_classes(self.classes)
        else:
            document.remap_classes(self.classes, np.frombuffer(self.table, np.uint8))


Change = MaskChange | ClassesChange
"""Everything that can happen to a document and must survive a crash."""


def inflate(blob: bytes, expected: int) -> bytes:
    """Decompress to exactly ``expected`` bytes, never holding more.

    Raises:
        ValueError: if there are more or fewer, or the data are damaged.
    """
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(blob, max(expected, 1))
    except zlib.error as error:
        raise ValueError("damaged data") from error
    if len(data) != expected or not _is_finished(decompressor):
        raise ValueError("data of another length than announced")
    return data


def _is_finished(decompressor: zlib._Decompress) -> bool:
    """Whether the stream ends here (its checksum may still have to be read)."""
    if decompressor.eof:
        return True
    return not decompressor.decompress(decompressor.unconsumed_tail, 1) and decompressor.eof


def _instance_bytes(delta: Delta) -> bytes:
    if delta.instances is None:
        return bytes(4 * delta.labels.size)
    return delta.instances.astype("<u4").tobytes()
