"""Saving and opening projects: a folder with a manifest, content-addressed masks, and a journal.

The rename of the manifest is the moment at which a save has happened. Before it, the new mask files lie
beside the old ones; after it, what nobody refers to is removed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.project.changes import Change
from latentseg_gui.io import storage
from latentseg_gui.io.lock import ProjectLock
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project import locating, mask_files
from latentseg_gui.io.project.journal import Journal, JournalHeader
from latentseg_gui.io.project.manifest import (
    MANIFEST,
    SCHEMA,
    ClassEntry,
    ImageEntryModel,
    MaskFiles,
    ProjectError,
    ProjectFile,
    WeightsList,
    inside,
    path_fields,
)
from latentseg_gui.io.project.weights_shelf import WEIGHTS, WeightsShelf, merged

MASKS = "masks"
LOCK = ".lock"
JOURNAL_PREFIX, JOURNAL_SUFFIX = "journal-", ".log"


@dataclass(frozen=True, slots=True)
class ProjectSnapshot:
    """A document as it was at one moment, to be written in any thread.

    Attributes:
        manifest: complete but for the masks in ``arrays`` and missing hashes of images.
        arrays: masks that changed since the last save, by image id; each is copied when it is written.
        versions: version of the mask of each image, by image id.
        paths: files of the images, by image id.
        revision: of the document; for `Document.mark_saved`.
        weights: files of versions of the weights by hash, where they are not in the project yet.
    """

    manifest: ProjectFile
    arrays: dict[str, Callable[[], Arrays]]
    versions: dict[str, int]
    paths: dict[str, Path]
    revision: int
    weights: Mapping[str, Path] = field(default_factory=dict)


class ProjectSession:
    """An open project folder: its last saved state, its lock, and its journal.

    Made by `open_project` and `create_project`. Everything but `write` belongs to the thread of the document.
    """

    def __init__(
        self, folder: Path, manifest: ProjectFile, lock: ProjectLock | None, reason: str = ""
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.read_only_reason = reason
        """Why nothing can be saved here; empty if it can."""
        self.kept_masks: set[str] = set()
        """Damaged mask files, never removed: they may be repaired."""
        self.old_manifest: tuple[int, bytes] | None = None
        """Schema and bytes of a manifest of an older program, kept as a backup by the next save."""
        self.manifest_hash = ""
        self.weights = WeightsShelf(folder, manifest.weights)
        self.lost_weights: list[str] = []
        """Versions that the last save could not put into the project: their files were gone."""
        self._versions: dict[str, int] = {}
        self._lock = lock
        self._journal: Journal | None = None
        self._token = manifest.save

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be saved here."""
        return bool(self.read_only_reason)

    def loaded(self, image_id: str, version: int) -> None:
        """The mask of an image is, at this version of its layer, the one of the manifest."""
        self._versions[image_id] = version

    def start_journal(self, previous: str) -> None:
        """Begin to record changes that follow the save or journal ``previous``.

        Raises:
            StorageError: if the file cannot be made.
        """
        self._rotate(uuid4().hex, previous)

    def record(self, changes: Sequence[Change], document: Document) -> None:
        """Write changes to the journal; connect it to `History.events.applied`.

        Raises:
            StorageError: if they cannot be written; the document keeps them all the same.
        """
        if self._journal is not None:
            for change in changes:
                self._journal.append(change, document)

    def record_weights(self, listed: WeightsList) -> None:
        """Write the list of versions of the weights to the journal; their files are there already.

        Raises:
            StorageError: if it cannot be written.
        """
        if self._journal is not None:
            self._journal.append_weights(listed)

    def sync_journal(self) -> None:
        """Have the journal, and the names of new files of weights, on the disk; takes milliseconds."""
        if self._journal is not None:
            self._journal.sync()
            storage.sync_folder(self.folder / WEIGHTS)

    def is_changed_outside(self) -> bool:
        """Whether another program has changed or removed the manifest since it was read or written."""
        try:
            return locating.hash_of(self.folder / MANIFEST) != self.manifest_hash
        except OSError:
            return bool(self.manifest_hash)

    def snapshot(
        self,
        document: Document,
        settings: dict[str, Any] | None = None,
        weights: WeightsList | None = None,
        sources: Mapping[str, Path] | None = None,
    ) -> ProjectSnapshot:
        """Take what is to be saved; changes after this go to a new journal.

        Args:
            document: what to save.
            settings: replaces the settings of the manifest; None keeps them.
            weights: the versions of the weights; None keeps those that are listed.
            sources: files of versions by hash, where they are not in the project yet.

        Raises:
            ProjectError: if the project is read-only.
            StorageError: if the new journal cannot be made; the old one goes on.
        """
        self._check_writable()
        save = uuid4().hex
        arrays: dict[str, Callable[[], Arrays]] = {}
        before = {entry.id: entry for entry in self.manifest.images}
        entries = [self._entry(document, key, before.get(key), arrays) for key in document.images.ids]
        changes: dict[str, Any] = {
            "save": save,
            "holds": [_journal_id(path) for path in journal_files(self.folder)],
            "counter": self.manifest.counter + 1,
            "schema_version": SCHEMA,
            "classes": self._classes(document),
            "images": entries,
        }
        if settings is not None:
            changes["settings"] = settings
        listed = self.weights.listed if weights is None else merged(weights, self.weights.listed)
        changes["weights"] = listed
        self.weights.begin_save(listed)
        manifest = self.manifest.model_copy(update=changes)
        versions = {
            image_id: document.masks.layer(image_id).version
            for image_id in document.images.ids
            if document.masks.shape(image_id) is not None
        }
        paths = {key: path for key in document.images.ids if (path := document.images.path(key)) is not None}
        self._rotate(save, self._token)
        return ProjectSnapshot(manifest, arrays, versions, paths, document.revision, sources or {})

    def write(self, snapshot: ProjectSnapshot) -> None:
        """Save a snapshot; may run in another thread, one save at a time.

        Raises:
            StorageError: if something cannot be written; the project is as it was before.
        """
        masks = inside(self.folder, MASKS)
        storage.make_folder(masks)
        new_names: dict[str, MaskFiles] = {}
        for image_id, arrays in snapshot.arrays.items():
            new_names[image_id], files = mask_files.encoded_arrays(arrays())
            for name, data in files.items():
                if not (masks / name).exists():
                    storage.atomic_write(masks / name, data)
        self.lost_weights = self.weights.fill(snapshot.manifest.weights, snapshot.weights)
        entries = [locating.completed(entry, new_names, snapshot.paths) for entry in snapshot.manifest.images]
        manifest = snapshot.manifest.model_copy(update={"images": entries})
        if self.old_manifest is not None:
            schema, old = self.old_manifest
            storage.atomic_write(inside(self.folder, f"{MANIFEST}.v{schema}.bak"), old)
        data = manifest.to_bytes()
        storage.atomic_write(inside(self.folder, MANIFEST), data)
        self.manifest = manifest
        self.manifest_hash = hashlib.sha256(data).hexdigest()
        self.old_manifest = None
        self._versions = {key: snapshot.versions[key] for key in snapshot.versions}
        self._clean_up(manifest)

    def close(self) -> None:
        """The window is done with the project: no journal stays (what is not saved is discarded)."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
            for path in journal_files(self.folder):
                storage.remove_file(path)
            self.weights.forget_unsaved(self.manifest.weights)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the folder but leave the journal, as after a crash."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._lock is not None:
            self._lock.release()

    def _check_writable(self) -> None:
        if self.is_read_only:
            raise ProjectError(self.read_only_reason, action="Save a copy under another name.")

    def _classes(self, document: Document) -> list[ClassEntry]:
        known = {entry.id: entry for entry in self.manifest.classes}
        entries = []
        for class_id, entry in zip(document.classes.ids, document.classes, strict=True):
            values = {
                "id": class_id,
                "name": entry.name,
                "colour": entry.colour,
                "is_locked": entry.is_locked,
                "is_visible": entry.is_visible,
                "is_thing": entry.is_thing,
                "smallest": entry.smallest,
            }
            before = known.get(class_id)
            entries.append(before.model_copy(update=values) if before else ClassEntry.model_validate(values))
        return entries

    def _entry(
        self,
        document: Document,
        image_id: str,
        before: ImageEntryModel | None,
        arrays: dict[str, Callable[[], Arrays]],
    ) -> ImageEntryModel:
        """The entry of an image; a mask that the manifest does not have yet goes to ``arrays``."""
        path, shape = document.images.path(image_id), document.masks.shape(image_id)
        values: dict[str, Any] = {"id": image_id, "frame": document.images.frame(image_id)}
        if path is not None:
            values |= path_fields(path, self.folder)
        if shape is not None:
            values |= {"width": shape[1], "height": shape[0]}
            layer = document.masks.layer(image_id)
            is_saved = before is not None and before.mask is not None and self._has_files(before.mask)
            if layer.is_touched and not (is_saved and self._versions.get(image_id) == layer.version):
                arrays[image_id] = layer.snapshot()
        return before.model_copy(update=values) if before else ImageEntryModel.model_validate(values)

    def _has_files(self, names: MaskFiles) -> bool:
        files = (names.labels, names.provenance, names.instances)
        return all((self.folder / MASKS / name).exists() for name in files if name is not None)

    def _rotate(self, base: str, previous: str) -> None:
        path = inside(self.folder, f"{JOURNAL_PREFIX}{base}{JOURNAL_SUFFIX}")
        journal = Journal(path, self.folder, JournalHeader(self.manifest.project, base, previous))
        if self._journal is not None:
            self._journal.close()
        self._journal = journal
        self._token = base

    def _clean_up(self, manifest: ProjectFile) -> None:
        """Remove what the manifest does not need any more; what cannot be removed is left for next time."""
        needed = set(self.kept_masks)
        for entry in manifest.images:
            if entry.mask is not None:
                needed |= {entry.mask.labels, entry.mask.provenance, entry.mask.instances or ""}
        journal = f"{JOURNAL_PREFIX}{manifest.save}{JOURNAL_SUFFIX}"
        try:
            masks = [path for path in (self.folder / MASKS).iterdir() if _is_mask_file(path)]
            garbage = [path for path in masks if path.name not in needed]
            garbage += [path for path in journal_files(self.folder) if path.name != journal]
            garbage += self.folder.glob(f"{JOURNAL_PREFIX}*{JOURNAL_SUFFIX}.discarded")
            for path in garbage:
                storage.remove_file(path)
        except (OSError, LatentsegError):
            return
        self.weights.saving = frozenset()
        self.weights.sweep(manifest.weights)


def create_project(folder: Path, document: Document, like: ProjectFile | None = None) -> ProjectSession:
    """Make a new project in a folder, ready to be saved to.

    Args:
        folder: it is made if need be.
        document: whose classes it starts with.
        like: a project of which it becomes a copy: its settings, and what is said of its images, are kept.

    Raises:
        ProjectError: if there is a project already, or somebody else is making one.
        StorageError: if the folder cannot be used.
    """
    folder = Path(os.path.abspath(folder))
    storage.make_folder(folder)
    if (folder / MANIFEST).exists():
        raise ProjectError(
            f"There is already a project in “{shown(folder.name)}”.",
            action="Open it, or choose another folder.",
        )
    lock = ProjectLock(inside(folder, LOCK))
    if not lock.acquire():
        raise ProjectError(
            f"“{shown(folder.name)}” is in use by {lock.owner() or 'another program'}.",
            action="Choose another folder.",
        )
    fresh: dict[str, Any] = {"project": uuid4().hex, "save": "none", "counter": 0}
    if like is not None:
        images = [entry.model_copy(update={"mask": None}) for entry in like.images]
        return ProjectSession(folder, like.model_copy(update={**fresh, "images": images}), lock)
    classes = [
        ClassEntry(id=class_id, name=entry.name, colour=entry.colour)
        for class_id, entry in zip(document.classes.ids, document.classes, strict=True)
    ]
    return ProjectSession(folder, ProjectFile(**fresh, classes=classes), lock)


def save_project(
    document: Document,
    folder: Path,
    session: ProjectSession | None = None,
    settings: dict[str, Any] | None = None,
) -> ProjectSession:
    """Save in this thread; the document is clean afterwards.

    Args:
        document: what to save.
        folder: the project's folder; it is made if need be.
        session: the open project in that folder; None makes a new project, and one of another folder a
            copy of it (the other stays open: close it when the copy is to be used from now on).
        settings: what the window wants to find again; None keeps what is there.

    Returns:
        The session to save to from now on.

    Raises:
        ProjectError: if the project is read-only, or another one is there.
        StorageError: if something cannot be written; what was there is untouched.
    """
    if session is not None and session.folder == Path(os.path.abspath(folder)):
        target, is_new = session, False
    else:
        target, is_new = create_project(folder, document, session.manifest if session else None), True
    try:
        listed, sources = (None, {}) if session is None or not is_new else _weights_of(session)
        snapshot = target.snapshot(document, settings, listed, sources)
        target.write(snapshot)
    except BaseException:
        if is_new:
            target.close()
        raise
    document.mark_saved(snapshot.revision)
    return target


def _weights_of(session: ProjectSession) -> tuple[WeightsList | None, dict[str, Path]]:
    """What a project lists of the weights, and where their files are."""
    shelf = session.weights
    whole = [version for version in shelf.versions if version.name not in shelf.damaged]
    return shelf.listed, {version.sha256: shelf.path(version.sha256) for version in whole}


def journal_files(folder: Path) -> list[Path]:
    """The journals in a project's folder."""
    return sorted(folder.glob(f"{JOURNAL_PREFIX}*{JOURNAL_SUFFIX}"))


def _journal_id(path: Path) -> str:
    return path.name.removeprefix(JOURNAL_PREFIX).removesuffix(JOURNAL_SUFFIX)


def _is_mask_file(path: Path) -> bool:
    return path.suffix in (".png", ".tif") and len(path.stem) == 64
