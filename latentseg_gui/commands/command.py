"""What every edit can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from latentseg_gui.document.document import Document
from latentseg_gui.document.project.changes import Change


class Command(Protocol):
    """One step of the history."""

    @property
    def label(self) -> str:
        """What it does, for the history panel ("Brush stroke")."""
        ...

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        ...

    @property
    def image_id(self) -> str | None:
        """The only image it touches; None if there may be several."""
        ...

    @property
    def changes(self) -> Sequence[Change]:
        """What happens when it is applied, for the journal."""
        ...

    @property
    def undo_changes(self) -> Sequence[Change]:
        """What happens when it is taken back, for the journal."""
        ...

    def apply(self, document: Document) -> None:
        """Do it."""
        ...

    def revert(self, document: Document) -> None:
        """Take it back; the document must be as `apply` left it."""
        ...
