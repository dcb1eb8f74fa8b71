"""Edits of the table of classes worked out in another thread: the document only takes what is complete."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.masks.classes import ClassEdit
from latentseg_gui.commands.source import FrozenLayer
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Arrays, Held
from latentseg_gui.document.masks.object_marks import ObjectMarks
from latentseg_gui.document.masks.ready_masks import ReadyMask
from latentseg_gui.document.parts.predictions import Relabelled, relabelled, relabelled_before
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.project.changes import Change, ClassesChange, MaskChange


@dataclass(frozen=True, slots=True)
class _Frozen:
    """One mask: how it is read, and what it was like."""

    shape: tuple[int, int]
    version: int
    is_labelled: bool
    unpack: Callable[[], Arrays]
    marks: ObjectMarks

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
                masks[image_id] = _Frozen(
                    layer.shape, layer.version, layer.num_labelled > 0, unpack, layer.marks
                )
        return cls(document.classes, masks, predictions)

    @property
    def masks(self) -> Self:
        """Itself: it holds the masks (of `MasksSource`)."""
        return self

    @property
    def pixels(self) -> int:
        """How many pixels the masks and the predictions have, looked at or not."""
        shapes = [mask.shape for mask in self.by_id.values()]
        shapes += [prediction.labels.shape for prediction in self.predictions.values()]
        return sum(shape[0] * shape[1] for shape in shapes)

    def labelled_ids(self) -> tuple[str, ...]:
        """The images with at least one labelled pixel (of `LabelledMasks`)."""
        return tuple(image_id for image_id, mask in self.by_id.items() if mask.is_labelled)

    def layer(self, image_id: str) -> FrozenLayer:
        """The mask of an image, unpacked anew at every call (of `Masks`)."""
        labels, provenance, instances = self.arrays(image_id)
        numbers = np.broadcast_to(np.uint32(0), labels.shape) if instances is None else instances
        shape = int(labels.shape[0]), int(labels.shape[1])
        marks = self.by_id[image_id].marks
        return FrozenLayer(shape, labels, provenance, numbers, instances is not None, marks)

    def arrays(self, image_id: str) -> Arrays:
        """The mask of an image, not to be written to.

        Raises:
            LatentsegError: if nobody wants it any more.
        """
        if self.given_up.is_set():
            raise LatentsegError("This edit was cancelled.")
        return self.by_id[image_id].unpack()

    def is_current(self, document: Document) -> bool:
        """Whether all masks, and the table of classes, are still the same."""
        if document.classes != self.classes:
            return False
        now = FrozenMasks.of(document).by_id
        return {key: (mask.version, mask.marks) for key, mask in now.items()} == {
            key: (mask.version, mask.marks) for key, mask in self.by_id.items()
        }


@dataclass(frozen=True, slots=True)
class PreparedClassEdit:
    """An edit of classes with the masks and predictions as they are once it is applied, or taken back.

    Attributes:
        command: the edit.
        table: the table of classes then.
        masks: those that change, by image.
        predictions: by image, the prediction that was there and the one that takes its place.
    """

    command: ClassEdit
    table: ClassesChange
    masks: Mapping[str, ReadyMask]
    predictions: Mapping[str, Relabelled]

    @classmethod
    def of(cls, command: ClassEdit, frozen: FrozenMasks, changes: Sequence[Change]) -> PreparedClassEdit:
        """For masks as they are in ``frozen``.

        Args:
            command: an edit that `is_about_pixels`.
            frozen: what it is applied to.
            changes: those of the edit, or those that take it back.
        """
        (table,) = (change for change in changes if isinstance(change, ClassesChange))
        masks = {
            change.image_id: _ready(frozen, change)
            for change in changes
            if isinstance(change, MaskChange) and change.image_id in frozen.by_id
        }
        return cls(command, table, masks, {}).with_predictions(frozen.predictions if table.replaced else {})

    def late(self, document: Document) -> dict[str, Prediction]:
        """The predictions that came while the edit was worked out, by image: it knows nothing of their pixels."""
        found = {image_id: document.predictions.of(image_id) for image_id in document.images.ids}
        return {
            image_id: prediction
            for image_id, prediction in found.items()
            if self.table.replaced
            and prediction is not None
            and relabelled_before(prediction, self.predictions.get(image_id)) is None
        }

    def with_predictions(self, predictions: Mapping[str, Prediction]) -> Self:
        """The same edit with what becomes of these predictions; to be called in another thread."""
        after = {
            image_id: (prediction, relabelled(prediction, self.table.replaced))
            for image_id, prediction in predictions.items()
        }
        return replace(self, predictions={**self.predictions, **after})

    def apply(self, document: Document) -> None:
        """Take everything at once."""
        document.masks.take(self.masks)
        document.predictions.replace_classes(self.table.replaced, self.predictions)
        document.set_classes(self.table.classes)


def _ready(frozen: FrozenMasks, change: MaskChange) -> ReadyMask:
    """A mask after a change."""
    planes = _Planes(frozen.arrays(change.image_id))
    planes.change(change)
    is_unpacked = frozen.by_id[change.image_id].is_unpacked
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
