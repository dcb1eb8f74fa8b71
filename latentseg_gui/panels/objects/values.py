"""What the list of objects is told besides the objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.masks.object_marks import NO_MARKS, ObjectMarks
from latentseg_gui.document.types import Rect

Pictures = Callable[[Rect], NDArray[np.uint8] | None]
"""Gives the pixels of a part of the image, uint8 [h, w, 3], perhaps reduced; None where they are not at hand."""

_SIZE: Final = re.compile(r"\s*([<>])\s*(\d+(?:[.,]\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class AreaUnit:
    """How large a pixel is, and in which unit areas are said."""

    per_pixel: float = 1.0
    name: str = "px"

    def text(self, pixels: int) -> str:
        """An area as people read it."""
        if self.name == "px":
            return f"{pixels:,} px"
        return f"{pixels * self.per_pixel:.4g} {self.name}"


@dataclass(frozen=True, slots=True)
class ObjectsLook:
    """Names, colours and marks of what the list shows.

    Attributes:
        names: of the classes, by id.
        colours: of the classes, "#rrggbb", by id.
        marks: which objects are hidden or locked.
        unit: of areas.
        makers: title of the click model by object, of objects that one of others has made.
    """

    names: dict[int, str] = field(default_factory=dict)
    colours: dict[int, str] = field(default_factory=dict)
    marks: ObjectMarks = NO_MARKS
    unit: AreaUnit = AreaUnit()
    makers: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """What was typed into the search field: a number, a part of a name, or "< 200" for small objects.

    Attributes:
        digits: how a number has to begin; "" for any.
        word: what a name of a class has to hold, in small letters; "" for any.
        below: areas have to be smaller than that, in the unit shown; None for any.
        above: areas have to be larger than that; None for any.
    """

    digits: str = ""
    word: str = ""
    below: float | None = None
    above: float | None = None

    @classmethod
    def of(cls, text: str) -> Search:
        """Of what was typed."""
        size = _SIZE.fullmatch(text)
        if size is not None:
            value = float(size[2].replace(",", "."))
            return cls(below=value) if size[1] == "<" else cls(above=value)
        plain = text.strip().removeprefix("#")
        return cls(digits=plain) if plain.isdecimal() else cls(word=plain.casefold())
