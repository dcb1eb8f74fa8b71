"""Opening a project: what was saved, what a crash left to be recovered, and what is missing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Arrays, MaskLayer
from latentseg_gui.document.project.kept_prompts import take_prompts
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io import storage
from latentseg_gui.io.lock import ProjectLock
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project import locating, mask_files
from latentseg_gui.io.project.journal_chain import chain_of
from latentseg_gui.io.project.manifest import (
    MAKERS,
    MANIFEST,
    MAX_BYTES,
    PROMPTS,
    SCHEMA,
    ImageEntryModel,
    MaskFiles,
    NewerProjectError,
    ProjectError,
    has_place,
    inside,
    is_remote,
    parse,
    parse_newer,
    places,
)
from latentseg_gui.io.project.orphans import orphans_in, sentence, without_orphans
from latentseg_gui.io.project.recovery import Recovery
from latentseg_gui.io.project.saving import LOCK, MASKS, ProjectSession
from latentseg_gui.io.project.weights_shelf import WEIGHTS
from latentseg_gui.io.regular_files import open_regular

_DECODED_AT_ONCE = 2**25
"""Pixels of masks that are decoded while a project is opened."""

__all__ = ["OpenedProject", "Recovery", "open_project"]


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


def _opened(session: ProjectSession, data: bytes, schema: int, search: Sequence[Path]) -> OpenedProject:
    session.manifest_hash = hashlib.sha256(data).hexdigest()
    if schema < SCHEMA:
        session.old_manifest = schema, data
    notices = [session.read_only_reason] if session.is_read_only else []
    document = Document(session.manifest.class_table())
    missing = _load_images(session, document, search, notices)
    take_prompts(document, session.manifest.settings.get(PROMPTS))
    document.makers.take(session.manifest.settings.get(MAKERS))
    document.mark_saved()
    notices += session.weights.check(session.weights.versions)
    recovery = None
    if not session.is_read_only:
        storage.remove_temporary_files(session.folder)
        for name in (MASKS, WEIGHTS):
            if (session.folder / name).is_dir():
                storage.remove_temporary_files(inside(session.folder, name))
        chain = chain_of(session.folder, session.manifest, notices)
        if chain:
            recovery = Recovery(session, chain)
        else:
            session.start_journal(session.manifest.save)
    return OpenedProject(document, session, tuple(missing), tuple(notices), recovery)


def _manifest_bytes(folder: Path) -> bytes:
    path = inside(folder, MANIFEST)
    try:
        with open_regular(path) as file:
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
    lost = [entry for entry in manifest.images if where[entry.id] is None and has_place(entry)]
    if lost:
        found = locating.search(lost, [folder, *search])
        where |= found
        notices += [f"“{shown(path.name)}” was found at another place." for path in found.values()]
    loading = _Loading(session, document, notices)
    for entry in manifest.images:
        loading.load(entry, where[entry.id])
    missing = [entry.id for entry in lost if where[entry.id] is None]
    if missing:
        notices.append(f"{len(missing)} images were not found; their masks are kept.")
    remote = sum(is_remote(entry, folder) for entry in lost if where[entry.id] is None)
    if remote:
        notices.append(
            f"{remote} of them lie on another computer by what the project says. A project is never followed "
            "there: copy these images beside it, or open them yourself."
        )
    return missing


class _Loading:
    """Puts the images of a project into a document, one after the other."""

    def __init__(self, session: ProjectSession, document: Document, notices: list[str]) -> None:
        self._session = session
        self._document = document
        self._notices = notices
        self._pixels = 0

    def load(self, entry: ImageEntryModel, found: Path | None) -> None:
        """Put an image on the list, with its mask if that is whole."""
        session, document = self._session, self._document
        path = found or next(places(entry, session.folder), None)
        layer = MaskLayer(entry.shape) if entry.shape is not None else None
        problem: LatentsegError | None = None
        if entry.mask is not None and layer is not None:
            try:
                self._defer(layer, entry, entry.mask, found)
            except ProjectError as error:
                # The manifest keeps its reference: a failed read must not look like an empty mask.
                problem, layer = error, None
                self._keep(entry.mask)
                self._notices.append(
                    f"{error.what} It belongs to “{shown(path.name) if path else entry.id}”."
                )
        document.images.restore(entry.id, path, entry.frame, layer)
        if layer is not None:
            session.loaded(entry.id, layer.version)
        if problem is not None:
            document.records.set_error(entry.id, problem)
        if found is not None and locating.is_changed(entry, found):
            self._notices.append(f"“{shown(found.name)}” has changed since its mask was saved.")

    def _defer(self, layer: MaskLayer, entry: ImageEntryModel, names: MaskFiles, found: Path | None) -> None:
        """Give the layer the mask of the files; it is decoded when it is first looked at.

        The first few are decoded now: a label without a class is better said at once than when it is met.
        """
        files = mask_files.read_files(inside(self._session.folder, MASKS), names)
        own = found if entry.frame == 0 else None
        unpack = _Unpacking(tuple(files), names, layer.shape, self._document.classes.ids, own)
        self._pixels += layer.shape[0] * layer.shape[1]
        labelled = names.labelled
        if labelled is None or self._pixels <= _DECODED_AT_ONCE or not unpack.has_sound_size:
            labelled = self._looked_at(unpack, found.name if found is not None else entry.id)
        layer.defer(unpack, labelled)

    def _looked_at(self, unpack: _Unpacking, name: str) -> int:
        """Decode a mask and say what is wrong with it; how many pixels are labelled."""
        try:
            labels = unpack.whole()[0]
        except ProjectError as error:  # said again whenever somebody looks at the mask
            self._keep(unpack.names)
            self._notices.append(f"{error.what} It belongs to “{shown(name)}”.")
            return unpack.names.labelled or 0
        orphans = orphans_in(labels, unpack.class_ids)
        if orphans:
            self._keep(unpack.names)
            self._notices.append(sentence(name, orphans))
        return int(np.count_nonzero(labels != UNLABELLED) - np.isin(labels, orphans).sum())

    def _keep(self, names: MaskFiles) -> None:
        self._session.kept_masks |= {names.labels, names.provenance, names.instances or ""}


@dataclass(frozen=True, slots=True)
class _Unpacking:
    """Files of a mask, to be decoded; labels without a class become unlabelled.

    Attributes:
        image: whose mask it is, where its size can be looked up; no mask is larger.
    """

    files: tuple[bytes, ...]
    names: MaskFiles
    shape: tuple[int, int]
    class_ids: tuple[int, ...]
    image: Path | None

    @property
    def has_sound_size(self) -> bool:
        """Whether it is no larger than its image, as far as is known."""
        return locating.is_sound(self.shape, self.image)

    def whole(self) -> Arrays:
        """The mask as the files have it.

        Raises:
            ProjectError: if it is damaged, or larger than its image.
        """
        if not self.has_sound_size:
            raise mask_files.damaged_mask_file(Path(self.names.labels), "it is larger than its image")
        return mask_files.decoded(list(self.files), self.names, self.shape)

    def __call__(self) -> Arrays:
        return without_orphans(self.whole(), self.class_ids)
