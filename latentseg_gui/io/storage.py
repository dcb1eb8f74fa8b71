"""The one module that writes files. A file it replaces is, at every moment, the old or the new one.

Write to a temporary file in the same folder, flush, fsync, rename over the target, fsync the folder:
a crash, a full disk or a power cut leaves the old file or the new one, never half of one.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Final

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.paths import shown
from latentseg_gui.io.regular_files import open_regular

TEMPORARY_PREFIX: Final = ".latentseg-"
TEMPORARY_SUFFIX: Final = ".tmp"

_PIECE: Final = 2**22

_UMASK = os.umask(0)
os.umask(_UMASK)

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space, or save somewhere else."),
    errno.EDQUOT: ("your disk quota is used up", "Free some space, or save somewhere else."),
    errno.EFBIG: ("the file would be too large for this disk", "Save somewhere else."),
    errno.EROFS: ("the disk is read-only", "Save somewhere else."),
    errno.EACCES: ("you may not write there", "Save somewhere else, or change the permissions."),
    errno.EPERM: ("you may not write there", "Save somewhere else, or change the permissions."),
    errno.ENOENT: ("the folder does not exist", "Choose another folder."),
    errno.ENOTDIR: ("a part of the path is not a folder", "Choose another folder."),
    errno.EISDIR: ("there is a folder of that name", "Choose another name."),
    errno.EEXIST: ("there is a file of that name in the way", "Choose another name."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter name."),
    errno.EIO: ("the disk reported an error", "Save somewhere else, and check the disk."),
}


class StorageError(LatentsegError):
    """A file could not be written; what was there before still is."""


class Disk:
    """The calls to the operating system that writing consists of; tests make each of them fail."""

    def create(self, folder: Path) -> tuple[int, Path]:
        """A new, empty temporary file: descriptor and path."""
        descriptor, name = tempfile.mkstemp(TEMPORARY_SUFFIX, TEMPORARY_PREFIX, os.fspath(folder))
        return descriptor, Path(name)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write a piece; how many bytes were taken."""
        return os.write(descriptor, data)

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Set the permissions."""
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)

    def sync(self, descriptor: int) -> None:
        """Have the data on the disk, not only on its way."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close the file."""
        os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Rename; an existing target is replaced."""
        os.replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        """Have the names of a folder on the disk; systems that cannot do so see to it themselves."""
        if os.name == "nt":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        os.link(source, target, follow_symlinks=False)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, as private as what they are in."""
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=_mode_in(each.parent, 0o777), exist_ok=True)
        if not folder.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(folder))

    def open_append(self, path: Path) -> int:
        """A descriptor of a file (made if need be) to read and write."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, _mode_in(path.parent, 0o666))

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink(missing_ok=True)


disk = Disk()
"""What all functions here go through."""


_private: set[Path] = set()
"""Folders in which everything is for its owner only."""


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can look into, or make it so; what is written there is private, too.

    Raises:
        OSError: if that is not possible.
    """
    _private.add(Path(os.path.realpath(folder)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)


def _mode_in(folder: Path, mode: int) -> int:
    """``mode``, or what is left of it for the owner inside a private folder."""
    folder = Path(os.path.realpath(folder))
    return mode & 0o700 if _private.intersection((folder, *folder.parents)) else mode


def atomic_write(path: Path, data: bytes | memoryview | Callable[[BinaryIO], None]) -> None:
    """Write a file completely, or leave what is there.

    Args:
        path: the file. A link is followed, its target replaced.
        data: the contents, or a function that writes them to an open file (in memory).

    Raises:
        StorageError: if it cannot be written; no temporary file is left.
    """
    if callable(data):
        buffer = io.BytesIO()
        data(buffer)
        data = buffer.getbuffer()
    try:
        _replace_file(Path(os.path.realpath(path)), [memoryview(data)])
    except OSError as error:
        raise storage_error(path, error) from error


def share_file(source: Path, target: Path) -> bool:
    """Give a file a second name; False where that is not possible (another disk).

    Only for files that are never written to again, here or by others.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    try:
        disk.link(source, target)
    except FileExistsError:
        _remove_quietly(target)  # it was looked at: it is not the same file
        return False
    except FileNotFoundError:
        raise
    except (OSError, NotImplementedError):
        return False
    return True


def copy_file(source: Path, target: Path) -> None:
    """Copy a file completely, or leave what is there.

    Raises:
        FileNotFoundError: if there is no such file.
        StorageError: if it cannot be copied.
    """
    with open_regular(source) as file:
        try:
            _replace_file(target, iter(lambda: file.read(_PIECE), b""))
        except OSError as error:
            raise storage_error(target, error) from error


def append_whole(path: Path, data: bytes) -> None:
    """Add ``data`` to a file, which is made if need be, several processes at a time; StorageError if that fails."""
    try:
        with open(path, "ab", buffering=0) as file:
            file.write(data)
    except OSError as error:
        raise storage_error(path, error) from error


def make_link(path: Path, target: str) -> None:
    """Make a symbolic link, in place of what is there; StorageError if the system has none."""
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.urandom(6).hex()}{TEMPORARY_SUFFIX}")
    try:
        os.symlink(target, temporary)
        disk.replace(temporary, path)
    except OSError as error:
        _remove_quietly(temporary)
        raise storage_error(path, error) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; StorageError if that is not possible."""
    try:
        disk.make_folder(folder)
    except OSError as error:
        raise storage_error(folder, error) from error


def sync_folder(folder: Path) -> None:
    """Have the names of a folder on the disk, if there is one; StorageError if that is not possible."""
    try:
        if folder.is_dir():
            disk.sync_folder(folder)
    except OSError as error:
        raise storage_error(folder, error) from error


def remove_file(path: Path) -> None:
    """Delete a file if it is there; StorageError if that is not possible."""
    try:
        disk.remove(path)
    except OSError as error:
        raise storage_error(path, error) from error


def move_file(source: Path, target: Path) -> None:
    """Rename a file; StorageError if that is not possible."""
    try:
        disk.replace(source, target)
        disk.sync_folder(target.parent)
    except OSError as error:
        raise storage_error(target, error) from error


def remove_temporary_files(folder: Path) -> None:
    """Delete what a crash left behind in a folder; only call it while no other process writes there."""
    try:
        left = [
            Path(entry.path)
            for entry in os.scandir(folder)
            if entry.name.startswith(TEMPORARY_PREFIX) and entry.name.endswith(TEMPORARY_SUFFIX)
        ]
    except OSError as error:
        raise storage_error(folder, error) from error
    for path in left:
        remove_file(path)


def storage_error(path: Path, error: OSError) -> StorageError:
    """What to tell the user of a failed write."""
    what, action = _REASONS.get(error.errno or 0, ("the system refused it", "Try another place."))
    return StorageError(
        f"“{shown(path.name)}” could not be written: {what}.",
        action=f"{action} Nothing was lost: what was there before still is.",
        detail=f"{shown(path)}: {error!r}",
    )


class AppendFile:
    """A file that only grows, for a journal. Every failure is a StorageError.

    Args:
        path: made if it is not there.
        keep: how many bytes of it to keep; what comes after is cut off. None keeps everything.
    """

    def __init__(self, path: Path, keep: int | None = None) -> None:
        self._path = path
        try:
            self._descriptor = disk.open_append(path)
        except OSError as error:
            raise storage_error(path, error) from error
        try:
            self._size = os.fstat(self._descriptor).st_size
            if keep is not None and keep < self._size:
                self._cut(keep)
        except OSError as error:
            self.close()
            raise storage_error(path, error) from error

    @property
    def size(self) -> int:
        """Bytes that were written completely."""
        return self._size

    def append(self, data: bytes) -> None:
        """Add ``data``; if that fails, nothing of it stays. It survives the end of this process."""
        try:
            os.lseek(self._descriptor, self._size, os.SEEK_SET)
            _write_all(self._descriptor, memoryview(data))
        except OSError as error:
            self._cut_quietly()
            raise storage_error(self._path, error) from error
        self._size += len(data)

    def sync(self) -> None:
        """Have everything on the disk: it survives a power cut too. Takes milliseconds.

        May run in another thread than the rest; a file that is closed meanwhile is left alone.
        """
        try:
            own = os.dup(self._descriptor)
        except OSError as error:
            if self._descriptor < 0:
                return
            raise storage_error(self._path, error) from error
        try:
            disk.sync(own)
        except OSError as error:
            raise storage_error(self._path, error) from error
        finally:
            os.close(own)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        self._size = size

    def _cut_quietly(self) -> None:
        """Cut off half a record; if even that fails, its checksum tells readers to stop there."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            return


def _replace_file(target: Path, pieces: Iterable[bytes | memoryview]) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(target))
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        mode = _mode_in(target.parent, 0o666 & ~_UMASK)
    descriptor, temporary = disk.create(target.parent)
    wanted = 0
    try:
        try:
            for piece in pieces:
                _write_all(descriptor, memoryview(piece))
                wanted += memoryview(piece).nbytes
            disk.set_mode(descriptor, mode)
            disk.sync(descriptor)
            size = os.fstat(descriptor).st_size
        finally:
            disk.close(descriptor)
        if size != wanted:
            raise OSError(errno.EIO, f"{size} of {wanted} bytes arrived")
        disk.replace(temporary, target)
    except BaseException:
        _remove_quietly(temporary)
        raise
    disk.sync_folder(target.parent)


def _write_all(descriptor: int, data: memoryview) -> None:
    rest = data.cast("B")
    while rest:
        written = disk.write(descriptor, rest[: 2**24])
        if written <= 0:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[written:]


def _remove_quietly(path: Path) -> None:
    """Delete a temporary file; what cannot be deleted now is removed when the folder is next opened."""
    try:
        os.unlink(path)
    except OSError:
        return
