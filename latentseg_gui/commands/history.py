"""Undo and redo, bounded by memory rather than by steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from psygnal import Signal, SignalGroup

from latentseg_gui.commands.command import Command
from latentseg_gui.commands.masks.makers import inherited
from latentseg_gui.document.document import Document
from latentseg_gui.document.project.changes import MaskChange

DEFAULT_MAX_BYTES = 256 * 2**20


class HistoryEvents(SignalGroup):
    """The signals of a `History`."""

    changed = Signal()
    """The entries or the position changed."""
    applied = Signal(object)
    """A sequence of `Change` has been applied to the document (done, undone or redone): for the journal.

    Emitted last: a journal that cannot be written leaves document, history and views in order.
    """


@dataclass(frozen=True, slots=True)
class _Step:
    """An edit, and what was said with it of who made which objects.

    Attributes:
        command: the edit.
        makers: by image and object number, the titles before and after it.
    """

    command: Command
    makers: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)


class History:
    """The edits of a document in order, and how many of them are applied.

    Args:
        document: what they edit.
        max_bytes: the oldest are forgotten when all together take more; the newest stays in any case.
    """

    def __init__(self, document: Document, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.events = HistoryEvents()
        self._document = document
        self._max_bytes = max_bytes
        self._steps: list[_Step] = []
        self._position = 0
        self._nbytes = 0

    @property
    def entries(self) -> tuple[Command, ...]:
        """All commands, oldest first; those from `position` on are undone."""
        return tuple(step.command for step in self._steps)

    @property
    def position(self) -> int:
        """How many of the entries are applied."""
        return self._position

    @property
    def nbytes(self) -> int:
        """Memory that the entries take."""
        return self._nbytes

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return self._position > 0

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back and can be done again."""
        return self._position < len(self._steps)

    @property
    def undo_label(self) -> str:
        """What `undo` would take back; empty if nothing."""
        return "" if self.next_undone is None else self.next_undone.label

    @property
    def redo_label(self) -> str:
        """What `redo` would do again; empty if nothing."""
        return "" if self.next_redone is None else self.next_redone.label

    @property
    def next_undone(self) -> Command | None:
        """What `undo` would take back."""
        return self._steps[self._position - 1].command if self.can_undo else None

    @property
    def next_redone(self) -> Command | None:
        """What `redo` would do again."""
        return self._steps[self._position].command if self.can_redo else None

    def do(self, command: Command | None, apply: Callable[[], None] | None = None) -> None:
        """Apply a command and keep it; None (an edit that would change nothing) is no step.

        Args:
            command: the edit.
            apply: does the same as its own `apply`, only faster, from what was prepared.
        """
        if command is not None:
            makers = self._inherited(command, is_applied=False)
            (apply or partial(command.apply, self._document))()
            self._keep(command, makers)

    def record(self, command: Command | None) -> None:
        """Keep a command that is applied already (a brush stroke); what was undone is forgotten."""
        if command is not None:
            self._keep(command, self._inherited(command, is_applied=True))

    def name_maker(self, image_id: str, number: int, title: str) -> None:
        """Say which click model made an object ("" for the model itself); that belongs to the last edit.

        It is taken back with it. Nothing happens where there is no object, number 0, or no such image any more.
        """
        is_there = bool(number) and self._document.images.has(image_id)
        before = self._document.makers.of(image_id, number) if is_there else title
        if before == title:
            return
        if self._position:
            makers = self._steps[self._position - 1].makers
            makers[image_id, number] = makers.get((image_id, number), (before, ""))[0], title
        self._document.makers.set(image_id, number, title)

    def _inherited(self, command: Command, *, is_applied: bool) -> dict[int, str]:
        if command.image_id is None:
            return {}  # classes of many images: objects keep their numbers
        found: dict[int, str] = {}
        for change in command.changes:
            if isinstance(change, MaskChange):
                found |= inherited(self._document, change, is_applied=is_applied)
        return found

    def _keep(self, command: Command, makers: Mapping[int, str]) -> None:
        for undone in self._steps[self._position :]:
            self._nbytes -= undone.command.nbytes
        del self._steps[self._position :]
        self._steps.append(_Step(command))
        self._nbytes += command.nbytes
        self._position += 1
        for number, title in makers.items():
            self.name_maker(command.image_id or "", number, title)
        self._forget_oldest()
        self.events.changed.emit()
        self.events.applied.emit(command.changes)

    def _say_makers(self, step: _Step, which: int) -> None:
        """Who made which objects, as it was said before a step (0) or with it (1)."""
        for (image_id, number), titles in step.makers.items():
            if self._document.images.has(image_id):
                self._document.makers.set(image_id, number, titles[which])

    def undo(self, revert: Callable[[], None] | None = None) -> Command | None:
        """Take the last edit back (by ``revert``, if that was prepared) and return it; None if there is none."""
        command = self.next_undone
        if command is None:
            return None
        (revert or partial(command.revert, self._document))()
        self._position -= 1
        self._say_makers(self._steps[self._position], 0)
        self.events.changed.emit()
        self.events.applied.emit(command.undo_changes)
        return command

    def redo(self, apply: Callable[[], None] | None = None) -> Command | None:
        """Do the edit that was taken back last again (as in `undo`) and return it; None if there is none."""
        command = self.next_redone
        if command is None:
            return None
        (apply or partial(command.apply, self._document))()
        self._say_makers(self._steps[self._position], 1)
        self._position += 1
        self.events.changed.emit()
        self.events.applied.emit(command.changes)
        return command

    def jump_to(self, position: int) -> None:
        """Undo or redo until ``position`` entries are applied."""
        target = min(max(position, 0), len(self._steps))
        while self._position > target:
            self.undo()
        while self._position < target:
            self.redo()

    def forget_image(self, image_id: str) -> None:
        """Drop the edits of an image that was removed from the document."""
        kept = [step for step in self._steps if step.command.image_id != image_id]
        if len(kept) == len(self._steps):
            return
        applied = self._steps[: self._position]
        self._position = sum(step.command.image_id != image_id for step in applied)
        self._steps = kept
        self._nbytes = sum(step.command.nbytes for step in kept)
        self.events.changed.emit()

    def clear(self) -> None:
        """Forget everything (another document was opened)."""
        self._steps.clear()
        self._position = self._nbytes = 0
        self.events.changed.emit()

    def _forget_oldest(self) -> None:
        count = 0
        while self._nbytes > self._max_bytes and count < self._position - 1:
            self._nbytes -= self._steps[count].command.nbytes
            count += 1
        if count:
            del self._steps[:count]
            self._position -= count
