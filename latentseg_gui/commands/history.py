"""Undo and redo, bounded by memory rather than by steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from psygnal import Signal, SignalGroup

from latentseg_gui.commands.command import Command
from latentseg_gui.document.document import Document

DEFAULT_MAX_BYTES = 256 * 2**20


class HistoryEvents(SignalGroup):
    """The signals of a `History`."""

    changed = Signal()
    """The entries or the position changed."""
    applied = Signal(object)
    """A sequence of `Change` has been applied to the document (done, undone or redone): for the journal.

    Emitted last: a journal that cannot be written leaves document, history and views in order.
    """


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
        self._commands: list[Command] = []
        self._position = 0
        self._nbytes = 0

    @property
    def entries(self) -> tuple[Command, ...]:
        """All commands, oldest first; those from `position` on are undone."""
        return tuple(self._commands)

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
        return self._position < len(self._commands)

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
        return self._commands[self._position - 1] if self.can_undo else None

    @property
    def next_redone(self) -> Command | None:
        """What `redo` would do again."""
        return self._commands[self._position] if self.can_redo else None

    def do(self, command: Command | None, apply: Callable[[], None] | None = None) -> None:
        """Apply a command and keep it; None (an edit that would change nothing) is no step.

        Args:
            command: the edit.
            apply: does the same as its own `apply`, only faster, from what was prepared.
        """
        if command is not None:
            (apply or partial(command.apply, self._document))()
            self.record(command)

    def record(self, command: Command | None) -> None:
        """Keep a command that is applied already (a brush stroke); what was undone is forgotten."""
        if command is None:
            return
        for undone in self._commands[self._position :]:
            self._nbytes -= undone.nbytes
        del self._commands[self._position :]
        self._commands.append(command)
        self._nbytes += command.nbytes
        self._position += 1
        self._forget_oldest()
        self.events.changed.emit()
        self.events.applied.emit(command.changes)

    def undo(self, revert: Callable[[], None] | None = None) -> Command | None:
        """Take the last edit back (by ``revert``, if that was prepared) and return it; None if there is none."""
        command = self.next_undone
        if command is None:
            return None
        (revert or partial(command.revert, self._document))()
        self._position -= 1
        self.events.changed.emit()
        self.events.applied.emit(command.undo_changes)
        return command

    def redo(self, apply: Callable[[], None] | None = None) -> Command | None:
        """Do the edit that was taken back last again (as in `undo`) and return it; None if there is none."""
        command = self.next_redone
        if command is None:
            return None
        (apply or partial(command.apply, self._document))()
        self._position += 1
        self.events.changed.emit()
        self.events.applied.emit(command.changes)
        return command

    def jump_to(self, position: int) -> None:
        """Undo or redo until ``position`` entries are applied."""
        target = min(max(position, 0), len(self._commands))
        while self._position > target:
            self.undo()
        while self._position < target:
            self.redo()

    def forget_image(self, image_id: str) -> None:
        """Drop the edits of an image that was removed from the document."""
        kept = [command for command in self._commands if command.image_id != image_id]
        if len(kept) == len(self._commands):
            return
        applied = self._commands[: self._position]
        self._position = sum(command.image_id != image_id for command in applied)
        self._commands = kept
        self._nbytes = sum(command.nbytes for command in kept)
        self.events.changed.emit()

    def clear(self) -> None:
        """Forget everything (another document was opened)."""
        self._commands.clear()
        self._position = self._nbytes = 0
        self.events.changed.emit()

    def _forget_oldest(self) -> None:
        count = 0
        while self._nbytes > self._max_bytes and count < self._position - 1:
            self._nbytes -= self._commands[count].nbytes
            count += 1
        if count:
            del self._commands[:count]
            self._position -= count
