"""One mask on its way into the document: read, laid over what is there, and made a step of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.masks.patch import MaskPatch, PreparedPatch, values_patch
from latentseg_gui.commands.source import FrozenLayer, FrozenMask
from latentseg_gui.controllers.transfer.import_plans import ImportPair
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable, labels_with_ids
from latentseg_gui.document.masks.layers import Arrays, MaskLayer, label_counts
from latentseg_gui.document.masks.object_marks import ObjectMarks
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from latentseg_gui.io.masks import ImportContext, ImportedMask
from latentseg_gui.io.masks.values import Tally


class ImportMode(StrEnum):
    """What becomes of masks that are there already."""

    SKIP = "skip"
    FILL = "fill"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class ImportWork:
    """What a background thread needs to make a step of one mask; call it there.

    Attributes:
        pair: the mask and its image.
        context: what the reader is told; its classes are numbered.
        classes: the same classes with the ids that they have in the document.
        mode: what becomes of the mask that is there.
        before: that mask; None where there is none.
        marks: which objects of it are locked, or hidden.
        version: of that mask; what was made counts only while it is the same.
        is_looked_at: whether the image is on the canvas.
        title: of the step.
    """

    pair: ImportPair
    context: ImportContext
    classes: ClassTable
    mode: ImportMode
    before: Callable[[], Arrays] | None
    marks: ObjectMarks
    version: int
    is_looked_at: bool
    title: str

    def __call__(self) -> ImportedStep:
        """The step, ready to be applied."""
        mask = self._with_ids(self.pair.candidate.read(self.context))
        blank = self.before is None
        before = _blank(self.pair.shape) if self.before is None else self.before()
        after = self._laid_over(before, mask)
        patch = self._patch(before, after)
        locked = 0 if blank else _kept_objects(before, mask, self.marks)
        step = ImportedStep(
            self, mask.classes, mask.notes, locked, self._kept_classes(before, mask), mask.tally
        )
        if patch is None:
            return step
        if self.is_looked_at:
            return step.with_change(patch, PreparedPatch.of(patch, before[0]))
        return step.with_change(patch, PackedMask.of(self.pair.image_id, after))

    def _with_ids(self, mask: ImportedMask) -> ImportedMask:
        """The mask with the ids that its classes have, or will have, in the document."""
        classes = self.classes
        for entry in mask.classes.classes[len(classes) :]:
            classes = classes.added(entry.name, entry.colour)
        return replace(mask, labels=labels_with_ids(mask.labels, classes), classes=classes)

    def _laid_over(self, before: Arrays, mask: ImportedMask) -> Arrays:
        """The imported mask, but where an object or a class is locked, or where it only fills, what was there."""
        labels, provenance, instances = before
        new_provenance = mask.provenance
        if new_provenance is None:
            is_said = mask.labels != UNLABELLED
            new_provenance = np.where(is_said, np.uint8(Provenance.IMPORTED), np.uint8(0))
        is_filling = self.mode is ImportMode.FILL
        stays = labels != UNLABELLED if is_filling else np.isin(labels, self.classes.locked_ids)
        locked = None if instances is None else self.marks.locked_pixels(instances)
        stays = stays if locked is None else stays | locked
        if not stays.any() and not self.marks.highest:
            numbers = mask.instances
            if numbers is None and instances is not None:
                numbers = np.zeros(labels.shape, np.uint32)
            return mask.labels, new_provenance, numbers
        numbers = _numbers(instances, mask.instances, stays, self.marks.highest)
        return (
            np.where(stays, labels, mask.labels),
            np.where(stays, provenance, new_provenance),
            numbers,
        )

    def _kept_classes(self, before: Arrays, mask: ImportedMask) -> tuple[str, ...]:
        """Names of the locked classes that the file would have changed."""
        if self.mode is not ImportMode.REPLACE:
            return ()
        labels = before[0]
        return tuple(
            self.classes[each].name
            for each in self.classes.locked_ids
            if bool(((labels == each) & (mask.labels != each)).any())
        )

    def _patch(self, before: Arrays, after: Arrays) -> MaskPatch | None:
        labels, provenance, instances = before
        has_instances = instances is not None
        numbers = np.broadcast_to(np.uint32(0), labels.shape) if instances is None else instances
        layer = FrozenLayer(self.pair.shape, labels, provenance, numbers, has_instances, self.marks)
        source = FrozenMask(self.pair.image_id, self.version, self.classes, layer, None)
        whole = Rect.whole(self.pair.shape)
        return values_patch(source, self.pair.image_id, whole, *after, self.title)


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask for an image that is not looked at: compressed, so that a thousand of them fit.

    Attributes:
        unpack: gives its arrays.
        counts: pixels by label, int64 [256].
    """

    image_id: str
    unpack: Callable[[], Arrays]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, image_id: str, arrays: Arrays) -> PackedMask:
        """Of whole arrays."""
        labels = arrays[0]
        layer = MaskLayer((int(labels.shape[0]), int(labels.shape[1])))
        counts = label_counts(labels)
        layer.replace(*arrays, counts)
        layer.pack()
        return cls(image_id, layer.snapshot(), counts)

    def apply(self, document: Document) -> None:
        """Put it into the document; nothing is unpacked for that."""
        document.masks.hand_over(self.image_id, self.unpack, self.counts)


@dataclass(frozen=True, slots=True)
class ImportedStep:
    """What became of an `ImportWork`.

    Attributes:
        work: of which this is the answer.
        classes: those of the document, with new ones at the end.
        notes: what could not be represented.
        locked: locked objects that the file says something else about, and that stay as they were.
        locked_classes: names of locked classes, likewise.
        tally: how many of the objects of the file came in.
        patch: the step; None where nothing would change.
        applied: does what the step does, faster.
    """

    work: ImportWork
    classes: ClassTable
    notes: tuple[str, ...]
    locked: int = 0
    locked_classes: tuple[str, ...] = ()
    tally: Tally | None = None
    patch: MaskPatch | None = None
    applied: PreparedPatch | PackedMask | None = None

    def with_change(self, patch: MaskPatch, applied: PreparedPatch | PackedMask) -> ImportedStep:
        """The same with what is to be done."""
        return replace(self, patch=patch, applied=applied)


def _blank(shape: tuple[int, int]) -> Arrays:
    return np.full(shape, UNLABELLED, np.uint8), np.zeros(shape, np.uint8), None


def _kept_objects(before: Arrays, mask: ImportedMask, marks: ObjectMarks) -> int:
    """How many locked objects of a mask an imported one would have changed."""
    labels, _, instances = before
    locked = None if instances is None else marks.locked_pixels(instances)
    if locked is None or instances is None:
        return 0
    return len(np.unique(instances[locked & (mask.labels != labels)]))


def _numbers(
    before: NDArray[np.uint32] | None, new: NDArray[np.uint32] | None, stays: NDArray[np.bool_], marked: int
) -> NDArray[np.uint32] | None:
    """Object numbers of both; the new ones begin after those that are there, and those that are marked."""
    if before is None and new is None:
        return None
    zeros = np.zeros(stays.shape, np.uint32)
    before, new = zeros if before is None else before, zeros if new is None else new
    highest = max(int(np.where(stays, before, 0).max(initial=0)), marked)
    return np.where(stays, before, np.where(new > 0, new + np.uint32(highest), 0)).astype(np.uint32)
