"""Class names and numbers of files in terms of the document's classes, new ones at the end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from latentseg_gui.document.masks.classes import MAX_CLASSES, ClassTable, is_class_name
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks.values import ImportContext, MaskError

_NUMBERED: Final = re.compile(r"class \d+")
_BACKGROUND: Final = {"background"}
_IGNORED: Final = {
    "ignore",
    "ignored",
    "ignoreregion",
    "void",
    "unlabeled",
    "unlabelled",
    "dontcare",
    "donotcare",
}
_OBJECT: Final = "object"


def is_background_name(name: str) -> bool:
    """Whether a class of this name is the background."""
    return _plain(name) in _BACKGROUND


def is_ignored_name(name: str) -> bool:
    """Whether a class of this name means that nothing is said about its pixels."""
    return _plain(name) in _IGNORED


def _plain(name: str) -> str:
    """Letters and digits only: "__ignore__" and "Don't care" are as they sound."""
    return re.sub(r"[\W_]+", "", name.casefold())


class KnownClasses:
    """The classes while a file is read: those of the document, and those that only the file knows.

    Args:
        context: what is known of the document.
    """

    def __init__(self, context: ImportContext) -> None:
        self.context = context
        self.classes: ClassTable = context.classes
        self.ignored: set[str] = set()
        self._known: dict[str, int] = {}

    def class_id(self, name: str, colour: str | None = None) -> int:
        """The id of a class named in the file; one the document does not have is added.

        Names for the background are `BACKGROUND`, names for "nothing is said here" `UNLABELLED`.

        Raises:
            MaskError: if there are too many classes.
            LatentsegError: if it cannot be the name of a class.
        """
        if name not in self._known:
            self._known[name] = self._found(name, colour)
        return self._known[name]

    def _found(self, name: str, colour: str | None) -> int:
        known = self.classes.id_of(name)
        if known is not None:
            return known
        if is_background_name(name):
            return BACKGROUND
        if is_ignored_name(name):
            self.ignored.add(name)
            return UNLABELLED
        if len(self.classes) >= MAX_CLASSES:
            raise MaskError(
                f"The file has more than {MAX_CLASSES} classes.", action="Leave out classes not needed."
            )
        self.classes = self.classes.added(name, colour)
        return len(self.classes) - 1

    def default_id(self) -> int:
        """The id of the class of objects that do not say what they are."""
        if self.context.default_class < len(self.classes):
            return self.context.default_class
        return self.class_id(_OBJECT)

    def numbered(self, number: int) -> int:
        """The id of a class that the file only numbers: that of the document with this number.

        One that has no counterpart is added as "class 7", and known by that name from then on: whatever else
        was added before, two files that mean the same get the same.
        """
        name = f"class {number}"
        known = self.classes.id_of(name)
        if known is not None:
            return known
        has_number = number < len(self.classes)
        if has_number and not _NUMBERED.fullmatch(self.classes[number].name):
            return number
        return self.class_id(name)

    def expect(self, names: Iterable[str]) -> None:
        """Take over all classes of a file in its order, where the document has none but the background.

        Their numbers then stay as they came, whichever image is read first.
        """
        if len(self.classes) > 1:
            return
        for name in names:
            if len(self.classes) >= MAX_CLASSES:
                return
            if is_class_name(name):
                self.class_id(name)
