"""The versions of the weights in the folder of a project: files named by the hash of what they hold."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io import storage
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import WeightsList, WeightsVersion, inside
from latentseg_gui.io.regular_files import open_regular

WEIGHTS = "weights"
_SUFFIX = ".safetensors"
_PIECE = 2**20


class FileMark(NamedTuple):
    """What a file holds: its SHA-256 in hexadecimal digits, and its bytes."""

    sha256: str
    size: int


def mark_of(path: Path) -> FileMark:
    """Read a file once and say what it holds.

    Raises:
        OSError: if it cannot be read, or is not a regular file.
    """
    digest, size = hashlib.sha256(), 0
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return FileMark(digest.hexdigest(), size)


class WeightsShelf:
    """What a project knows of its versions, and their files in it. Equal files are there once.

    A file stays as long as anything refers to it that can still be opened or restored: the manifest, a save
    that is being written, the list that was noted last, and the one before (the last note may be cut by a crash).

    Args:
        folder: of the project.
        listed: what its manifest lists.
    """

    def __init__(self, folder: Path, listed: WeightsList | None) -> None:
        self.listed = listed
        """What the project lists now; None while nothing was ever said about versions."""
        self.damaged: dict[str, str] = {}
        """Versions whose file is missing or damaged, and what to tell the user; they stay on the list."""
        self.saving: frozenset[str] = frozenset()
        """Hashes that a save that is being written refers to."""
        self._folder = folder
        self._held: frozenset[str] = _hashes(listed)
        self._coming: frozenset[str] = frozenset()

    @property
    def versions(self) -> tuple[WeightsVersion, ...]:
        """What is listed now."""
        return () if self.listed is None else tuple(self.listed.versions)

    def path(self, sha256: str) -> Path:
        """Where the file with these contents is, or would be."""
        return self._folder / WEIGHTS / f"{sha256}{_SUFFIX}"

    def note(self, listed: WeightsList) -> None:
        """From now on this is the list; files of the one before are still kept."""
        self._held, self._coming = _hashes(self.listed) | _hashes(listed), frozenset()
        self.listed = listed

    def begin_save(self, listed: WeightsList | None) -> None:
        """A save that lists these begins, and with it another journal, in which nothing was noted yet."""
        self.saving = _hashes(listed)
        self._held = _hashes(self.listed)

    def hold(self, sha256: str) -> None:
        """A file that is about to be listed; it is not swept away meanwhile."""
        self._coming |= {sha256}

    def put(self, source: Path, mark: FileMark, *, is_shared: bool) -> None:
        """Have a file in the project; nothing happens if it is there. Any thread may do so.

        Args:
            source: the file.
            mark: what it holds.
            is_shared: whether it may be the same file under two names, because nobody ever writes into it.

        Raises:
            FileNotFoundError: if the source is gone.
            LatentsegError: if it cannot be written, or the source holds something else by now.
        """
        self.hold(mark.sha256)
        target = self.path(mark.sha256)
        if _is_there(target, mark.size):
            return
        storage.make_folder(inside(self._folder, WEIGHTS))
        if is_shared and storage.share_file(source, target):
            return
        storage.copy_file(source, target)
        if mark_of(target) != mark:
            storage.remove_file(target)
            raise storage.StorageError(
                f"“{shown(source.name)}” was changed while it was copied.", action="Open the weights again."
            )

    def share(self, source: Path, mark: FileMark) -> bool:
        """As `put`, but only if it takes no time; whether it is there now."""
        self.hold(mark.sha256)
        target = self.path(mark.sha256)
        if _is_there(target, mark.size):
            return True
        storage.make_folder(inside(self._folder, WEIGHTS))
        return storage.share_file(source, target)

    def check(self, versions: Iterable[WeightsVersion]) -> list[str]:
        """Read the files of versions; a sentence for each that is missing or not what it was."""
        sentences = []
        known: dict[str, bool] = {}
        for version in versions:
            if version.sha256 not in known:
                known[version.sha256] = self._is_whole(version)
            if not known[version.sha256] and version.name not in self.damaged:
                self.damaged[version.name] = (
                    f"The version “{version.name}” of the weights cannot be used: its file in the folder "
                    f"“{WEIGHTS}” of the project is missing or damaged. Bring it back from a backup, or "
                    "remove the version from the list."
                )
                sentences.append(self.damaged[version.name])
        return sentences

    def fill(self, listed: WeightsList | None, sources: Mapping[str, Path]) -> list[str]:
        """Have the files of a list in the project, from where they are by hash; names of those that are gone.

        Raises:
            LatentsegError: if one cannot be written.
        """
        gone = []
        for version in [] if listed is None else listed.versions:
            source = sources.get(version.sha256)
            if source is None or version.name in self.damaged:
                continue
            try:
                self.put(source, FileMark(version.sha256, version.size), is_shared=False)
            except FileNotFoundError:
                gone.append(version.name)
        return gone

    def sweep(self, saved: WeightsList | None) -> None:
        """Remove what nothing refers to any more; what cannot be removed is left for next time.

        Args:
            saved: what the manifest on the disk lists.
        """
        needed = _hashes(saved) | self._held | self._coming | self.saving
        try:
            folder = inside(self._folder, WEIGHTS)
            names = [entry.name for entry in os.scandir(folder)] if folder.is_dir() else []
            for name in names:
                if _is_ours(name) and name.removesuffix(_SUFFIX) not in needed:
                    storage.remove_file(folder / name)
        except (OSError, LatentsegError):
            return

    def forget_unsaved(self, saved: WeightsList | None) -> None:
        """Only what the manifest lists counts from now on; the rest is removed."""
        self._held = self._coming = self.saving = frozenset()
        self.sweep(saved)

    def _is_whole(self, version: WeightsVersion) -> bool:
        try:
            path = inside(self._folder, f"{WEIGHTS}/{version.sha256}{_SUFFIX}")
            return mark_of(path).sha256 == version.sha256
        except (OSError, LatentsegError):
            return False


def merged(listed: WeightsList, before: WeightsList | None) -> WeightsList:
    """A list with what another program once said of the same versions, which this one does not know."""
    if before is None:
        return listed
    known = {version.name: version for version in before.versions}
    versions = []
    for version in listed.versions:
        old = known.get(version.name)
        is_same = old is not None and old.sha256 == version.sha256
        versions.append(
            old.model_copy(update=version.model_dump()) if old is not None and is_same else version
        )
    return before.model_copy(update={"versions": versions, "in_use": listed.in_use})


def _hashes(listed: WeightsList | None) -> frozenset[str]:
    return frozenset() if listed is None else frozenset(version.sha256 for version in listed.versions)


def _is_there(path: Path, size: int) -> bool:
    """Whether the file is there whole; a crash leaves none that is shorter, but a tampered disk might."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def _is_ours(name: str) -> bool:
    return name.endswith(_SUFFIX) and len(name) == 64 + len(_SUFFIX)
