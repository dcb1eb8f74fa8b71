"""The masks of a document. Only commands and readers of projects change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.images import ImageEntry, ImageList
from latentseg_gui.document.layers import Arrays, Delta, Instances, MaskLayer
from latentseg_gui.document.renumbering import ReadyMask
from latentseg_gui.document.types import (
    BACKGROUND,
    UNLABELLED,
    ImageRecord,
    Labels,
    Mask,
    Rect,
    TrainingSample,
)

_SPARSE = 4
"""A change is told as one rectangle unless that is this many times the area really changed."""


class MaskStore(ImageList):
    """An `ImageList` whose images have masks."""

    def has_image(self, image_id: str) -> bool:
        """Whether the image is on the list."""
        return image_id in self._entries

    def remove(self, image_id: str) -> None:
        """Take an image and its mask out of the document; the file stays."""
        entry = self._entry(image_id)
        ids = list(self._entries)
        index = ids.index(image_id)
        del self._entries[image_id]
        self._known = {key: value for key, value in self._known.items() if value != image_id}
        self._set_dirty(
            self._is_dirty or self._is_kept or (entry.layer is not None and entry.layer.num_labelled > 0)
        )
        self.events.images_changed.emit()
        if self.current_id == image_id:
            ids.remove(image_id)
            self.current_id = ids[min(index, len(ids) - 1)] if ids else None

    def shape(self, image_id: str) -> tuple[int, int] | None:
        """(rows, columns) of the image; None as long as it was never read."""
        layer = self._entry(image_id).layer
        return None if layer is None else layer.shape

    def layer(self, image_id: str) -> MaskLayer:
        """The mask of an image, to be read; changes go through `write_mask` and `apply_deltas`.

        Raises:
            LatentsegError: if the image was never read, so that its size is not known.
        """
        layer = self._entry(image_id).layer
        if layer is None:
            raise LatentsegError(
                f"“{self.name(image_id)}” has not been read yet.", action="Open the image first."
            )
        return layer

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
        return int(layer.instances.max(initial=0)) + 1 if layer.has_instances else 1

    def final_labels(self, image_id: str) -> Labels:
        """The answer for an image: what is labelled, else the prediction, else background."""
        entry = self._entry(image_id)
        labels = self.labels(image_id)
        prediction = entry.prediction
        rest = np.uint8(BACKGROUND) if prediction is None else prediction.labels
        return np.where(labels == UNLABELLED, rest, labels)

    def labelled_ids(self) -> tuple[str, ...]:
        """The images with at least one pixel that are labelled."""
        return tuple(
            key
            for key, entry in self._entries.items()
            if entry.layer is not None and entry.layer.num_labelled
        )

    def training_samples(self, read: Callable[[str], ImageRecord] | None = None) -> list[TrainingSample]:
        """Snapshots (copies) of all images with labelled pixels.

        Args:
            read: called for images whose pixels are not in memory; without it they are left out.
        """
        samples = []
        for image_id in self.labelled_ids():
            record = self._entries[image_id].record
            if record is None and read is not None:
                record = read(image_id)
            if record is not None:
                labels = np.array(self.labels(image_id))
                samples.append(TrainingSample(image_id, np.array(record.pixels), labels))
        return samples

    def write_mask(
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

    def apply_deltas(
        self,
        image_id: str,
        deltas: Iterable[Delta],
        gains: Sequence[int] | None = None,
        *,
        gain: int | None = None,
    ) -> None:
        """Apply changes, or take them back; called by commands only.

        Args:
            image_id: the image.
            deltas: the parts that change.
            gains: `gain_of` each of them, where that is known already.
            gain: of all together, where that is.
        """
        layer, rects = self.layer(image_id), []
        total = gain if gains is None else sum(gains)
        for delta in deltas:
            layer.apply(delta, None if total is None else 0)
            rects.append(delta.rect)
        layer.num_labelled += total or 0
        self._mask_changed(image_id, rects)

    def restore_image(
        self, image_id: str, path: Path | None, frame: int = 0, layer: MaskLayer | None = None
    ) -> None:
        """Put an image of a project back on the list, under the id and with the mask that it had.

        Raises:
            LatentsegError: if the id is taken.
        """
        if image_id in self._entries:
            raise LatentsegError(f"The image “{image_id}” is on the list already.")
        entry = ImageEntry(path, frame, layer=layer)
        entry.shown_status = entry.status()
        self._entries[image_id] = entry
        if path is not None:
            self._known.setdefault((path, frame), image_id)
        self.events.images_changed.emit()

    def set_path(self, image_id: str, path: Path) -> None:
        """The file of an image was found somewhere else."""
        self._entry(image_id).path = path
        self._known[path, self._entry(image_id).frame] = image_id
        self._set_dirty(self._is_dirty or self._is_kept)
        self.events.images_changed.emit()

    def expect_shape(self, image_id: str, shape: tuple[int, int]) -> None:
        """Give an image that was never read the size it has in a journal.

        Raises:
            LatentsegError: if it is known to have another size.
        """
        entry = self._entry(image_id)
        if entry.layer is None:
            entry.layer = MaskLayer(shape)
        elif entry.layer.shape != shape:
            raise LatentsegError(f"“{self.name(image_id)}” has another size than before.")

    def load_mask(
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
        entry = self._entry(image_id)
        shape = int(labels.shape[0]), int(labels.shape[1])
        if entry.layer is not None and entry.layer.shape != shape:
            raise LatentsegError(
                f"The mask of “{self.name(image_id)}” is {shape[1]} x {shape[0]} pixels, "
                f"the image {entry.layer.shape[1]} x {entry.layer.shape[0]}.",
                action="Use a mask that was made for this image.",
            )
        entry.layer = entry.layer or MaskLayer(shape)
        entry.layer.replace(labels, provenance, instances)
        self._mask_changed(image_id, [Rect.whole(shape)])

    def hand_over_mask(self, image_id: str, unpack: Callable[[], Arrays], counts: NDArray[np.int64]) -> None:
        """Replace the mask of an image by one that is unpacked when it is first looked at; by commands only.

        Args:
            image_id: the image, of a known size.
            unpack: gives the arrays, of that size.
            counts: pixels by label, int64 [256].
        """
        layer = self.layer(image_id)
        layer.defer(unpack, int(counts.sum()) - int(counts[UNLABELLED]), counts)
        self._mask_changed(image_id, [Rect.whole(layer.shape)])

    def remap_masks(self, table: NDArray[np.uint8], ready: Mapping[str, ReadyMask]) -> None:
        """Replace class ids in all masks by ``table[id]``, uint8 [256]; called by commands only.

        Args:
            table: new id by old id.
            ready: masks by image that are complete already and only have to be taken.
        """
        for image_id, entry in self._entries.items():
            if entry.layer is not None and entry.layer.is_touched:
                if image_id in ready:
                    ready[image_id].give(entry.layer)
                else:
                    entry.layer.remap(table)
                self._mask_changed(image_id, [Rect.whole(entry.layer.shape)])

    def _mask_changed(self, image_id: str, rects: Sequence[Rect]) -> None:
        self._set_dirty(True)
        for rect in _told(rects):
            self.events.mask_changed.emit(image_id, rect)
        self._check_status(image_id)


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
