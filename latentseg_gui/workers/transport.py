"""Objects over a pipe; large arrays travel beside it, in shared memory.

Pickling with out-of-band buffers keeps arrays raw. The receiver copies a shared segment, removes
its name and says so; the sender keeps its handle open until then, because on Windows a segment
dies with its last handle. Segments are numbered under a prefix that both sides know, so that what a
killed sender had made and not yet announced can be found and removed.
"""

from __future__ import annotations

import mmap
import os
import pickle
import secrets
import shutil
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Final

SHARED_FROM_BYTES: Final = 1_000_000
"""Buffers of at least this size go through shared memory (1 megapixel of labels)."""

_PIECE_BYTES: Final = 2**20
_SHARED_FOLDER: Final = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The pickled object and where its buffers are: a name of shared memory, or "" for the pipe.

    ``job_id`` is that of the object, where it has one: it can be told when the buffers cannot be had.
    """

    body: bytes
    buffers: tuple[tuple[str, int], ...]
    job_id: int | None = None


@dataclass(frozen=True, slots=True)
class Freed:
    """The receiver has copied these segments, but for those ``unread``: the sender may close them."""

    names: tuple[str, ...]
    unread: tuple[str, ...] = ()


class UnreadableError(Exception):
    """A message has come whose arrays could not be taken over; the next one can be received.

    Args:
        job_id: of the message; None where it has none.
        reason: what the system said.
    """

    def __init__(self, job_id: int | None, reason: str) -> None:
        super().__init__(job_id, reason)
        self.job_id = job_id
        self.what = (
            f"Memory or open files did not suffice, so a message of another process was lost ({reason})."
        )
        self.action = "Close other programs or images, then repeat the last step."


def new_prefix() -> str:
    """A prefix for the names of shared segments that nobody else uses; short, for macOS."""
    return f"psm_{secrets.token_hex(5)}_"


class Transport:
    """One end of a pipe. `send` may be called by several threads, `receive` by one.

    Args:
        connection: the pipe.
        own_prefix: of the segments that are made here; "" for one of its own.
        far_prefix: of those that the other side makes, for `forget_unannounced`; "" if not known.
    """

    def __init__(self, connection: Connection, *, own_prefix: str = "", far_prefix: str = "") -> None:
        self._connection = connection
        self._send_lock = threading.Lock()
        self._lent: dict[str, SharedMemory] = {}
        self._own_prefix = own_prefix or new_prefix()
        self._own_count = 0
        self._far_prefix = far_prefix
        self._far_count = 0

    @property
    def connection(self) -> Connection:
        """The pipe, for `multiprocessing.connection.wait`."""
        return self._connection

    def send(self, message: object) -> None:
        """Send ``message``; raises OSError when the other side is gone, and what pickle raises."""
        buffers: list[pickle.PickleBuffer] = []
        body = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
        job_id = getattr(message, "job_id", None)
        with self._send_lock:
            views = [buffer.raw() for buffer in buffers]
            names = [self._lend(view) if view.nbytes >= SHARED_FROM_BYTES else "" for view in views]
            places = tuple((name, view.nbytes) for name, view in zip(names, views, strict=True))
            try:
                self._connection.send_bytes(pickle.dumps(_Envelope(body, places, job_id), protocol=5))
                for name, view in zip(names, views, strict=True):
                    if not name:
                        self._connection.send_bytes(view)
            except OSError:
                self._take_back(names)
                raise

    def receive(self) -> object:
        """The next message, waiting for it.

        Raises:
            EOFError: the other side is gone.
            OSError: likewise.
            UnreadableError: what has come could not be taken over.
        """
        envelope = pickle.loads(self._connection.recv_bytes())
        if not isinstance(envelope, _Envelope):
            raise OSError(f"unexpected {type(envelope).__name__} on the pipe")
        buffers: list[bytearray | mmap.mmap] = []
        unread: dict[str, str] = {}
        for name, size in envelope.buffers:
            if not name:
                buffers.append(bytearray(self._connection.recv_bytes()))
                continue
            try:
                buffers.append(self._fetch(name, size))
            except (OSError, MemoryError) as error:  # no file or no memory left; the pipe is sound
                unread[name] = f"{type(error).__name__}: {error}"
        names = tuple(name for name, _ in envelope.buffers if name)
        if names:
            self.send(Freed(names, tuple(unread)))
        if unread:
            raise UnreadableError(envelope.job_id, next(iter(unread.values())))
        return pickle.loads(envelope.body, buffers=buffers)

    def discard_pending(self) -> None:
        """Throw away what was sent and will not be read any more: its segments lose their names."""
        try:
            while self._connection.poll():
                envelope = pickle.loads(self._connection.recv_bytes())
                for name, _ in envelope.buffers:
                    if name:
                        self._far_count += 1
                        _forget(name)
                    else:
                        self._connection.recv_bytes()
        except (EOFError, OSError):
            return

    def forget_unannounced(self) -> None:
        """Remove segments that the other side had made when it died, before it could name them."""
        while self._far_prefix and _forget(f"{self._far_prefix}{self._far_count}"):
            self._far_count += 1

    def release(self, freed: Freed) -> None:
        """Close the segments that the other side has copied."""
        with self._send_lock:
            for name in freed.names:
                segment = self._lent.pop(name, None)
                if segment is not None:
                    segment.close()
                    if name in freed.unread:
                        _unlink(segment)

    def close(self) -> None:
        """Close the pipe and throw away what was lent and never fetched."""
        with self._send_lock:
            self._connection.close()
            for segment in self._lent.values():
                segment.close()
                _unlink(segment)
            self._lent.clear()

    def _fetch(self, name: str, size: int) -> mmap.mmap:
        """Copy a segment of the other side; whatever comes of it, it is not there any more."""
        try:
            return _copy(name, size)
        finally:
            self._far_count += 1

    def _take_back(self, names: list[str]) -> None:
        """Remove segments that never got to the other side.

        The last one first, and its number is free again: if this process ends here, the other side finds what is
        left by counting on from what it knows.
        """
        for name in reversed(names):
            segment = self._lent.pop(name, None)
            if segment is not None:
                segment.close()
                _unlink(segment)
                self._own_count -= 1

    def _lend(self, view: memoryview) -> str:
        """Put ``view`` into a new shared segment; "" where there is no room, or no right to make one."""
        if not _has_room(view.nbytes):
            return ""
        try:
            segment = _reserved(f"{self._own_prefix}{self._own_count}", view.nbytes)
        except (
            OSError,
            MemoryError,
        ):  # no room, no file left, a read-only or forbidden folder: the pipe takes it
            return ""
        self._own_count += 1
        _copy_to(_bytes_of(segment), view)
        self._lent[segment.name] = segment
        return segment.name


def _has_room(nbytes: int) -> bool:
    """Whether shared memory can take ``nbytes``: writing past a full tmpfs kills the process."""
    try:
        return not _SHARED_FOLDER.is_dir() or shutil.disk_usage(_SHARED_FOLDER).free > 2 * nbytes
    except OSError:
        return False


def _reserved(name: str, nbytes: int) -> SharedMemory:
    """A new segment whose memory is really there: on Linux a promise that is not kept kills who writes to it.

    Raises:
        OSError: it cannot be made; nothing of it is left.
    """
    segment = SharedMemory(name, create=True, size=nbytes)
    try:
        if _SHARED_FOLDER.is_dir() and hasattr(os, "posix_fallocate"):
            file = os.open(_SHARED_FOLDER / name, os.O_RDWR)
            try:
                os.posix_fallocate(file, 0, nbytes)
            finally:
                os.close(file)
    except OSError:
        segment.close()
        _unlink(segment)
        raise
    return segment


def _copy(name: str, size: int) -> mmap.mmap:
    """The first ``size`` bytes of a shared segment, which loses its name."""
    segment = SharedMemory(name=name)
    try:
        copy = _memory(size)
        _copy_to(memoryview(copy), _bytes_of(segment)[:size])
    except (OSError, MemoryError):
        segment.close()  # who lent it removes it
        raise
    segment.close()
    _unlink(segment)
    return copy


def _memory(size: int) -> mmap.mmap:
    """Bytes that nothing was written to yet: a `bytearray` would be filled with zeros in one go first."""
    if hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return mmap.mmap(-1, size)


def _copy_to(target: memoryview, source: memoryview) -> None:
    """Copy in pieces, between which other threads get their turn: in one go, the window would stand still."""
    for start in range(0, source.nbytes, _PIECE_BYTES):
        stop = min(start + _PIECE_BYTES, source.nbytes)
        target[start:stop] = source[start:stop]


def _forget(name: str) -> bool:
    """Remove a segment by its name; whether it was still there."""
    try:
        segment = SharedMemory(name=name)
    except FileNotFoundError:
        return False
    except ValueError:
        # Its maker ended between the two calls that make a segment: there is a name, but no size, and what has
        # no size cannot be opened. Only Linux lets it be removed; elsewhere an empty name stays.
        (_SHARED_FOLDER / name).unlink(missing_ok=True)
        return True
    segment.close()
    _unlink(segment)
    return True


def _unlink(segment: SharedMemory) -> None:
    """Remove the name of ``segment``; the other side may have been first."""
    try:
        segment.unlink()
    except FileNotFoundError:
        return


def _bytes_of(segment: SharedMemory) -> memoryview:
    """The memory of an open segment."""
    if segment.buf is None:
        raise OSError("this shared memory is closed")
    return segment.buf
