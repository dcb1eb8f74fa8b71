"""Opening a project: what was saved, what a crash left to be recovered, and what is missing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.layers import Arrays, MaskLayer
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io import locating, mask_files, storage
from latentseg_gui.io.journal import ImageNote, JournalContents, JournalHeader, read_journal, replay
from latentseg_gui.io.lock import ProjectLock
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project import LOCK, MASKS, ProjectSession, inside, journal_files
from latentseg_gui.io.project_file import (
    MANIFEST,
    MAX_BYTES,
    SCHEMA,
    ImageEntryModel,
    MaskFiles,
    NewerProjectError,
    ProjectError,
    parse,
    parse_newer,
    places,
)

_MAX_JOURNAL = 4 * 2**30


@dataclass(frozen=True, slots=True)
class _JournalFile:
    path: Path
    header: JournalHeader
    contents: JournalContents


class Recovery:
    """Changes that were made after the last save, before the program ended without a word.

    Exactly one of `restore`, `apply` and `discard` should be called, before anything else happens to the document.
    """

    def __init__(self, session: ProjectSession, chain: Sequence[_JournalFile]) -> None:
        self._session = session
        self._chain = list(chain)

    @property
    def count(self) -> int:
        """How many changes can be recovered."""
        return sum(
            not isinstance(record, ImageNote)
            for journal in self._chain
            for record in journal.contents.records
        )

    @property
    def is_damaged(self) -> bool:
        """Whether the last changes cannot be read."""
        return any(journal.contents.is_damaged for journal in self._chain)

    def restore(self, document: Document) -> int:
        """Apply the changes; the document is to be saved then. Returns how many records were applied.

        What cannot be applied is put aside in a file that ends in ".bad".
        """
        total = 0
        last = self._session.manifest.save
        for index, journal in enumerate(self._chain):
            records = journal.contents.records
            applied = replay(journal.contents, document, self._session.folder)
            total += applied
            last = journal.header.base
            if applied < len(records) or journal.contents.is_damaged:
                self._cut(journal, applied)
                for later in self._chain[index + 1 :]:
                    set_aside(later.path)
                break
        document.mark_dirty()
        if not self._session.is_read_only:
            self._session.start_journal(last)
        return total

    def apply(self, document: Document) -> int:
        """Apply the changes to the document alone, for a copy; they stay where they are, to be decided on.

        Returns:
            How many records were applied.
        """
        total = 0
        for journal in self._chain:
            applied = replay(journal.contents, document, self._session.folder)
            total += applied
            if applied < len(journal.contents.records) or journal.contents.is_damaged:
                break
        document.mark_dirty()
        return total

    def discard(self) -> None:
        """Leave the project as it was saved; the journals are put aside until the next save."""
        for journal in self._chain:
            set_aside(journal.path, ".discarded")
        self._session.start_journal(self._session.manifest.save)

    def _cut(self, journal: _JournalFile, applied: int) -> None:
        """Leave in a journal what was applied, and put the rest aside."""
        data = journal.path.read_bytes()
        end = journal.contents.ends[applied]
        storage.atomic_write(journal.path.with_name(journal.path.name + ".bad"), data[end:])
        storage.atomic_write(journal.path, data[:end])


@dataclass(frozen=True, slots=True)
class OpenedProject:
    """A project that was opened.

    Attributes:
        document: as it was saved.
        session: to save to.
        missing: ids of images whose files were not found; their masks are kept.
        notices: what the user should be told, as sentences.
        recovery: changes after the last save, to be restored or discarded; None if there are none.
    """

    document: Document
    session: ProjectSession
    missing: tuple[str, ...]
    notices: tuple[str, ...]
    recovery: Recovery | None


def open_project(folder: Path, *, search: Sequence[Path] = ()) -> OpenedProject:
    """Open a project.

    Args:
        folder: the folder with the manifest.
        search: folders to look in for images that are not where they were, besides the project's own.

    Returns:
        The document and what there is to say. Read-only if another program has it open, or a newer
        version has written it; `ProjectSession.read_only_reason` says which.

    Raises:
        ProjectError: if there is no project, or it cannot be read. Nothing is changed then.
    """
    folder = Path(os.path.abspath(folder))
    data = _manifest_bytes(folder)
    reason = ""
    schema = SCHEMA
    try:
        manifest, schema = parse(data, folder / MANIFEST)
    except NewerProjectError as error:
        try:
            manifest = parse_newer(data, folder / MANIFEST)
        except LatentsegError:
            raise error from None
        reason = error.what
    lock = None if reason else _locked(folder)
    if not reason and (lock is None or not lock.is_held):
        owner = lock.owner() if lock is not None else None
        reason = f"“{shown(folder.name)}” is open elsewhere: {owner or 'by another program'}."
    session = ProjectSession(folder, manifest, lock, reason)
    try:
        return _opened(session, data, schema, search)
    except BaseException:
        session.abandon()
        raise


def set_aside(path: Path, ending: str = ".bad") -> None:
    """Rename a journal so that it is not looked at again."""
    storage.move_file(path, path.with_name(path.name + ending))


def _opened(session: ProjectSession, data: bytes, schema: int, search: Sequence[Path]) -> OpenedProject:
    session.manifest_hash = hashlib.sha256(data).hexdigest()
    if schema < SCHEMA:
        session.old_manifest = schema, data
    notices = [session.read_only_reason] if session.is_read_only else []
    document = Document(session.manifest.class_table())
    missing = _load_images(session, document, search, notices)
    document.mark_saved()
    recovery = None
    if not session.is_read_only:
        storage.remove_temporary_files(session.folder)
        if (session.folder / MASKS).is_dir():
            storage.remove_temporary_files(inside(session.folder, MASKS))
        chain = _chain(session, notices)
        if chain:
            recovery = Recovery(session, chain)
        else:
            session.start_journal(session.manifest.save)
    return OpenedProject(document, session, tuple(missing), tuple(notices), recovery)


def _manifest_bytes(folder: Path) -> bytes:
    path = inside(folder, MANIFEST)
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ProjectError(
            f"There is no project in “{shown(folder.name)}” that can be read.",
            action=f"Choose a folder with a file {MANIFEST}.",
            detail=f"{shown(path)}: {error!r}",
        ) from error


def _locked(folder: Path) -> ProjectLock | None:
    """The lock, held if it could be taken; None where no lock can be made (a read-only disk)."""
    lock = ProjectLock(inside(folder, LOCK))
    try:
        lock.acquire()
    except storage.StorageError:
        return None
    return lock


def _load_images(
    session: ProjectSession, document: Document, search: Sequence[Path], notices: list[str]
) -> list[str]:
    """Put all images on the list, with their masks; the ids of those whose files are missing."""
    manifest, folder = session.manifest, session.folder
    where = {entry.id: locating.located(entry, folder) for entry in manifest.images}
    lost = [entry for entry in manifest.images if where[entry.id] is None and places(entry, folder)]
    if lost:
        found = locating.search(lost, [folder, *search])
        where |= found
        notices += [f"“{shown(path.name)}” was found at another place." for path in found.values()]
    for entry in manifest.images:
        _load_image(session, document, entry, where[entry.id], notices)
    missing = [entry.id for entry in lost if where[entry.id] is None]
    if missing:
        notices.append(f"{len(missing)} images were not found; their masks are kept.")
    return missing


def _load_image(
    session: ProjectSession,
    document: Document,
    entry: ImageEntryModel,
    found: Path | None,
    notices: list[str],
) -> None:
    guesses = places(entry, session.folder)
    path = found or (guesses[0] if guesses else None)
    layer = MaskLayer(entry.shape) if entry.shape is not None else None
    problem: LatentsegError | None = None
    if entry.mask is not None and layer is not None:
        try:
            _defer(layer, entry.mask, session.folder)
        except ProjectError as error:
            # The manifest keeps its reference: a failed read must not look like an empty mask.
            problem = error
            layer = None
            session.kept_masks |= {entry.mask.labels, entry.mask.provenance, entry.mask.instances or ""}
            notices.append(f"{error.what} It belongs to “{shown(path.name) if path else entry.id}”.")
    document.restore_image(entry.id, path, entry.frame, layer)
    if layer is not None:
        session.loaded(entry.id, layer.version)
    if problem is not None:
        document.set_error(entry.id, problem)
    if found is not None and locating.is_changed(entry, found):
        notices.append(f"“{shown(found.name)}” has changed since its mask was saved.")


def _defer(layer: MaskLayer, names: MaskFiles, folder: Path) -> None:
    """Give the layer the mask of the files; it is decoded when it is first looked at."""
    files = mask_files.read_files(inside(folder, MASKS), names)
    unpack = partial(_unpacked, files, names, layer.shape)
    vouched = names.vouched
    if vouched is None:
        vouched = int(np.count_nonzero(unpack()[0] != UNLABELLED))
    layer.defer(unpack, vouched)


def _unpacked(files: list[bytes], names: MaskFiles, shape: tuple[int, int]) -> Arrays:
    return mask_files.decoded(files, names, shape)


def _ours(session: ProjectSession, notices: list[str]) -> list[_JournalFile]:
    """The journals of this project whose changes the save does not hold yet."""
    journals = []
    for path in journal_files(session.folder):
        contents = _journal_contents(path)
        header = contents.header
        if contents.good_bytes == 0 and not contents.is_damaged:
            storage.remove_file(path)
        elif header is None or header.project != session.manifest.project:
            set_aside(path)
            notices.append("A journal that does not belong to this project was put aside.")
        elif header.base in session.manifest.holds:
            storage.remove_file(path)
        else:
            journals.append(_JournalFile(path, header, contents))
    return journals


def _chain(session: ProjectSession, notices: list[str]) -> list[_JournalFile]:
    """The journals that follow the save, in order; others are put aside, or removed if nothing is in them."""
    journals = _ours(session, notices)
    chain = [journal for journal in journals if journal.header.base == session.manifest.save][:1]
    chain += _following(session.manifest.save, [journal for journal in journals if journal not in chain])
    if not any(_has_something(journal) for journal in chain):
        chain = []
    for journal in journals:
        if journal in chain:
            continue
        if _has_something(journal):
            set_aside(journal.path)
            notices.append("A journal that does not follow the last save was put aside.")
        else:
            storage.remove_file(journal.path)
    return chain


def _has_something(journal: _JournalFile) -> bool:
    return bool(journal.contents.records) or journal.contents.is_damaged


def _following(token: str, journals: list[_JournalFile]) -> list[_JournalFile]:
    """The journals that follow one another after ``token``: of several ways the one with the most changes.

    Empty journals are links too: a save that failed leaves one before any change was made.
    """
    best: list[_JournalFile] = []
    for journal in journals:
        if journal.header.previous == token:
            rest = [other for other in journals if other is not journal]
            way = [journal, *_following(journal.header.base, rest)]
            if not best or _count(way) > _count(best):
                best = way
    return best


def _count(chain: list[_JournalFile]) -> int:
    return sum(len(journal.contents.records) for journal in chain)


def _journal_contents(path: Path) -> JournalContents:
    try:
        with open(path, "rb") as file:
            return read_journal(file.read(_MAX_JOURNAL))
    except OSError:
        return JournalContents(None, (), (), 0, True)
