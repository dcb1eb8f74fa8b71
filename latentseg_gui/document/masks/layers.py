"""The mask of one image: who is what class, who said so, and which object it belongs to."""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.mask_copy import MaskCopy
from latentseg_gui.document.masks.object_marks import NO_MARKS
from latentseg_gui.document.types import UNLABELLED, Labels, Mask, Rect

Instances = NDArray[np.uint32]
"""Object numbers [H, W]; 0 where a pixel belongs to none."""

Counts = NDArray[np.int64]
"""Pixels by label, int64 [256]; those without a class under `UNLABELLED`."""

_Scalar = TypeVar("_Scalar", bound=np.generic)
_BAND: Final = 1 << 18
_SAMPLES: Final = 24
_FEW_LABELS: Final = 12
_NOBODY: Final = np.uint8(UNLABELLED)
_ZERO8: Final = np.uint8(0)
_ZERO32: Final = np.uint32(0)


@dataclass(frozen=True, slots=True)
class Delta:
    """A change of a rectangle, as the exclusive or of before and after: applying it twice is nothing.

    Attributes:
        labels: uint8 of the shape of ``rect``.
        provenance: uint8 of the same shape.
        instances: uint32 of the same shape; None where no object number changes.
    """

    rect: Rect
    labels: NDArray[np.uint8]
    provenance: NDArray[np.uint8]
    instances: Instances | None = None


Arrays = tuple[Labels, NDArray[np.uint8], Instances | None]
"""Labels, provenance, and object numbers (None where there are none)."""


