"""Objects and arrays over a pipe."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import threading
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from latentseg_gui.workers import transport
from latentseg_gui.workers.transport import SHARED_FROM_BYTES, Freed, Transport
from tests.leaks import leak_check, shared_segments

__all__ = ["leak_check"]


@pytest.fixture
def pair(leak_check):
    near, far = multiprocessing.Pipe()
    ends = Transport(near), Transport(far)
    yield ends
    for end in ends:
        end.close()


def exchange(pair, message):
    sender = threading.Thread(target=pair[0].send, args=(message,))
    sender.start()
    answer = pair[1].receive()
    sender.join()
    return answer


@pytest.mark.parametrize("nbytes", [0, 1, 999_999, 1_000_000, 5_000_000])
def test_arrays_arrive_equal_and_large_ones_do_not_pass_through_the_pipe(pair, nbytes):
    array = np.arange(nbytes, dtype=np.uint32).astype(np.uint8)
    before = shared_segments()
    sender = threading.Thread(target=pair[0].send, args=((1, array, array[::-1].copy()),))
    sender.start()
    number, same, reverse = pair[1].receive()
    sender.join()
    assert number == 1
    assert np.array_equal(same, array)
    assert np.array_equal(reverse, array[::-1])
    assert shared_segments() == before, "the receiver removes the names"
    if nbytes >= transport.SHARED_FROM_BYTES:
        freed = pair[0].receive()
        assert isinstance(freed, Freed)
        assert len(freed.names) == 2
        pair[0].release(freed)
    else:
        assert not pair[0].connection.poll()


def test_a_full_shared_memory_sends_large_arrays_through_the_pipe(pair, monkeypatch):
    monkeypatch.setattr(transport, "_has_room", lambda nbytes: False)
    array = np.ones(3_000_000, np.uint8)
    assert np.array_equal(exchange(pair, array), array)
    assert not pair[0].connection.poll()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE, errno.EROFS, errno.EACCES, errno.ENOMEM])
def test_what_cannot_be_put_into_shared_memory_goes_through_the_pipe(pair, monkeypatch, code):
    def refuse(*arguments, **options):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(transport, "SharedMemory", refuse)
    before = shared_segments()
    array = np.arange(3_000_000, dtype=np.uint32)
    assert np.array_equal(exchange(pair, (1, array))[1], array)
    assert shared_segments() == before


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
@pytest.mark.parametrize(("free", "is_lent"), [(5_999_999, False), (6_000_001, True)])
def test_shared_memory_that_is_nearly_full_is_not_written_to(pair, monkeypatch, free, is_lent):
    """Writing to what is not there kills the process."""
    usage = shutil.disk_usage("/dev/shm")
    monkeypatch.setattr(transport.shutil, "disk_usage", lambda _: usage._replace(free=free))
    array = np.ones(3_000_000, np.uint8)
    assert np.array_equal(exchange(pair, array), array)
    assert pair[0].connection.poll() == is_lent, "only what was lent is given back"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="memory cannot be reserved here")
def test_memory_that_another_program_takes_meanwhile_is_not_written_to(pair, monkeypatch):
    def full(file, start, length):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transport.os, "posix_fallocate", full)
    before = shared_segments()
    array = np.ones(3_000_000, np.uint8)
    assert np.array_equal(exchange(pair, array), array)
    assert shared_segments() == before


def test_what_nobody_fetched_is_thrown_away_with_the_pipe(pair):
    before = shared_segments()
    pair[0].send(np.ones(2_000_000, np.uint8))
    assert len(shared_segments() - before) == 1
    pair[0].close()
    assert shared_segments() == before


def test_a_closed_pipe_is_an_eof(pair):
    pair[0].close()
    with pytest.raises(EOFError):
        pair[1].receive()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        pair[1].send(1)


def test_what_was_sent_and_is_not_wanted_any_more_leaves_nothing_behind() -> None:
    near, far = multiprocessing.Pipe()
    sender, receiver = Transport(near), Transport(far)
    before = shared_segments()
    sender.send(np.zeros(SHARED_FROM_BYTES + 1, np.uint8))
    sender.send(np.zeros(10, np.uint8))
    assert shared_segments() != before
    receiver.discard_pending()
    receiver.close()
    assert shared_segments() == before
    sender.close()


def test_segments_of_a_sender_that_died_before_naming_them_are_found_and_removed(leak_check) -> None:
    near, far = multiprocessing.Pipe()
    prefix = transport.new_prefix()
    dying, receiver = Transport(near, own_prefix=prefix), Transport(far, far_prefix=prefix)
    dying.send(np.zeros(SHARED_FROM_BYTES, np.uint8))
    receiver.receive()
    orphans = [SharedMemory(f"{prefix}{number}", create=True, size=10) for number in (1, 2)]
    assert {f"{prefix}1", f"{prefix}2"} <= shared_segments()
    receiver.forget_unannounced()
    assert not {name for name in shared_segments() if name.startswith(prefix)}
    for orphan in orphans:
        orphan.close()
    dying.close()
    receiver.close()


def test_a_message_that_cannot_be_sent_gives_back_its_segments_the_last_one_first(
    monkeypatch, leak_check
) -> None:
    near, far = multiprocessing.Pipe()
    prefix = transport.new_prefix()
    sender, receiver = Transport(near, own_prefix=prefix), Transport(far, far_prefix=prefix)
    arrays = [np.zeros(SHARED_FROM_BYTES, np.uint8) for _ in range(3)]
    sender.send(arrays)
    receiver.receive()
    receiver.connection.close()
    removed = []
    unlink = transport._unlink
    monkeypatch.setattr(transport, "_unlink", lambda segment: (removed.append(segment.name), unlink(segment)))
    for _ in range(2):
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            sender.send(arrays)
    monkeypatch.undo()
    again = [f"{prefix}{number}" for number in (5, 4, 3)]
    assert removed == 2 * again, "who dies in between leaves what the other side finds by counting on from 3"
    sender.close()
    receiver.close()


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory has no folder here")
def test_a_segment_whose_maker_died_before_it_had_a_size_is_removed_and_so_are_those_after_it(
    leak_check,
) -> None:
    near, far = multiprocessing.Pipe()
    prefix = transport.new_prefix()
    receiver = Transport(far, far_prefix=prefix)
    Path(f"/dev/shm/{prefix}0").touch()
    orphan = SharedMemory(f"{prefix}1", create=True, size=10)
    receiver.forget_unannounced()
    assert not {name for name in shared_segments() if name.startswith(prefix)}
    orphan.close()
    near.close()
    receiver.close()


def test_other_threads_get_their_turn_while_a_large_array_is_copied():
    """I-09: copied in one go, 300 MB would keep the window from answering for a quarter of a second."""
    pieces = []

    class Watched(bytearray):
        def __setitem__(self, place, value):
            pieces.append(len(value))
            super().__setitem__(place, value)

    size = 5 * transport._PIECE_BYTES // 2
    target, source = Watched(size), memoryview(bytes(range(256)) * (size // 256))
    transport._copy_to(target, source)  # type: ignore[arg-type]
    assert bytes(target) == bytes(source)
    assert len(pieces) == 3, "between two pieces Python lets other threads run"
    assert max(pieces) == transport._PIECE_BYTES <= 2**20
