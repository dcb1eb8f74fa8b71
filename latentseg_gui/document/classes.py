"""What the pixels can be: an ordered table of classes whose index is the class id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.palette import BACKGROUND_COLOUR, palette, rgb_from_hex
from latentseg_gui.document.types import BACKGROUND

MAX_CLASSES = 255
"""Ids 0..254; 255 means that nobody has labelled the pixel."""

_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class SegmentationClass:
    """One class.

    Attributes:
        name: unique in its table.
        colour: "#rrggbb".
        is_locked: its pixels are not painted over.
        is_visible: whether the overlay shows it.
    """

    name: str
    colour: str
    is_locked: bool = False
    is_visible: bool = True


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The classes in order; entry 0 is the background. A value: every change makes a new table.

    Raises:
        LatentsegError: if there is no class, too many, or a name or colour is not usable.
    """

    classes: tuple[SegmentationClass, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= MAX_CLASSES:
            raise LatentsegError(
                f"A project has between 1 and {MAX_CLASSES} classes, not {len(self.classes)}.",
                action="Merge or delete classes that are not needed.",
            )
        seen: set[str] = set()
        for entry in self.classes:
            _check(entry)
            if entry.name in seen:
                raise LatentsegError(
                    f"There is already a class named “{entry.name}”.", action="Choose another name."
                )
            seen.add(entry.name)

    @classmethod
    def default(cls) -> ClassTable:
        """Background and one class "object"."""
        return cls.from_names(("background", "object"))

    @classmethod
    def from_names(cls, names: Sequence[str], colours: Sequence[str] = ()) -> ClassTable:
        """A table of ``names``, background first; colours that are missing come from the palette."""
        given = [*colours, *(BACKGROUND_COLOUR, *palette(len(names)))[len(colours) :]]
        return cls(tuple(SegmentationClass(name, given[index]) for index, name in enumerate(names)))

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[SegmentationClass]:
        return iter(self.classes)

    def __getitem__(self, class_id: int) -> SegmentationClass:
        return self.classes[class_id]

    @property
    def names(self) -> tuple[str, ...]:
        """Names by class id."""
        return tuple(entry.name for entry in self.classes)

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours "#rrggbb" by class id."""
        return tuple(entry.colour for entry in self.classes)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colours by class id, uint8 [N, 3]."""
        return np.array([rgb_from_hex(entry.colour) for entry in self.classes], np.uint8)

    @property
    def locked_ids(self) -> tuple[int, ...]:
        """Ids of the locked classes."""
        return tuple(index for index, entry in enumerate(self.classes) if entry.is_locked)

    def index_of(self, name: str) -> int | None:
        """The id of the class with this name, or None."""
        return self.names.index(name) if name in self.names else None

    def next_colour(self) -> str:
        """The first colour of the palette that no class has."""
        taken = {entry.colour.upper() for entry in self.classes}
        candidates = palette(MAX_CLASSES - 1)
        return next((colour for colour in candidates if colour.upper() not in taken), candidates[0])

    def added(self, name: str, colour: str | None = None) -> ClassTable:
        """With one more class at the end."""
        return ClassTable((*self.classes, SegmentationClass(name, colour or self.next_colour())))

    def replaced(self, class_id: int, **changes: object) -> ClassTable:
        """With some attributes of one class changed (name, colour, is_locked, is_visible)."""
        entry = replace(self.classes[class_id], **changes)  # type: ignore[arg-type]
        return ClassTable((*self.classes[:class_id], entry, *self.classes[class_id + 1 :]))

    def moved(self, class_id: int, to_id: int) -> ClassTable:
        """With one class at another place; the background stays first."""
        if BACKGROUND in (class_id, to_id):
            raise LatentsegError(
                "The background is always class 0.", action="Move one of the other classes instead."
            )
        order = list(self.classes)
        order.insert(to_id, order.pop(class_id))
        return ClassTable(tuple(order))

    def removed(self, class_id: int) -> ClassTable:
        """Without one class; the ids after it move down by one."""
        if class_id == BACKGROUND:
            raise LatentsegError("The background cannot be deleted.", action="Delete another class instead.")
        return ClassTable((*self.classes[:class_id], *self.classes[class_id + 1 :]))


def _check(entry: SegmentationClass) -> None:
    """Raise LatentsegError unless name and colour can be shown and written."""
    if not entry.name.strip() or len(entry.name) > _MAX_NAME or not entry.name.isprintable():
        raise LatentsegError(
            f"“{entry.name[:40]}” cannot be the name of a class.",
            action=f"Use 1 to {_MAX_NAME} printable characters.",
        )
    try:
        rgb_from_hex(entry.colour)
    except ValueError as error:
        raise LatentsegError(
            f"“{entry.colour[:20]}” is not a colour.", action="Write it as #rrggbb."
        ) from error
