"""Which journals of a project follow its last save, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from latentseg_gui.io import storage
from latentseg_gui.io.project.journal import JournalContents, JournalHeader, read_journal_file
from latentseg_gui.io.project.manifest import ProjectFile
from latentseg_gui.io.project.saving import journal_files


@dataclass(frozen=True, slots=True)
class JournalFile:
    """A journal on the disk, and what it holds."""

    path: Path
    header: JournalHeader
    contents: JournalContents


def set_aside(path: Path, ending: str = ".bad") -> None:
    """Rename a journal so that it is not looked at again."""
    storage.move_file(path, path.with_name(path.name + ending))


def chain_of(folder: Path, manifest: ProjectFile, notices: list[str]) -> list[JournalFile]:
    """The journals that follow the save, in order; others are put aside, or removed if nothing is in them.

    Args:
        folder: of the project.
        manifest: of the save.
        notices: takes sentences for the user.
    """
    journals = _ours(folder, manifest, notices)
    chain = _longest(manifest.save, journals)
    if not any(_has_something(journal) for journal in chain):
        chain = []
    kept = {journal.path for journal in chain}
    for journal in journals:
        if journal.path in kept:
            continue
        if _has_something(journal):
            set_aside(journal.path)
            notices.append("A journal of unsaved changes that does not follow the last save was set aside.")
        else:
            storage.remove_file(journal.path)
    return chain


def _ours(folder: Path, manifest: ProjectFile, notices: list[str]) -> list[JournalFile]:
    """The journals of this project whose changes the save does not hold yet."""
    journals, held = [], set(manifest.holds)
    for path in journal_files(folder):
        contents = read_journal_file(path)
        header = contents.header
        if contents.good_bytes == 0 and not contents.is_damaged:
            storage.remove_file(path)
        elif header is None or header.project != manifest.project:
            set_aside(path)
            notices.append("A journal of unsaved changes that does not belong to this project was set aside.")
        elif header.base in held:
            storage.remove_file(path)
        else:
            journals.append(JournalFile(path, header, contents))
    return journals


def _longest(save: str, journals: Iterable[JournalFile]) -> list[JournalFile]:
    """That of the save, and those that follow one another after it: of several ways the one with the most records.

    Empty journals are links too: a save that failed leaves one before any change was made. Every journal has
    one predecessor, so they make a tree, and one walk through it is enough however many there are.
    """
    by_base: dict[str, JournalFile] = {}
    for journal in journals:
        base = journal.header.base
        if base not in by_base or _count(journal) > _count(by_base[base]):
            by_base[base] = journal
    first = by_base.pop(save, None)
    children: dict[str, list[JournalFile]] = {}
    for journal in by_base.values():
        children.setdefault(journal.header.previous, []).append(journal)
    totals, best, waiting = {save: 0}, save, [save]
    while waiting:
        previous = waiting.pop()
        for journal in children.pop(previous, ()):
            base = journal.header.base
            totals[base] = totals[previous] + _count(journal)
            waiting.append(base)
            if totals[base] > totals[best] or best == previous:
                best = base
    return ([first] if first is not None else []) + _way(save, best, by_base)


def _way(save: str, last: str, by_base: dict[str, JournalFile]) -> list[JournalFile]:
    way = []
    while last != save:
        way.append(by_base[last])
        last = by_base[last].header.previous
    return way[::-1]


def _count(journal: JournalFile) -> int:
    return len(journal.contents.records)


def _has_something(journal: JournalFile) -> bool:
    return bool(journal.contents.records) or journal.contents.is_damaged
