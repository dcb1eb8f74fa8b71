"""Candidates of images that are not looked at, kept small until they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.prediction.candidates import ObjectCandidate

_NOTHING: Final = np.zeros((0, 0), np.bool_)


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """What was found on an image.

    Attributes:
        candidates: the best first.
        has_examples: whether they are like something, so that similarity says something.
    """

    candidates: tuple[ObjectCandidate, ...]
    has_examples: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Packed:
    """A candidate whose mask is a bit for each pixel of its box."""

    rest: ObjectCandidate
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, each: ObjectCandidate) -> _Packed:
        return cls(replace(each, mask=_NOTHING), np.packbits(each.mask))

    def unpacked(self) -> ObjectCandidate:
        rows, cols = self.rest.rect.shape
        mask = np.unpackbits(self.bits, count=rows * cols).astype(np.bool_)
        return replace(self.rest, mask=mask.reshape(rows, cols))


class CandidateShelf:
    """Candidates by image."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[_Packed, ...], bool]] = {}

    @property
    def image_ids(self) -> tuple[str, ...]:
        """The images that have some."""
        return tuple(self._kept)

    def put(self, image_id: str, candidates: Sequence[ObjectCandidate], *, has_examples: bool) -> None:
        """Keep what was found on an image, in place of what was kept of it; nothing for no candidate."""
        self._kept.pop(image_id, None)
        if candidates:
            self._kept[image_id] = tuple(_Packed.of(each) for each in candidates), has_examples

    def take(self, image_id: str) -> CandidateSet | None:
        """What is kept of an image, and no longer then; None for nothing."""
        kept = self._kept.pop(image_id, None)
        if kept is None:
            return None
        return CandidateSet(tuple(each.unpacked() for each in kept[0]), kept[1])

    def keep_only(self, image_ids: Sequence[str]) -> None:
        """Forget images that are no longer on the list."""
        self._kept = {each: self._kept[each] for each in image_ids if each in self._kept}
