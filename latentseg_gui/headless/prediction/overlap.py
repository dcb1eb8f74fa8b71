"""Reading and writing while the model works, so that it never waits for a disk."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.headless.subcommand import as_error, model_errors

Item = TypeVar("Item")
Source = TypeVar("Source")
Answer = TypeVar("Answer")
Written = TypeVar("Written")


LARGE = 64 << 20
"""Images above so many bytes are read and written one at a time beside the model."""


def _weightless(source: object) -> int:
    return 0


def file_threads() -> int:
    """Threads for reading, and as many for writing: enough to keep a fast GPU busy."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item, Answer, Written]):
    """What became of one item.

    Attributes:
        item: as given.
        answer: of the model; None if it got none.
        written: what ``write`` returned; None if nothing was written.
        error: why; None if all went well.
        seconds: that the model took.
    """

    item: Item
    answer: Answer | None = None
    written: Written | None = None
    error: LatentsegError | None = None
    seconds: float = 0.0


class Overlapped(Generic[Item, Source, Answer, Written]):
    """Three steps per item: read, work, write. Work is done here; the others in threads beside it.

    Never more than a few items are in memory, however many there are.

    Args:
        read: in a thread of its own.
        work: in the thread that iterates, one item after the other.
        write: in a thread of its own.
        threads: for reading, and as many for writing.
        weight: memory that a source takes, in bytes; large ones are not piled up.
        name: what an item is called in errors that do not say.
    """

    def __init__(
        self,
        read: Callable[[Item], Source],
        work: Callable[[Item, Source], Answer],
        write: Callable[[Item, Answer], Written],
        threads: int = 1,
        weight: Callable[[Source], int] = _weightless,
        name: Callable[[Item], str] = str,
    ) -> None:
        self._read, self._work, self._write = read, work, write
        self._threads = threads
        self._weight = weight
        self._name = name
        self._ahead = 1

    def run(self, items: Sequence[Item]) -> Iterator[Outcome[Item, Answer, Written]]:
        """The outcomes in the order of the items; an error of one does not stop the others."""
        with (
            ThreadPoolExecutor(self._threads, "read") as readers,
            ThreadPoolExecutor(self._threads, "write") as writers,
        ):
            rest = deque(items)
            waiting: deque[tuple[Item, Future[Source]]] = deque()
            open_: deque[tuple[Outcome[Item, Answer, Written], Future[Written] | None]] = deque()
            try:
                while rest or waiting:
                    while rest and len(waiting) < self._ahead:
                        item = rest.popleft()
                        waiting.append((item, readers.submit(self._read, item)))
                    outcome = self._worked(*waiting.popleft())
                    open_.append((outcome, self._submitted(writers, outcome)))
                    del outcome  # a large image must not be held here while the next one is worked at
                    while len(open_) >= self._ahead:
                        yield self._finished(*open_.popleft())
                while open_:
                    yield self._finished(*open_.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def _worked(self, item: Item, source: Future[Source]) -> Outcome[Item, Answer, Written]:
        try:
            with model_errors():
                content = source.result()
                self._ahead = 1 if self._weight(content) > LARGE else self._threads + 1
                started = time.perf_counter()
                answer = self._work(item, content)
                return Outcome(item, answer, seconds=time.perf_counter() - started)
        except Exception as error:  # one item never ends the others
            return Outcome(item, error=as_error(error, self._name(item)))

    def _submitted(
        self, writers: ThreadPoolExecutor, outcome: Outcome[Item, Answer, Written]
    ) -> Future[Written] | None:
        if outcome.answer is None:
            return None
        return writers.submit(self._write, outcome.item, outcome.answer)

    def _finished(
        self, outcome: Outcome[Item, Answer, Written], future: Future[Written] | None
    ) -> Outcome[Item, Answer, Written]:
        """The outcome with what came of writing, which is waited for."""
        if future is None:
            return outcome
        try:
            return Outcome(outcome.item, outcome.answer, future.result(), seconds=outcome.seconds)
        except Exception as error:  # one item never ends the others
            found = as_error(error, self._name(outcome.item))
            return Outcome(outcome.item, outcome.answer, error=found, seconds=outcome.seconds)
