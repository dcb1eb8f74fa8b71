"""What the pixels can be: an ordered table of classes, each with an id that it keeps.

Two things must not be confused. The *id* of a class is what masks and predictions of a document hold; it never
changes. Its *number* is its place in the table, from 0: what people see, what keys choose, what weights and exported
files count by. `numbered_labels` and `labels_with_ids` turn one into the other where labels leave or enter a document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.masks.palette import BACKGROUND_COLOUR, palette, rgb_from_hex
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels

MAX_CLASSES = 255
"""Ids 0..254; 255 means that nobody has labelled the pixel."""

SMALLEST = 20
"""Pixels of the smallest object, unless somebody says otherwise."""

_MAX_NAME = 200
_JOINING = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
_NO_LETTERS = "\ufffe\uffff"
"""These two never will be, and XML refuses them."""


@dataclass(frozen=True, slots=True)
class SegmentationClass:
    """One class.

    Attributes:
        name: unique in its table.
        colour: "#rrggbb".
        is_locked: its pixels are not painted over.
        is_visible: whether the overlay shows it.
        is_thing: whether it has objects that are counted; else it is stuff, such as sky or tissue.
        smallest: pixels of its smallest object, where objects are made of a prediction.
    """

    name: str
    colour: str
    is_locked: bool = False
    is_visible: bool = True
    is_thing: bool = True
    smallest: int = SMALLEST


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The classes in order; the first is the background. A value: every change makes a new table.

    Attributes:
        classes: the classes.
        ids: of each, 0 to 254, the background 0; by default they are the numbers of the classes.

    Raises:
        LatentsegError: if there is no class, too many, or a name, colour or id is not usable.
    """

    classes: tuple[SegmentationClass, ...]
    ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.ids:
            object.__setattr__(self, "ids", tuple(range(len(self.classes))))
        _check_ids(self.ids, len(self.classes))
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
        return self.classes[self.number_of(class_id)]

    @property
    def names(self) -> tuple[str, ...]:
        """Names by number."""
        return tuple(entry.name for entry in self.classes)

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours "#rrggbb" by number."""
        return tuple(entry.colour for entry in self.classes)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colours by number, uint8 [N, 3]."""
        return np.array([rgb_from_hex(entry.colour) for entry in self.classes], np.uint8)

    @property
    def named_ids(self) -> tuple[tuple[int, str], ...]:
        """Id and name of each class, by number."""
        return tuple(zip(self.ids, self.names, strict=True))

    @property
    def is_numbered(self) -> bool:
        """Whether the id of each class is its number."""
        return self.ids == tuple(range(len(self.ids)))

    @property
    def numbered(self) -> ClassTable:
        """The same classes with their numbers as ids, as files and weights count them."""
        return ClassTable(self.classes)

    @property
    def number_table(self) -> NDArray[np.uint8]:
        """Number by id, uint8 [256]; `UNLABELLED` for ids without a class."""
        table = np.full(256, UNLABELLED, np.uint8)
        table[list(self.ids)] = np.arange(len(self.ids), dtype=np.uint8)
        return table

    @property
    def id_table(self) -> NDArray[np.uint8]:
        """Id by number, uint8 [256]; `UNLABELLED` for numbers without a class."""
        table = np.full(256, UNLABELLED, np.uint8)
        table[: len(self.ids)] = self.ids
        return table

    def number_of(self, class_id: int) -> int:
        """The place of a class in the table, from 0.

        Raises:
            LatentsegError: if there is no such class (any more).
        """
        if class_id not in self.ids:
            raise LatentsegError("There is no such class any more.", action="Choose another class.")
        return self.ids.index(class_id)

    @property
    def locked_ids(self) -> tuple[int, ...]:
        """Ids of the locked classes."""
        return tuple(
            class_id for class_id, entry in zip(self.ids, self.classes, strict=True) if entry.is_locked
        )

    @property
    def stuff(self) -> frozenset[int]:
        """Numbers of the classes whose objects are not counted, but for the background."""
        return frozenset(number for number, entry in enumerate(self.classes) if number and not entry.is_thing)

    @property
    def smallest(self) -> tuple[int, ...]:
        """Pixels of the smallest object by number; -1 for a class whose objects are not counted."""
        return tuple(entry.smallest if entry.is_thing else -1 for entry in self.classes)

    def with_smallest(self, smallest: Sequence[int]) -> ClassTable:
        """The same classes, counted as `smallest` says; nothing changes where it is empty."""
        if not smallest:
            return self
        entries = [
            replace(entry, is_thing=size >= 0, smallest=size if size >= 0 else entry.smallest)
            for entry, size in zip(self.classes, smallest, strict=True)
        ]
        return ClassTable(tuple(entries), self.ids)

    @property
    def thing_ids(self) -> tuple[int, ...]:
        """Ids of the classes whose objects are counted; the background never is."""
        return tuple(
            class_id
            for class_id, entry in zip(self.ids, self.classes, strict=True)
            if entry.is_thing and class_id != BACKGROUND
        )

    def id_of(self, name: str) -> int | None:
        """The id of the class with this name, or None."""
        return self.ids[self.names.index(name)] if name in self.names else None

    def next_colour(self) -> str:
        """The first colour of the palette that no class has."""
        taken = {entry.colour.upper() for entry in self.classes}
        candidates = palette(MAX_CLASSES - 1)
        return next((colour for colour in candidates if colour.upper() not in taken), candidates[0])

    def added(self, name: str, colour: str | None = None) -> ClassTable:
        """With one more class at the end; its id is above all others as long as there is one."""
        entry = SegmentationClass(name, colour or self.next_colour())
        free = [*range(max(self.ids) + 1, MAX_CLASSES), *range(MAX_CLASSES)]
        class_id = next((each for each in free if each not in self.ids), MAX_CLASSES)
        return ClassTable((*self.classes, entry), (*self.ids, class_id))

    def replaced(self, class_id: int, **changes: object) -> ClassTable:
        """With some attributes of one class changed (name, colour, is_locked, is_visible, is_thing, smallest)."""
        number = self.number_of(class_id)
        entry = replace(self.classes[number], **changes)  # type: ignore[arg-type]
        return ClassTable((*self.classes[:number], entry, *self.classes[number + 1 :]), self.ids)

    def moved(self, class_id: int, to_number: int) -> ClassTable:
        """With one class at another place; the background stays first."""
        if class_id == BACKGROUND or to_number == 0:
            raise LatentsegError(
                "The background is always class 0.", action="Move one of the other classes instead."
            )
        classes, ids, number = list(self.classes), list(self.ids), self.number_of(class_id)
        classes.insert(to_number, classes.pop(number))
        ids.insert(to_number, ids.pop(number))
        return ClassTable(tuple(classes), tuple(ids))

    def removed(self, class_id: int) -> ClassTable:
        """Without one class; the others keep their ids."""
        if class_id == BACKGROUND:
            raise LatentsegError("The background cannot be deleted.", action="Delete another class instead.")
        number = self.number_of(class_id)
        return ClassTable(
            (*self.classes[:number], *self.classes[number + 1 :]),
            (*self.ids[:number], *self.ids[number + 1 :]),
        )


