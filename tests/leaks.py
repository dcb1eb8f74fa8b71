"""Nothing may be left behind by a test: threads, processes, open files, shared memory.

`no_leaks` is a context manager; ``leak_check`` is the same as a pytest fixture, to be imported
where wanted.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_SETTLE_S = 2.0


def open_files() -> dict[int, str]:
    """Open file descriptors of this process and what they point to; empty where that cannot be known."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return {}
    found = {}
    for entry in folder.iterdir():
        try:
            found[int(entry.name)] = os.readlink(entry)
        except OSError:
            continue
    return found


def shared_segments() -> set[str]:
    """Names of Python's shared memory segments on this machine that belong to this user."""
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return set()
    return {entry.name for entry in folder.glob("psm_*")}


def children() -> set[int]:
    """Process ids of the child processes and of theirs, as the kernel knows them."""
    found = {process.pid for process in multiprocessing.active_children() if process.pid is not None}
    return found | _descendants("self")


def _descendants(process: str) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # a thread or process that has ended meanwhile
            for pid in task.read_text().split():
                found |= {int(pid)} | _descendants(pid)
    return found


def is_alive(pid: int) -> bool:
    """Whether process ``pid`` runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def wait_until(condition: Callable[[], bool], timeout_s: float = _SETTLE_S) -> bool:
    """Poll ``condition`` until it holds; False if it does not within ``timeout_s``."""
    pause, deadline = threading.Event(), time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.005)
    return True


def _start_resource_tracker() -> None:
    """Python's own helper process stays for good once it was needed: let it be there before counting."""
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()


@contextmanager
def no_leaks() -> Iterator[None]:
    """Fail if the block leaves a thread, a process, an open file or shared memory behind."""
    _start_resource_tracker()
    threads, processes, files, shared = (
        set(threading.enumerate()),
        children(),
        open_files(),
        shared_segments(),
    )
    yield
    # Descriptors are compared by count of what they point to, since numbers are used again.
    leaks: dict[str, Callable[[], object]] = {
        "threads": lambda: [t.name for t in threading.enumerate() if t not in threads and t.is_alive()],
        "processes": lambda: sorted(children() - processes),
        "open files": lambda: _new_files(files),
        "shared memory": lambda: sorted(shared_segments() - shared),
    }
    left = {what: find() for what, find in leaks.items() if not wait_until(lambda find=find: not find())}
    assert not left, f"left behind: {left}"


def _new_files(before: dict[int, str]) -> list[str]:
    """What is open now and was not before."""
    rest = list(before.values())
    fresh = []
    for target in open_files().values():
        if target in rest:
            rest.remove(target)
        elif not target.startswith(("/proc", "/dev/null", "anon_inode")):
            fresh.append(target)
    return fresh if len(open_files()) > len(before) else []


@pytest.fixture
def leak_check() -> Iterator[None]:
    """The test must leave nothing behind."""
    with no_leaks():
        yield
