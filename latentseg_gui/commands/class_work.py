"""Edits of the table of classes worked out in another thread: the document only takes what is complete."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.classes import ClassEdit
from latentseg_gui.commands.source import FrozenLayer
from latentseg_gui.document.changes import Change, ClassesChange, MaskChange
from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.layers import Arrays, Held, looked_up
from latentseg_gui.document.renumbering import ReadyMask, Renumbering, predicted_labels
from latentseg_gui.document.types import Prediction


@dataclass(frozen=True, slots=True)
class _Frozen:
    """One mask: how it is read, and what it was like."""

    shape: tuple[int, int]
    version: int
    is_labelled: bool
    unpack: Callable[[], Arrays]

    @property
    def is_unpacked(self) -> bool:
        """Whether the arrays are there, and somebody may look at them."""
        return isinstance(self.unpack, Held)


@dataclass(frozen=True, slots=True)
class FrozenMasks:
    """All masks of a document for another thread: nothing is copied or unpacked before it is asked for.

    What was made of them counts only while `is_current`.

    Attributes:
        classes: their classes.
        given_up: set when nobody wants what is made of them any more.
    """

    classes: ClassTable
    by_id: Mapping[str, _Frozen]
    predictions: Mapping[str, Prediction]
    given_up: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, document: Document) -> Self:
        """What a document is now."""
        masks, predictions = {}, {}
        for image_id in document.images.ids:
            prediction = document.predictions.of(image_id)
            if prediction is not None:
                predictions[image_id] = prediction
            layer = document.masks.layer(image_id) if document.masks.shape(image_id) is not None else None
            if layer is not None and layer.is_touched:
                unpack = layer.snapshot(copies=False)
                masks[image_id] = _Frozen(layer.shape, layer.version, layer.num_labelled > 0, unpack)
        return cls(document.classes, masks, predictions)

    @property
    def masks(self) -> Self:
        """See `MasksSource`."""
        return self

    @property
    def pixels(self) -> int:
        """How many pixels the masks and the predictions have, looked at or not."""
        shapes = [mask.shape for mask in self.by_id.values()]
        shapes += [prediction.labels.shape for prediction in self.predictions.values()]
        return sum(shape[0] * shape[1] for shape in shapes)

    def labelled_ids(self) -> tuple[str, ...]:
        """See `LabelledMasks`."""
        return tuple(image_id for image_id, mask in self.by_id.items() if mask.is_labelled)

    def layer(self, image_id: str) -> FrozenLayer:
        """See `Masks`; a packed mask is unpacked every time."""
        labels, provenance, instances = self.arrays(image_id)
        numbers = np.broadcast_to(np.uint32(0), labels.shape) if instances is None else instances
        shape = int(labels.shape[0]), int(labels.shape[1])
        return FrozenLayer(shape, labels, provenance, numbers, instances is not None)

    def arrays(self, image_id: str) -> Arrays:
        """The mask of an image, not to be written to.

        Raises:
            LatentsegError: if nobody wants it any more.
        """
        if self.given_up.is_set():
            raise LatentsegError("This edit was given up.")
        return self.by_id[image_id].unpack()

    def is_current(self, document: Document) -> bool:
        """Whether all masks, and the table of classes, are still the same."""
        if document.classes != self.classes:
            return False
        now = FrozenMasks.of(document).by_id
        return {key: mask.version for key, mask in now.items()} == {
            key: mask.version for key, mask in self.by_id.items()
        }


@dataclass(frozen=True, slots=True)
class PreparedClassEdit:
    """An edit that gives classes other ids, with everything that applying it, or taking it back, takes.

    Attributes:
        command: the edit.
        after: the table of classes then.
        table: new id by old id, uint8 [256].
        ready: the masks that change otherwise, or are unpacked; the rest stays packed.
    """

    command: ClassEdit
    after: ClassTable
    table: NDArray[np.uint8]
    ready: Renumbering

    @classmethod
    def of(cls, command: ClassEdit, frozen: FrozenMasks, changes: Sequence[Change]) -> PreparedClassEdit:
        """For masks as they are in ``frozen``.

        Args:
            command: an edit that `is_renumbering`.
            frozen: what it is applied to.
            changes: those of the edit, or those that take it back.
        """
        table, after, touched = np.arange(256, dtype=np.uint8), frozen.classes, set[str]()
        for change in changes:
            if isinstance(change, MaskChange):
                touched.add(change.image_id)
            else:
                table, after = _table_of(change), change.classes
        masks = {
            image_id: _ready(frozen.arrays(image_id), image_id, changes, mask.is_unpacked)
            for image_id, mask in frozen.by_id.items()
            if mask.is_unpacked or image_id in touched
        }
        predictions = {
            image_id: (prediction, predicted_labels(prediction, table, len(after)))
            for image_id, prediction in frozen.predictions.items()
        }
        return cls(command, after, table, Renumbering(masks, predictions))

    def apply(self, document: Document) -> None:
        """Take everything at once."""
        document.remap_classes(self.after, self.table, self.ready)


def _table_of(change: ClassesChange) -> NDArray[np.uint8]:
    assert change.table is not None
    return np.frombuffer(change.table, np.uint8)


def _ready(arrays: Arrays, image_id: str, changes: Sequence[Change], is_unpacked: bool) -> ReadyMask:
    """A mask after the changes."""
    planes = _Planes(arrays)
    for change in changes:
        if isinstance(change, ClassesChange):
            planes.renumber(_table_of(change))
        elif change.image_id == image_id:
            planes.change(change)
    return ReadyMask.unpacked(planes.arrays) if is_unpacked else ReadyMask.packed(planes.arrays)


class _Planes:
    """The arrays of a mask, of which those that change are copied first."""

    def __init__(self, arrays: Arrays) -> None:
        self._planes: list[Any] = list(arrays)
        self._is_own = [False] * len(self._planes)

    @property
    def arrays(self) -> Arrays:
        """What they are now."""
        labels, provenance, instances = self._planes
        return labels, provenance, instances

    def renumber(self, table: NDArray[np.uint8]) -> None:
        """Give classes other ids."""
        self._planes[0] = looked_up(table, self._planes[0], out=self._planes[0] if self._is_own[0] else None)
        self._is_own[0] = True

    def change(self, change: MaskChange) -> None:
        """Apply a change of the mask."""
        for delta in change.deltas():
            for index, part in enumerate((delta.labels, delta.provenance, delta.instances)):
                if part is not None and part.any():
                    np.bitwise_xor(
                        self._own(index)[delta.rect.slices], part, out=self._planes[index][delta.rect.slices]
                    )

    def _own(self, index: int) -> NDArray[Any]:
        if not self._is_own[index]:
            held = self._planes[index]
            self._planes[index] = (
                np.zeros(self._planes[0].shape, np.uint32) if held is None else np.array(held)
            )
            self._is_own[index] = True
        plane: NDArray[Any] = self._planes[index]
        return plane
