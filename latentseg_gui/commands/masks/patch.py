"""The edit that all tools end in: some pixels of one mask get another class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.commands.masks.rectangles import common_part, relative_to, shifted_by
from latentseg_gui.commands.source import LayerSource, MaskSource, next_instance
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import Counts, Delta, Instances, gain_of, label_counts
from latentseg_gui.document.masks.object_rules import Planes, keep_objects_whole, window_of
from latentseg_gui.document.project.changes import Change, MaskChange
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Mask, Provenance, Rect

_TILE, _LARGE_TILE, _LARGE = 128, 512, 200
"""Changes are kept by tiles, so that a long thin stroke does not cost its bounding box: by larger ones where a
piece is larger than this, so that a broad one is not cut into thousands."""

_GAIN_BYTES = 140
"""Of a label and how many more pixels have it, as Python objects."""


@dataclass(frozen=True, slots=True)
class MaskPatch:
    """A change of one mask as a step of the history.

    Attributes:
        label: for the history.
        change: of the pixels.
        gain: labels of which there are more or fewer pixels after it, and how many more; None where nobody has
            counted.
    """

    label: str
    change: MaskChange
    gain: tuple[tuple[int, int], ...] | None = None

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        return self.change.nbytes + _GAIN_BYTES * len(self.gain or ())

    @property
    def image_id(self) -> str:
        """The image it edits."""
        return self.change.image_id

    @property
    def area(self) -> int:
        """How many pixels its parts have."""
        return sum(rect.shape[0] * rect.shape[1] for rect in self.change.rects)

    @property
    def rect(self) -> Rect:
        """The bounding box of what it changes."""
        box = self.change.rects[0]
        for rect in self.change.rects[1:]:
            box = box.union(rect)
        return box

    @property
    def changes(self) -> tuple[Change, ...]:
        """What happens when it is applied."""
        return (self.change,)

    @property
    def undo_changes(self) -> tuple[Change, ...]:
        """What happens when it is taken back."""
        return (self.change,)

    def apply(self, document: Document) -> None:
        """Change the pixels."""
        self.change.apply(document, self._counted(1))

    def revert(self, document: Document) -> None:
        """Change them back."""
        self.change.apply(document, self._counted(-1))

    def _counted(self, sign: int) -> Counts | None:
        if self.gain is None:
            return None
        counts = np.zeros(256, np.int64)
        for label, more in self.gain:
            counts[label] = sign * more
        return counts


@dataclass(frozen=True, slots=True)
class PreparedPatch:
    """A patch with everything worked out that applying it takes; for the mask that it was made for only.

    Attributes:
        deltas: its parts.
        gain: how many more pixels have each label then.
    """

    patch: MaskPatch
    deltas: tuple[Delta, ...]
    gain: Counts

    @classmethod
    def of(cls, patch: MaskPatch, labels: Labels) -> PreparedPatch:
        """To be applied to (or taken back from) a mask with these labels."""
        deltas = tuple(patch.change.deltas())
        return cls(patch, deltas, np.sum([gain_of(labels, delta) for delta in deltas], axis=0))

    @property
    def command(self) -> MaskPatch:
        """The step that it is."""
        return self.patch

    def apply(self, document: Document) -> None:
        """Change the pixels, or change them back."""
        document.masks.apply(self.patch.image_id, self.deltas, self.gain)


@dataclass(frozen=True, slots=True)
class Ink:
    """What a tool writes, and what it must not write over.

    Attributes:
        class_id: a class, or `UNLABELLED` to take labels away.
        provenance: who says so.
        instance: number of the object, or of that of each pixel of what is painted; None: pixels that change class
            belong to no object.
        protect_others: whether pixels of other classes stay too, not only those of locked ones. The
            background and `UNLABELLED` pay no heed to this: they are how classes are erased.
        keeps_larger: whether an object that is cut in two keeps its larger part only; else both are objects.
    """

    class_id: int
    provenance: Provenance = Provenance.PAINTED
    instance: int | Instances | None = None
    protect_others: bool = False
    keeps_larger: bool = False


class StrokeRecorder:
    """A brush stroke: each piece is applied at once, and all of them become one step.

    The cost of a piece is that of its own rectangle, whatever the size of the image.
    """

    def __init__(self, document: Document, image_id: str, ink: Ink, label: str = "Brush stroke") -> None:
        self._document = document
        self._image_id = image_id
        self._ink = ink
        self._label = label
        self._side = 0
        self._before: dict[Rect, tuple[Labels, NDArray[np.uint8], Instances | None]] = {}

    def add(self, rect: Rect, mask: Mask) -> None:
        """Paint the area ``mask`` (bool, of the shape of ``rect``, inside the image)."""
        if rect.is_empty:
            return
        self._side = self._side or _tile_side(rect)
        self._remember(rect)
        where, instances = _inked(self._document, self._image_id, rect, mask, self._ink)
        provenance = provenance_of(self._ink)
        self._document.masks.write(self._image_id, rect, where, self._ink.class_id, provenance, instances)

    def finish(self) -> MaskPatch | None:
        """End the stroke; the step to be recorded in the history, or None if nothing changed."""
        self._keep_objects_whole()
        layer = self._document.masks.layer(self._image_id)
        labels, provenance = layer.labels, layer.provenance
        deltas, gain = [], np.zeros(256, np.int64)
        for tile, (old_labels, old_provenance, old_instances) in self._before.items():
            area = tile.slices
            gain += label_counts(labels[area]) - label_counts(old_labels)
            instances = None
            if layer.has_instances:
                instances = layer.instances[area].copy()
                if old_instances is not None:
                    instances ^= old_instances
            # In place: new arrays of this size cost more than what is done with them.
            np.bitwise_xor(labels[area], old_labels, out=old_labels)
            np.bitwise_xor(provenance[area], old_provenance, out=old_provenance)
            delta = _delta(tile, old_labels, old_provenance, instances)
            if delta is not None:
                deltas.append(delta)
        self._before.clear()
        if not deltas:
            return None
        gains = tuple((int(label), int(gain[label])) for label in np.flatnonzero(gain))
        return MaskPatch(self._label, MaskChange.of(self._image_id, deltas), gains)

    def _keep_objects_whole(self) -> None:
        """Put the objects right that the stroke has touched; that belongs to the same step."""
        layer = self._document.masks.layer(self._image_id)
        if not layer.has_instances or not self._before:
            return
        rect = Rect(0, 0, 0, 0)
        for tile in self._before:
            rect = rect.union(tile)
        window = window_of(rect, layer.labels, layer.instances)
        if window is None:
            return
        after = planes_of(layer, window)
        before = after.copy()
        for tile, (labels, provenance, instances) in self._before.items():
            inner = relative_to(tile, window).slices
            before.labels[inner], before.provenance[inner] = labels, provenance
            before.instances[inner] = 0 if instances is None else instances
        number = max(next_instance(self._document, self._image_id), int(before.instances.max(initial=0)) + 1)
        made = keep_objects_whole(
            before,
            after,
            next_number=number,
            locked=self._document.classes.locked_ids,
            splits=not self._ink.keeps_larger,
            fixed=layer.marks.locked,
        )
        where = (made.labels != after.labels) | (made.instances != after.instances)
        box = Rect.around(where)
        if box.is_empty:
            return
        place = shifted_by(box, window)
        self._remember(place)
        inner = box.slices
        self._document.masks.write(
            self._image_id,
            place,
            where[inner],
            made.labels[inner],
            made.provenance[inner],
            made.instances[inner],
        )

    def abort(self) -> None:
        """Take the stroke back as if it had never been."""
        for tile, (labels, provenance, instances) in self._before.items():
            everywhere = np.ones(tile.shape, np.bool_)
            old = 0 if instances is None else instances
            self._document.masks.write(self._image_id, tile, everywhere, labels, provenance, old)
        self._before.clear()

    def _remember(self, rect: Rect) -> None:
        layer = self._document.masks.layer(self._image_id)
        for tile in rect.tiles(layer.shape, self._side):
            if tile not in self._before:
                area = tile.slices
                instances = layer.instances[area].copy() if layer.has_instances else None
                self._before[tile] = layer.labels[area].copy(), layer.provenance[area].copy(), instances


def area_patch(
    source: MaskSource, image_id: str, rect: Rect, mask: Mask, ink: Ink, label: str
) -> MaskPatch | None:
    """A step that paints an area at once (fill, polygon, accepted object); not applied yet.

    Args:
        source: what is edited.
        image_id: the image.
        rect: inside the image.
        mask: bool, of the shape of ``rect``.
        ink: what is written, and what it must not write over.
        label: for the history.

    Returns:
        The step, for `History.do`; None if nothing would change.
    """
    if rect.is_empty:
        return None
    layer = source.masks.layer(image_id)
    where, instances = _inked(source, image_id, rect, mask, ink)
    labels = np.where(where, np.uint8(ink.class_id), layer.labels[rect.slices])
    provenance = np.where(where, np.uint8(provenance_of(ink)), layer.provenance[rect.slices])
    if instances is not None:
        instances = np.where(where, np.asarray(instances, np.uint32), layer.instances[rect.slices])
    window = window_of(rect, layer.labels, layer.instances) if layer.has_instances else None
    if window is None:
        return values_patch(source, image_id, rect, labels, provenance, instances, label)
    before = planes_of(layer, window)
    after, inner = before.copy(), relative_to(rect, window).slices
    after.labels[inner], after.provenance[inner] = labels, provenance
    if instances is not None:
        after.instances[inner] = instances
    number = max(next_instance(source, image_id), int(after.instances.max(initial=0)) + 1)
    made = keep_objects_whole(
        before,
        after,
        next_number=number,
        locked=source.classes.locked_ids,
        splits=not ink.keeps_larger,
        fixed=layer.marks.locked,
    )
    return values_patch(source, image_id, window, made.labels, made.provenance, made.instances, label)


def planes_of(layer: LayerSource, window: Rect) -> Planes:
    """A window of a mask, copied."""
    area = window.slices
    return Planes(layer.labels[area].copy(), layer.provenance[area].copy(), layer.instances[area].copy())


def values_patch(
    source: MaskSource,
    image_id: str,
    rect: Rect,
    labels: Labels,
    provenance: NDArray[np.uint8],
    instances: Instances | None,
    label: str,
) -> MaskPatch | None:
    """A step after which a rectangle has these values (arrays of its shape); not applied yet.

    ``instances`` None leaves the object numbers as they are; locked objects stay. None if nothing would change.
    """
    layer = source.masks.layer(image_id)
    stays = layer.marks.locked_pixels(layer.instances[rect.slices])
    if stays is not None:
        labels = np.where(stays, layer.labels[rect.slices], labels)
        provenance = np.where(stays, layer.provenance[rect.slices], provenance)
        if instances is not None:
            instances = np.where(stays, layer.instances[rect.slices], instances)
    deltas = []
    for tile in rect.tiles(layer.shape, _tile_side(rect)):
        part = common_part(tile, rect)
        inner = relative_to(part, rect).slices
        area = part.slices
        changed_objects = None if instances is None else layer.instances[area] ^ instances[inner]
        delta = _delta(
            part,
            layer.labels[area] ^ labels[inner],
            layer.provenance[area] ^ provenance[inner],
            changed_objects,
        )
        if delta is not None:
            deltas.append(delta)
    return MaskPatch(label, MaskChange.of(image_id, deltas)) if deltas else None


def _tile_side(rect: Rect) -> int:
    return _TILE if max(rect.shape) <= _LARGE else _LARGE_TILE


def protected(labels: Labels, class_id: int, locked_ids: Sequence[int], protect_others: bool) -> Mask | None:
    """Where ``labels`` must stay when ``class_id`` is painted; None if nowhere."""
    stays: Mask | None = None
    if protect_others and class_id not in (BACKGROUND, UNLABELLED):
        stays = (labels != class_id) & (labels != BACKGROUND) & (labels != UNLABELLED)
    for locked in locked_ids:
        if locked != class_id:
            stays = labels == locked if stays is None else stays | (labels == locked)
    return stays


def _inked(
    source: MaskSource, image_id: str, rect: Rect, mask: Mask, ink: Ink
) -> tuple[Mask, int | Instances | None]:
    """Which pixels of ``rect`` are written, and the object numbers they get (None: unchanged)."""
    layer = source.masks.layer(image_id)
    labels = layer.labels[rect.slices]
    stays = protected(labels, ink.class_id, source.classes.locked_ids, ink.protect_others)
    where = mask if stays is None else mask & ~stays
    locked = layer.marks.locked_pixels(layer.instances[rect.slices])
    where = where if locked is None else where & ~locked
    if ink.instance is not None:
        return where, ink.instance
    if not layer.has_instances:
        return where, None
    keep = np.where(labels == ink.class_id, layer.instances[rect.slices], np.uint32(0))
    return where, keep


def provenance_of(ink: Ink) -> int:
    """What is written beside the class: nothing where labels are taken away."""
    return Provenance.NONE if ink.class_id == UNLABELLED else ink.provenance


def _delta(
    rect: Rect, labels: Labels, provenance: NDArray[np.uint8], instances: Instances | None
) -> Delta | None:
    """The change trimmed to what is not zero; None if all of it is."""
    changed = labels | provenance
    if instances is not None:
        if instances.any():
            changed |= instances != 0
        else:
            instances = None
    box = _around(changed)
    if box.is_empty:
        return None
    inner = box.slices
    place = Rect(rect.row0 + box.row0, rect.col0 + box.col0, rect.row0 + box.row1, rect.col0 + box.col1)
    return Delta(place, labels[inner], provenance[inner], None if instances is None else instances[inner])


def _around(values: NDArray[np.uint8]) -> Rect:
    """The bounding box of what is not zero."""
    rows = np.flatnonzero(np.bitwise_or.reduce(values, axis=1))
    if rows.size == 0:
        return Rect(0, 0, 0, 0)
    cols = np.flatnonzero(np.bitwise_or.reduce(values, axis=0))
    return Rect(int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1)
