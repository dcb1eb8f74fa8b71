"""The masks of a document. Only commands and readers of projects change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Arrays, Counts, Delta, Instances, MaskLayer
from latentseg_gui.document.masks.object_marks import ObjectMarks
from latentseg_gui.document.masks.ready_masks import ReadyMask
from latentseg_gui.document.parts.entries import Entries
from latentseg_gui.document.training.runs import TrainingSample
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, ImageRecord, Labels, Mask, Rect

_SPARSE = 4
"""A change is told as one rectangle unless that is this many times the area really changed."""


class MaskStore:
    """The masks of the images of a document."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.events = entries.events

    def shape(self, image_id: str) -> tuple[int, int] | None:
        """(rows, columns) of the image; None as long as it was never read."""
        layer = self._entries.get(image_id).layer
        return None if layer is None else layer.shape

    def layer(self, image_id: str) -> MaskLayer:
        """The mask of an image, to be read; changes go through `write` and `apply`.

        Raises:
            LatentsegError: if the image was never read, so that its size is not known.
        """
        return self._entries.layer(image_id)

    def labels(self, image_id: str) -> Labels:
        """Class ids, uint8 [H, W], `UNLABELLED` where nothing is labelled; read-only."""
        return self.layer(image_id).labels

    def provenance(self, image_id: str) -> NDArray[np.uint8]:
        """`Provenance` values, uint8 [H, W]; read-only."""
        return self.layer(image_id).provenance

    def instances(self, image_id: str) -> Instances:
        """Object numbers, uint32 [H, W], 0 where a pixel belongs to none; read-only."""
        return self.layer(image_id).instances

    def next_instance(self, image_id: str) -> int:
        """An object number that the image does not use yet."""
        layer = self.layer(image_id)
        highest = int(layer.instances.max(initial=0)) if layer.has_instances else 0
        return max(highest, layer.marks.highest) + 1

    def set_marks(self, image_id: str, marks: ObjectMarks) -> None:
        """Say which objects are hidden or locked; called by commands only."""
        self.layer(image_id).marks = marks
        self._entries.set_dirty(True)
        self.events.marks_changed.emit(image_id)

    def final_labels(self, image_id: str) -> Labels:
        """The answer for an image: what is labelled, else the prediction, else background."""
        entry = self._entries.get(image_id)
        labels = self.labels(image_id)
        prediction = entry.prediction
        rest = np.uint8(BACKGROUND) if prediction is None else prediction.labels
        return np.where(labels == UNLABELLED, rest, labels)

    def labelled_ids(self) -> tuple[str, ...]:
        """The images with at least one pixel that are labelled."""
        return tuple(
            key
            for key, entry in self._entries.by_id.items()
            if entry.layer is not None and entry.layer.num_labelled
        )

    def training_samples(self, read: Callable[[str], ImageRecord] | None = None) -> list[TrainingSample]:
        """Snapshots (copies) of all images with labelled pixels.

        Args:
            read: called for images whose pixels are not in memory; without it they are left out.
        """
        samples = []
        for image_id in self.labelled_ids():
            record = self._entries.by_id[image_id].record
            if record is None and read is not None:
                record = read(image_id)
            if record is not None:
                labels = np.array(self.labels(image_id))
                samples.append(TrainingSample(image_id, np.array(record.pixels), labels))
        return samples

    def write(
        self,
        image_id: str,
        rect: Rect,
        where: Mask,
        labels: int | Labels,
        provenance: int | NDArray[np.uint8],
        instance: int | Instances | None = None,
    ) -> None:
        """Set the pixels ``where`` (bool, of the shape of ``rect``); called by commands only.

        Args:
            image_id: the image.
            rect: inside the image.
            where: which pixels of ``rect``.
            labels: a class id or `UNLABELLED`, or one per pixel of ``rect``.
            provenance: a `Provenance`, or one per pixel of ``rect``.
            instance: an object number, or one per pixel of ``rect``; None leaves them as they are.
        """
        if not rect.is_empty:
            self.layer(image_id).write(rect, where, labels, provenance, instance)
            self._mask_changed(image_id, [rect])

    def apply(
        self,
        image_id: str,
        deltas: Iterable[Delta],
        gain: Counts | None = None,
    ) -> None:
        """Apply changes, or take them back; called by commands only.

        Args:
            image_id: the image.
            deltas: the parts that change.
            gain: `gain_of` all of them together, where that is known already.
        """
        layer, rects = self.layer(image_id), []
        for delta in deltas:
            layer.apply(delta, is_counted=gain is not None)
            rects.append(delta.rect)
        if gain is not None:
            layer.add_counts(gain)
        self._mask_changed(image_id, rects)

    def expect_shape(self, image_id: str, shape: tuple[int, int]) -> None:
        """Give an image that was never read the size it has in a journal.

        Raises:
            LatentsegError: if it is known to have another size.
        """
        entry = self._entries.get(image_id)
        if entry.layer is None:
            entry.layer = MaskLayer(shape)
        elif entry.layer.shape != shape:
            raise LatentsegError(
                f"“{self._entries.name(image_id)}” has another size than before.",
                action="Remove the image from the list and open it again.",
            )

    def load(
        self,
        image_id: str,
        labels: Labels,
        provenance: NDArray[np.uint8],
        instances: Instances | None = None,
    ) -> None:
        """Take over a whole mask from a project, also for an image that was not read (or is missing).

        Raises:
            LatentsegError: if it does not have the size of the image.
        """
        entry = self._entries.get(image_id)
        shape = int(labels.shape[0]), int(labels.shape[1])
        if entry.layer is not None and entry.layer.shape != shape:
            raise LatentsegError(
                f"The mask of “{self._entries.name(image_id)}” is {shape[1]} x {shape[0]} pixels, "
                f"the image {entry.layer.shape[1]} x {entry.layer.shape[0]}.",
                action="Use a mask that was made for this image.",
            )
        entry.layer = entry.layer or MaskLayer(shape)
        entry.layer.replace(labels, provenance, instances)
        self._mask_changed(image_id, [Rect.whole(shape)])

    def hand_over(self, image_id: str, unpack: Callable[[], Arrays], counts: NDArray[np.int64]) -> None:
        """Replace the mask of an image by one that is unpacked when it is first looked at; by commands only.

        Args:
            image_id: the image, of a known size.
            unpack: gives the arrays, of that size.
            counts: pixels by label, int64 [256].
        """
        layer = self.layer(image_id)
        layer.defer(unpack, int(counts.sum()) - int(counts[UNLABELLED]), counts)
        self._mask_changed(image_id, [Rect.whole(layer.shape)])

    def take(self, ready: Mapping[str, ReadyMask]) -> None:
        """Replace masks by complete ones, by image; called by commands only."""
        for image_id, mask in ready.items():
            layer = self.layer(image_id)
            mask.give(layer)
            self._mask_changed(image_id, [Rect.whole(layer.shape)])

    def _mask_changed(self, image_id: str, rects: Sequence[Rect]) -> None:
        self._entries.set_dirty(True)
        for rect in _told(rects):
            self.events.mask_changed.emit(image_id, rect)
        self._entries.check_status(image_id)


def _told(rects: Sequence[Rect]) -> Sequence[Rect]:
    """One rectangle for all if they lie close together, else the rectangles themselves."""
    if len(rects) < 2:
        return rects
    whole = rects[0]
    area = 0
    for rect in rects:
        whole = whole.union(rect)
        area += rect.shape[0] * rect.shape[1]
    return [whole] if whole.shape[0] * whole.shape[1] <= _SPARSE * area else rects
