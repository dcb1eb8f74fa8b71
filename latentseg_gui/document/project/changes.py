"""Changes of a document as small values: what the history keeps and what the journal writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Counts, Delta
from latentseg_gui.document.masks.object_marks import ObjectMarks
from latentseg_gui.document.project.kept_prompts import put_prompts
from latentseg_gui.document.project.planes import PackedPlanes, Plane, inflate, packed
from latentseg_gui.document.types import BACKGROUND, Rect

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

    def deltas(self) -> Iterator[Delta]:
        """The parts again, one after the other.

        Raises:
            ValueError: if the bytes do not fit the rectangles (a damaged change); before the first part.
        """
        total = sum(rect.shape[0] * rect.shape[1] for rect in self.rects)
        if self.blob.startswith(_PLAIN):
            return _parts(self.rects, _plain(self.blob, total, self.has_instances))
        types = _TYPES[: 3 if self.has_instances else 2]
        return _parts(self.rects, PackedPlanes(self.blob, total, types).stretch)

    def apply(self, document: Document, gain: Counts | None = None) -> None:
        """Apply it, or take it back; nothing happens if the image has been removed.

        Args:
            document: that has the image.
            gain: how many more pixels will have each label, where that is known.
        """
        if document.images.has(self.image_id):
            document.masks.apply(self.image_id, self.deltas(), gain)


@dataclass(frozen=True, slots=True)
class ClassesChange:
    """Another table of classes.

    Attributes:
        classes: the new table.
        replaced: ids of classes that go, each with the id that takes its place in predictions. In masks, none of
            their pixels is left by then.
    """

    classes: ClassTable
    replaced: tuple[tuple[int, int], ...] = ()

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return 300 + 100 * len(self.classes)

    def apply(self, document: Document) -> None:
        """Take the table; what is predicted as a class that goes with it is background then."""
        known = {class_id for class_id, _ in self.replaced}
        gone = {*document.classes.ids} - {*self.classes.ids} - known
        document.predictions.replace_classes((*self.replaced, *((each, BACKGROUND) for each in gone)))
        document.set_classes(self.classes)


@dataclass(frozen=True, slots=True)
class MarksChange:
    """Other objects of an image are hidden or locked.

    Attributes:
        image_id: the image.
        marks: which are, from then on.
    """

    image_id: str
    marks: ObjectMarks

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return 300 + 60 * (len(self.marks.hidden) + len(self.marks.locked))

    def apply(self, document: Document) -> None:
        """Mark them; nothing happens if the image has been removed."""
        if document.images.has(self.image_id):
            document.masks.set_marks(self.image_id, self.marks)


@dataclass(frozen=True, slots=True)
class PromptsChange:
    """Something else waits on an image to be accepted; that is no step of the history.

    Attributes:
        image_id: the image.
        kept: see `kept_prompts`.
    """

    image_id: str
    kept: dict[str, Any]

    def apply(self, document: Document) -> None:
        """Let it wait; nothing happens if the image has been removed."""
        put_prompts(document, self.image_id, self.kept)


@dataclass(frozen=True, slots=True)
class MakersChange:
    """It was said which click models of others made some objects; the history says it with the step it belongs to.

    Attributes:
        image_id: the image.
        makers: titles by object, as JSON can hold them; "" for the model itself.
    """

    image_id: str
    makers: dict[str, str]

    def apply(self, document: Document) -> None:
        """Say so; nothing happens if the image has been removed."""
        document.makers.take({self.image_id: self.makers})


Change = MaskChange | ClassesChange | MarksChange | PromptsChange | MakersChange
"""Everything that can happen to a document and must survive a crash."""


def _flat(deltas: Sequence[Delta]) -> list[list[Plane]]:
    """Labels, provenance and, if any changes, object numbers of all parts, each in one row."""
    planes: list[list[Plane]] = [
        [delta.labels.reshape(-1) for delta in deltas],
        [delta.provenance.reshape(-1) for delta in deltas],
    ]
    if any(delta.instances is not None for delta in deltas):
        planes.append([_numbers(delta) for delta in deltas])
    return planes


def _parts(rects: Sequence[Rect], stretch: Callable[[int, int], list[Plane]]) -> Iterator[Delta]:
    """The changes of rectangles whose entries follow each other."""
    start = 0
    for rect in rects:
        stop = start + rect.shape[0] * rect.shape[1]
        planes: list[Any] = [plane.reshape(rect.shape) for plane in stretch(start, stop)]
        yield Delta(rect, *planes)
        start = stop


def _numbers(delta: Delta) -> NDArray[np.uint32]:
    if delta.instances is None:
        return np.zeros(delta.labels.size, np.uint32)
    return delta.instances.reshape(-1)


def _plain(blob: bytes, size: int, has_instances: bool) -> Callable[[int, int], list[Plane]]:
    """Stretches of what a plain stream holds, as it was written before `packed` was."""
    data = inflate(blob, size * (6 if has_instances else 2))
    planes: list[Plane] = [np.frombuffer(data, np.uint8, size), np.frombuffer(data, np.uint8, size, size)]
    if has_instances:
        planes.append(np.frombuffer(data, "<u4", size, 2 * size).astype(np.uint32, copy=False))
    return lambda start, stop: [plane[start:stop] for plane in planes]