class MaskLayer:
    """Labels, provenance and instances of one image.

    Nothing is allocated before the first write. The arrays handed out are read-only; one taken before
    the first write does not follow later ones.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.version = 0
        """Grows with every change: equal versions of a layer are equal masks."""
        self.marks = NO_MARKS
        """Which objects are hidden or locked."""
        self._labels: Labels | None = None
        self._provenance: NDArray[np.uint8] | None = None
        self._instances: Instances | None = None
        self._packed: tuple[bytes, bytes, bytes] | None = None
        self._deferred: Callable[[], Arrays] | None = None
        self._counts: Counts | None = _all_unlabelled(shape)
        self._num_labelled = 0
        self._blank: tuple[Labels, NDArray[np.uint8]] | None = None
        self._copies: list[weakref.ref[MaskCopy]] = []

    @property
    def is_touched(self) -> bool:
        """Whether anything was ever written."""
        return self._labels is not None or self._packed is not None or self._deferred is not None

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        if self._packed is not None:
            return sum(len(part) for part in self._packed)
        held = (self._labels, self._provenance, self._instances)
        return sum(array.nbytes for array in held if array is not None)

    @property
    def counts(self) -> Counts | None:
        """Pixels by label; None for a deferred mask that nobody has counted yet. Never changed in place."""
        return self._counts

    @property
    def num_labelled(self) -> int:
        """How many pixels have a class."""
        return self._num_labelled if self._counts is None else labelled_of(self._counts)

    @property
    def labels(self) -> Labels:
        """Class ids, uint8 [H, W], read-only."""
        self._unpack()
        return _locked(self._labels, _NOBODY, self.shape)

    @property
    def provenance(self) -> NDArray[np.uint8]:
        """`Provenance` values, uint8 [H, W], read-only."""
        self._unpack()
        return _locked(self._provenance, _ZERO8, self.shape)

    @property
    def instances(self) -> Instances:
        """Object numbers, uint32 [H, W], read-only."""
        self._unpack()
        return _locked(self._instances, _ZERO32, self.shape)

    @property
    def has_instances(self) -> bool:
        """Whether any object number may be set; where not, nothing is allocated for them."""
        self._unpack()
        return self._instances is not None

    def write(
        self,
        rect: Rect,
        where: Mask,
        labels: int | Labels,
        provenance: int | NDArray[np.uint8],
        instance: int | Instances | None = None,
    ) -> None:
        """Set the pixels ``where`` (bool, of the shape of ``rect``); arrays are of that shape too.

        ``instance`` None leaves the object numbers as they are.
        """
        held_labels, held_provenance = self._changing(rect)
        area = rect.slices
        part = held_labels[area]
        before = label_counts(part)
        np.copyto(part, np.asarray(labels, np.uint8), where=where)
        np.copyto(held_provenance[area], np.asarray(provenance, np.uint8), where=where)
        if instance is not None and (self._instances is not None or np.any(instance)):
            np.copyto(self._allocated_instances()[area], np.asarray(instance, np.uint32), where=where)
        self.add_counts(label_counts(part) - before)

    def apply(self, delta: Delta, *, is_counted: bool = False) -> None:
        """Apply a change, or take it back; whoever has counted it before says so by `add_counts`."""
        labels, provenance = self._changing(delta.rect)
        if not is_counted:
            self.add_counts(gain_of(labels, delta))
        area = delta.rect.slices
        labels[area] ^= delta.labels
        provenance[area] ^= delta.provenance
        if delta.instances is not None:
            self._allocated_instances()[area] ^= delta.instances

    def replace(
        self,
        labels: Labels,
        provenance: NDArray[np.uint8],
        instances: Instances | None,
        counts: Counts | None = None,
    ) -> None:
        """Take over whole arrays of the layer's shape.

        Args:
            labels: class ids.
            provenance: `Provenance` values.
            instances: object numbers; None for none.
            counts: pixels by label; the arrays are copied unless this is known.
        """
        self._packed = self._deferred = self._blank = None
        self.version += 1
        if counts is not None:
            self._labels, self._provenance, self._instances = labels, provenance, instances
            self._counts = counts
            return
        self._labels = np.array(labels, np.uint8)
        self._provenance = np.array(provenance, np.uint8)
        self._instances = None if instances is None else np.array(instances, np.uint32)
        self._counts = label_counts(self._labels)

    def defer(self, unpack: Callable[[], Arrays], num_labelled: int, counts: Counts | None = None) -> None:
        """Take the mask from ``unpack`` when it is first needed (a project with a thousand masks).

        Args:
            unpack: gives the arrays.
            num_labelled: how many pixels are labelled.
            counts: pixels by label, where they are known.
        """
        self._labels = self._provenance = self._instances = self._packed = self._blank = None
        self._deferred = unpack
        self.version += 1
        self._counts, self._num_labelled = counts, num_labelled

    def add_counts(self, gain: Counts) -> None:
        """Take in how many more pixels have each label; the mask itself is as it is."""
        if self._counts is not None:
            self._counts = self._counts + gain

    def learn_counts(self, counts: Counts) -> None:
        """Take what another thread has counted of a deferred mask, which stays packed."""
        if self._counts is None:
            self._counts = counts

    def snapshot(self, *, copies: bool = True) -> Callable[[], Arrays]:
        """What the mask is now, as a function that any thread may call once, later.

        What is held compressed stays so until then; what is not is copied then: in this thread nothing is
        unpacked and nothing copied. The arrays are the caller's own.

        Args:
            copies: False: what is held unpacked is handed out as a `Held`, not copied. It may change, and
                what was made of it counts only while `version` is the same; nobody may write to it.
        """
        if self._deferred is not None:
            return self._deferred
        if self._packed is not None:
            return partial(_arrays, self._packed, self.shape)
        if self._labels is None or self._provenance is None:
            return partial(_untouched, self.shape)
        if not copies:
            return Held((self._labels, self._provenance, self._instances))
        held = (self._labels, self._provenance, self._instances)
        copy = MaskCopy([plane for plane in held if plane is not None])
        self._copies.append(weakref.ref(copy))
        return partial(_copied, copy)

    def provide(self, blank: tuple[Labels, NDArray[np.uint8]]) -> None:
        """Take arrays that `blank_arrays` made for the first write, which then allocates nothing."""
        if not self.is_touched:
            self._blank = blank

    def withdraw(self) -> None:
        """Let go of what was provided and not used."""
        self._blank = None

    def pack(self) -> None:
        """Compress what is held, for an image that is not looked at; the next access unpacks it."""
        if self._labels is None or self._provenance is None:
            return
        self._packed = _packed(self._labels, self._provenance, self._instances)
        self._labels = self._provenance = self._instances = None

    def _unpack(self) -> None:
        if self._deferred is not None:
            self._labels, self._provenance, self._instances = self._deferred()
            self._deferred = None
            self._counts = label_counts(self._labels)
        if self._packed is None:
            return
        self._labels, self._provenance, self._instances = _arrays(self._packed, self.shape)
        self._packed = None

    def _changing(self, rect: Rect) -> tuple[Labels, NDArray[np.uint8]]:
        """The arrays to be written to inside ``rect``; what others still have to copy of it is kept for them."""
        self._unpack()
        self.version += 1
        if self._labels is None or self._provenance is None:
            # Not `blank_arrays`: pages of zeros cost nothing before they are written to.
            self._labels, self._provenance = self._blank or (
                np.full(self.shape, UNLABELLED, np.uint8),
                np.zeros(self.shape, np.uint8),
            )
            self._blank = None
        self._copies = [each for each in self._copies if (copy := each()) is not None and not copy.is_done]
        for each in self._copies:
            if (copy := each()) is not None:
                copy.keep(rect)
        return self._labels, self._provenance

    def _allocated_instances(self) -> Instances:
        if self._instances is None:
            self._instances = np.zeros(self.shape, np.uint32)
        return self._instances


def blank_arrays(shape: tuple[int, int]) -> tuple[Labels, NDArray[np.uint8]]:
    """Labels and provenance of a mask that nobody has touched, in memory that is really there.

    For `MaskLayer.provide`: a hundred megapixels take a third of a second, so in another thread.
    """
    return np.full(shape, UNLABELLED, np.uint8), np.full(shape, 0, np.uint8)


def _untouched(shape: tuple[int, int]) -> Arrays:
    return *blank_arrays(shape), None


def _copied(copy: MaskCopy) -> Arrays:
    labels, provenance, *instances = copy()
    return labels, provenance, instances[0] if instances else None


@dataclass(frozen=True, slots=True)
class Held:
    """Arrays of a mask that is unpacked; see `MaskLayer.snapshot`."""

    arrays: Arrays

    def __call__(self) -> Arrays:
        """The arrays themselves."""
        return self.arrays


def compressed(arrays: Arrays, shape: tuple[int, int]) -> Callable[[], Arrays]:
    """The arrays, held compressed, as `MaskLayer.defer` takes them."""
    return partial(_arrays, _packed(*arrays), shape)


def _packed(
    labels: Labels, provenance: NDArray[np.uint8], instances: Instances | None
) -> tuple[bytes, bytes, bytes]:
    return (
        zlib.compress(labels.tobytes(), 1),
        zlib.compress(provenance.tobytes(), 1),
        b"" if instances is None else zlib.compress(instances.tobytes(), 1),
    )


def _arrays(packed: tuple[bytes, bytes, bytes], shape: tuple[int, int]) -> Arrays:
    labels, provenance, instances = packed
    return (
        _unpacked(labels, np.uint8).reshape(shape),
        _unpacked(provenance, np.uint8).reshape(shape),
        _unpacked(instances, np.uint32).reshape(shape) if instances else None,
    )


def label_counts(labels: Labels) -> Counts:
    """Pixels of uint8 [H, W] by label, int64 [256].

    Most areas have a few labels only, which are counted one by one: `np.bincount` makes eight bytes of every label.
    """
    counts = np.zeros(256, np.int64)
    step = max(1, _BAND // max(1, labels.shape[1]))
    for start in range(0, labels.shape[0], step):
        band = labels[start : start + step]
        sample = band[:: max(1, band.shape[0] // _SAMPLES), :: max(1, band.shape[1] // _SAMPLES)]
        likely = np.flatnonzero(np.bincount(sample.reshape(-1), minlength=256))
        found = [np.count_nonzero(band == label) for label in likely[:_FEW_LABELS].astype(np.uint8)]
        if sum(found) == band.size:
            counts[likely] += found
        else:  # a label that the sample has missed, or many of them
            counts += np.bincount(band.reshape(-1), minlength=256)
    return counts


def gain_of(labels: Labels, delta: Delta) -> Counts:
    """How many more pixels will have each label once a change of ``labels`` is applied."""
    part = labels[delta.rect.slices]
    return label_counts(part ^ delta.labels) - label_counts(part)


def _all_unlabelled(shape: tuple[int, int]) -> Counts:
    counts = np.zeros(256, np.int64)
    counts[UNLABELLED] = shape[0] * shape[1]
    return counts


def labelled_of(counts: Counts) -> int:
    """How many pixels have a class."""
    return int(counts.sum() - counts[UNLABELLED])


def _unpacked(packed: bytes, dtype: type[_Scalar]) -> NDArray[_Scalar]:
    return np.frombuffer(bytearray(zlib.decompress(packed)), dtype)


def _locked(array: NDArray[_Scalar] | None, value: _Scalar, shape: tuple[int, int]) -> NDArray[_Scalar]:
    """A read-only view of ``array``, or of nothing but ``value``."""
    if array is None:
        return np.broadcast_to(value, shape)
    view = array.view()
    view.flags.writeable = False
    return view