def numbered_labels(labels: Labels, classes: ClassTable) -> Labels:
    """Labels uint8 [H, W] of a document with the number of each class; the same array where nothing differs."""
    return labels if classes.is_numbered else looked_up(classes.number_table, labels)


def labels_with_ids(labels: Labels, classes: ClassTable) -> Labels:
    """Labels uint8 [H, W] that hold numbers of classes with their ids; the same array where nothing differs."""
    return labels if classes.is_numbered else looked_up(classes.id_table, labels)


def _check_ids(ids: Sequence[int], num_classes: int) -> None:
    """Raise LatentsegError unless each class has an id of its own, and the first that of the background."""
    is_sound = all(0 <= each < MAX_CLASSES for each in ids) and len(set(ids)) == len(ids) == num_classes
    if 1 <= num_classes <= MAX_CLASSES and not (is_sound and ids[0] == BACKGROUND):
        raise LatentsegError("The ids of the classes do not fit the classes.")


def is_class_name(name: str) -> bool:
    """Whether a class may have this name."""
    return bool(name.strip()) and len(name) <= _MAX_NAME and all(map(is_plain_letter, name))


def is_plain_letter(letter: str) -> bool:
    """Whether a letter can stand in a line of text: it neither ends it, nor changes what stands around it.

    Unlike `str.isprintable`, spaces of every width do, what joins and parts letters (Persian and Hindi are written
    with it, and families of emoji), and letters that are younger than this Python.
    """
    is_younger = category(letter) == "Cn" and letter not in _NO_LETTERS
    return letter.isprintable() or letter in _JOINING or category(letter) == "Zs" or is_younger


def _check(entry: SegmentationClass) -> None:
    """Raise LatentsegError unless name and colour can be shown and written."""
    if not is_class_name(entry.name):
        shown = "".join(letter for letter in entry.name[:40] if is_plain_letter(letter))
        raise LatentsegError(
            f"“{shown}” cannot be the name of a class.",
            action=f"Use 1 to {_MAX_NAME} letters in one line.",
        )
    try:
        rgb_from_hex(entry.colour)
    except ValueError as error:
        raise LatentsegError(
            f"“{entry.colour[:20]}” is not a colour.", action="Write it as #rrggbb."
        ) from error
