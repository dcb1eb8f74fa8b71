"""A look at all pictures of an import before the first of them is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from latentseg_gui.io.images.folders import SUFFIXES
from latentseg_gui.io.masks.files import contents
from latentseg_gui.io.masks.looks import MaskTraits, decide, look_of
from latentseg_gui.io.masks.mask_names import numbers_of
from latentseg_gui.io.masks.pictures import array_of, picture_of
from latentseg_gui.io.masks.values import Numbers, Reading

_PIXELS: Final = 1_500_000_000
"""As many are looked at; where there are more, the rest is like a fair sample of all."""

_LOOKED_AT: Final = (*SUFFIXES, ".npy")


def reading_of(paths: Sequence[Path], told: Numbers | None = None) -> Reading:
    """What the pictures among these files mean.

    Args:
        paths: of all masks.
        told: what the user says that small numbers are.
    """
    pictures = [path for path in paths if path.suffix.lower() in _LOOKED_AT]
    said: set[Numbers | None] = set()
    looks: list[MaskTraits] = []
    left = _PIXELS
    for path in _spread(pictures):
        found = _look(path)
        if found is not None:
            looks.append(found[0])
            said.add(numbers_of(path.stem))
            left -= found[1]
        if left <= 0:
            break
    if told is None and len(said) == 1:
        told = next(iter(said))
    return decide(looks, told)


def _spread(paths: Sequence[Path]) -> list[Path]:
    """The same in an order in which every beginning is a sample of the whole."""
    return [path for first in range(7) for path in paths[first::7]]


def _look(path: Path) -> tuple[MaskTraits, int] | None:
    """What a picture looks like, and its pixels; None where it tells nothing."""
    try:
        data = contents(path)
        _, picture = array_of(data, None) if path.suffix.lower() == ".npy" else picture_of(data, None, path)
        return None if picture is None else (look_of(picture), picture.values.size)
    except Exception:  # a damaged picture tells nothing; it says what is wrong when it is read
        return None
