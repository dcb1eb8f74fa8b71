"""What a user has said of single objects of an image, beside their pixels: hidden, locked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.types import Mask

_FIRST_TOO_LARGE: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class ObjectMarks:
    """Numbers of objects that are not drawn, and of those that no tool changes."""

    hidden: frozenset[int] = frozenset()
    locked: frozenset[int] = frozenset()

    def with_hidden(self, numbers: Collection[int], *, is_hidden: bool) -> ObjectMarks:
        """With some objects hidden, or shown."""
        hidden = self.hidden | set(numbers) if is_hidden else self.hidden - set(numbers)
        return ObjectMarks(hidden, self.locked)

    def with_locked(self, numbers: Collection[int], *, is_locked: bool) -> ObjectMarks:
        """With some objects locked, or free."""
        locked = self.locked | set(numbers) if is_locked else self.locked - set(numbers)
        return ObjectMarks(self.hidden, locked)

    def as_settings(self) -> dict[str, list[int]]:
        """Object numbers by the name of the mark, as files keep them."""
        return {"hidden": sorted(self.hidden), "locked": sorted(self.locked)}

    @classmethod
    def of_settings(cls, settings: Any) -> ObjectMarks:
        """What a file has kept; what makes no sense in it is left out."""
        kept = settings if isinstance(settings, dict) else {}
        return cls(_numbers(kept.get("hidden")), _numbers(kept.get("locked")))

    @property
    def highest(self) -> int:
        """The highest number of a marked object, 0 for none: a new object must not inherit a mark."""
        return max(max(self.hidden, default=0), max(self.locked, default=0))

    def locked_pixels(self, instances: NDArray[np.uint32]) -> Mask | None:
        """Where pixels [H, W] belong to a locked object; None where none is locked."""
        return pixels_of(instances, self.locked)


NO_MARKS: Final = ObjectMarks()
"""Nobody has said anything yet."""


def _numbers(values: object) -> frozenset[int]:
    if not isinstance(values, list):
        return frozenset()
    return frozenset(each for each in values if type(each) is int and 0 < each < _FIRST_TOO_LARGE)


def pixels_of(instances: NDArray[np.uint32], numbers: Collection[int]) -> Mask | None:
    """Where object numbers uint32 [H, W] are among a few; None for no number."""
    if not numbers:
        return None
    return np.isin(instances, np.fromiter(numbers, np.uint32, len(numbers)))
