"""What was done after the last save, before the program ended without a word: told, and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentseg_gui.document.document import Document
from latentseg_gui.document.project.changes import MaskChange
from latentseg_gui.io import storage
from latentseg_gui.io.project.journal import MAX_JOURNAL, ImageNote, WeightsNote, replay
from latentseg_gui.io.project.journal_chain import JournalFile, set_aside
from latentseg_gui.io.project.manifest import PROMPTS, WeightsList, places
from latentseg_gui.io.project.orphans import unlabel_orphans
from latentseg_gui.io.project.saving import ProjectSession
from latentseg_gui.io.regular_files import read_regular


class Recovery:
    """Changes that were made after the last save, before the program ended without a word.

    Exactly one of `restore`, `apply` and `discard` should be called, before anything else happens to the document.
    """

    def __init__(self, session: ProjectSession, chain: Sequence[JournalFile]) -> None:
        self._session = session
        self._chain = list(chain)
        self.notices: list[str] = []
        """What the user should be told of what was restored, as sentences."""

    @property
    def count(self) -> int:
        """How many changes of masks and classes can be recovered."""
        return sum(
            not isinstance(record, ImageNote | WeightsNote)
            for journal in self._chain
            for record in journal.contents.records
        )

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Images whose masks changed, in the order in which they did."""
        return tuple(
            dict.fromkeys(
                record.image_id
                for journal in self._chain
                for record in journal.contents.records
                if isinstance(record, MaskChange)
            )
        )

    @property
    def pointed_ids(self) -> tuple[str, ...]:
        """Images on which something waited in the end to be accepted."""
        notes = {
            record.entry.id: (record.entry.model_extra or {})[PROMPTS]
            for journal in self._chain
            for record in journal.contents.records
            if isinstance(record, ImageNote) and PROMPTS in (record.entry.model_extra or {})
        }
        return tuple(image_id for image_id, kept in notes.items() if kept)

    @property
    def is_worth_asking(self) -> bool:
        """Whether anybody would miss what was done; not so if clicks alone came and went."""
        return bool(self.count or self.pointed_ids or self.weights is not None or self.is_damaged)

    @property
    def names(self) -> dict[str, str]:
        """Names of the files of images that the save does not know, by image id."""
        return {
            record.entry.id: next(places(record.entry, self._session.folder), Path(record.entry.id)).name
            for journal in self._chain
            for record in journal.contents.records
            if isinstance(record, ImageNote)
        }

    @property
    def weights(self) -> WeightsList | None:
        """The versions of the weights that were there in the end; None if they are as they were saved."""
        notes = [
            record.listed
            for journal in self._chain
            for record in journal.contents.records
            if isinstance(record, WeightsNote)
        ]
        return notes[-1] if notes else None

    @property
    def when(self) -> float | None:
        """When the last change was written, in seconds since 1970 by the clock of the disk; None if unknown."""
        try:
            return max(journal.path.stat().st_mtime for journal in self._chain)
        except (OSError, ValueError):
            return None

    @property
    def is_damaged(self) -> bool:
        """Whether the last changes cannot be read."""
        return any(journal.contents.is_damaged for journal in self._chain)

    def restore(self, document: Document) -> int:
        """Apply the changes; the document is to be saved then. Returns how many records were applied.

        What cannot be applied is put aside in a file that ends in ".bad".
        """
        total, classes = 0, set(document.classes.ids)
        last = self._session.manifest.save
        for index, journal in enumerate(self._chain):
            records = journal.contents.records
            applied = self._replayed(journal, document)
            total += applied
            last = journal.header.base
            if applied < len(records) or journal.contents.is_damaged:
                self._cut(journal, applied)
                for later in self._chain[index + 1 :]:
                    set_aside(later.path)
                break
        self._finish(document, classes)
        if not self._session.is_read_only:
            self._session.start_journal(last)
        return total

    def apply(self, document: Document) -> int:
        """Apply the changes to the document alone, for a copy; they stay where they are, to be decided on.

        Returns:
            How many records were applied.
        """
        total, classes = 0, set(document.classes.ids)
        for journal in self._chain:
            applied = self._replayed(journal, document)
            total += applied
            if applied < len(journal.contents.records) or journal.contents.is_damaged:
                break
        self._finish(document, classes)
        return total

    def discard(self) -> None:
        """Leave the project as it was saved; the journals are put aside until the next save."""
        for journal in self._chain:
            set_aside(journal.path, ".discarded")
        self._session.start_journal(self._session.manifest.save)

    def _replayed(self, journal: JournalFile, document: Document) -> int:
        applied = replay(journal.contents, document, self._session.folder)
        for record in journal.contents.records[:applied]:
            if isinstance(record, WeightsNote):
                self._session.weights.note(record.listed)
        return applied

    def _finish(self, document: Document, classes: set[int]) -> None:
        """What was restored must make sense: files of weights that are whole, labels that have a class."""
        shelf = self._session.weights
        self.notices += shelf.check(shelf.versions)
        # A table with fewer classes, and nothing to replace those that went by, makes orphans of saved masks too.
        is_shorter = not classes <= set(document.classes.ids)
        self.notices += unlabel_orphans(document, document.images.ids if is_shorter else self.image_ids)
        document.mark_dirty()

    def _cut(self, journal: JournalFile, applied: int) -> None:
        """Leave in a journal what was applied, and put the rest aside."""
        data = read_regular(journal.path, MAX_JOURNAL)
        end = journal.contents.ends[applied]
        storage.atomic_write(journal.path.with_name(journal.path.name + ".bad"), data[end:])
        storage.atomic_write(journal.path, data[:end])
