"""Hiding and locking of single objects, as steps of the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentseg_gui.commands.masks.objects import number_objects
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.document.document import Document
from latentseg_gui.document.project.changes import Change, MarksChange


@dataclass(frozen=True, slots=True)
class MarkEdit:
    """Other objects of an image are hidden or locked; those without a number get one first.

    Attributes:
        label: for the history.
        before: what was marked.
        after: what is marked then.
        patch: gives objects their numbers; None where all have one.
    """

    label: str
    before: MarksChange
    after: MarksChange
    patch: MaskPatch | None = None

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        own = self.before.nbytes + self.after.nbytes
        return own if self.patch is None else own + self.patch.nbytes

    @property
    def image_id(self) -> str:
        """The image it is about."""
        return self.after.image_id

    @property
    def changes(self) -> tuple[Change, ...]:
        """What happens when it is applied."""
        return (self.after,) if self.patch is None else (*self.patch.changes, self.after)

    @property
    def undo_changes(self) -> tuple[Change, ...]:
        """What happens when it is taken back."""
        return (self.before,) if self.patch is None else (self.before, *self.patch.undo_changes)

    def apply(self, document: Document) -> None:
        """Number, then mark."""
        for change in self.changes:
            change.apply(document)

    def revert(self, document: Document) -> None:
        """Take the marks back, then the numbers."""
        for change in self.undo_changes:
            change.apply(document)


def hide_objects(
    document: Document, image_id: str, pixels: Sequence[tuple[int, int]], *, is_hidden: bool
) -> MarkEdit | None:
    """The step that hides the objects at the pixels, or shows them; None where nothing changes."""
    label = "Hide objects" if is_hidden else "Show objects"
    patch, numbers = _numbered_now(document, image_id, pixels, label)
    marks = document.masks.layer(image_id).marks
    return _edit(
        document, label, MarksChange(image_id, marks.with_hidden(numbers, is_hidden=is_hidden)), patch
    )


def lock_objects(
    document: Document, image_id: str, pixels: Sequence[tuple[int, int]], *, is_locked: bool
) -> MarkEdit | None:
    """The step that keeps all tools from the objects at the pixels, or no longer; None where nothing changes."""
    label = "Lock objects" if is_locked else "Unlock objects"
    patch, numbers = _numbered_now(document, image_id, pixels, label)
    marks = document.masks.layer(image_id).marks
    return _edit(
        document, label, MarksChange(image_id, marks.with_locked(numbers, is_locked=is_locked)), patch
    )


def _edit(document: Document, label: str, after: MarksChange, patch: MaskPatch | None) -> MarkEdit | None:
    before = MarksChange(after.image_id, document.masks.layer(after.image_id).marks)
    return None if before == after else MarkEdit(label, before, after, patch)


def _numbered_now(
    document: Document, image_id: str, pixels: Sequence[tuple[int, int]], label: str
) -> tuple[MaskPatch | None, list[int]]:
    """What numbers the objects that have none, and the numbers that all of them have then."""
    instances = document.masks.layer(image_id).instances
    numbers = [int(instances[rc]) for rc in pixels]
    bare = [rc for rc, number in zip(pixels, numbers, strict=True) if number == 0]
    patch, given = number_objects(document, image_id, bare, label)
    return patch, [*(number for number in numbers if number), *given]
