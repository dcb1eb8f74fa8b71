"""Changes of a document as small values: what the history keeps and what the journal writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.document import Document
from latentseg_gui.document.layers import Delta
from latentseg_gui.document.planes import Plane, inflate, packed, unpacked
from latentseg_gui.document.types import Rect

_TYPES: Final = (np.uint8, np.uint8, np.uint32)
_PLAIN: Final = b"x"


@dataclass(frozen=True, slots=True)
class MaskChange:
    """A change of the mask of one image. It is its own inverse: applied twice, it changes nothing.

    Attributes:
        image_id: the image.
        rects: the parts that change, without overlap.
        has_instances: whether object numbers change too.
        blob: the exclusive or of before and after, for all parts: labels (uint8), then provenance
            (uint8), then, with ``has_instances``, object numbers (uint32), as `planes.packed` writes them.
    """

    image_id: str
    rects: tuple[Rect, ...]
    has_instances: bool
    blob: bytes

    @classmethod
    def of(cls, image_id: str, deltas: Sequence[Delta]) -> MaskChange:
        """The change that these parts make together."""
        planes = _flat(deltas)
        rects = tuple(delta.rect for delta in deltas)
        return cls(image_id, rects, len(planes) == len(_TYPES), packed(planes))

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
        total, types = sum(sizes), _TYPES[: 3 if self.has_instances else 2]
        is_plain = self.blob.startswith(_PLAIN)
        planes = (
            _plain(self.blob, total, self.has_instances) if is_plain else unpacked(self.blob, total, types)
        )
        deltas, start = [], 0
        for rect, size in zip(self.rects, sizes, strict=True):
            parts: list[Any] = [plane[start : start + size].reshape(rect.shape) for plane in planes]
            deltas.append(Delta(rect, *parts))
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


def _flat(deltas: Sequence[Delta]) -> list[Plane]:
    """Labels, provenance and, if any changes, object numbers of all parts, each in one row."""
    planes: list[Plane] = [
        np.concatenate([delta.labels.reshape(-1) for delta in deltas]),
        np.concatenate([delta.provenance.reshape(-1) for delta in deltas]),
    ]
    if any(delta.instances is not None for delta in deltas):
        planes.append(np.concatenate([_numbers(delta) for delta in deltas]))
    return planes


def _numbers(delta: Delta) -> NDArray[np.uint32]:
    if delta.instances is None:
        return np.zeros(delta.labels.size, np.uint32)
    return delta.instances.reshape(-1)


def _plain(blob: bytes, size: int, has_instances: bool) -> list[Plane]:
    """What a plain stream holds, as it was written before `packed` was."""
    data = inflate(blob, size * (6 if has_instances else 2))
    planes: list[Plane] = [np.frombuffer(data, np.uint8, size), np.frombuffer(data, np.uint8, size, size)]
    if has_instances:
        planes.append(np.frombuffer(data, "<u4", size, 2 * size).astype(np.uint32, copy=False))
    return planes
