"""Masks of many images into a folder, one small job after the other: progress, cancel, errors at the end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem, BatchPlan, done_before

_MANY_ERRORS = 200

Done = Callable[[BatchItem, LatentsegError | None], None]


@dataclass(frozen=True, slots=True)
class OutputReport:
    """How a run ended.

    Attributes:
        folder: that was written to.
        total: images that were asked for.
        made: that were made now.
        kept: that an earlier run had made.
        errors: why the others were not.
        is_cancelled: whether it was stopped before its end.
        seconds: that it took.
    """

    folder: Path
    total: int
    made: int
    kept: int
    errors: tuple[LatentsegError, ...]
    is_cancelled: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class _Opened:
    """The folder, and the images that are not there yet."""

    folder: BatchFolder
    missing: tuple[BatchItem, ...]


class OutputRun(JobSource):
    """One run. Nothing of it takes long in the thread of the window.

    Args:
        name: under which it is announced.
        title: what the status bar says; "{0}" and "{1}" are how many are done, of how many.
        target: the folder to write to, and what is made of every image.
        items: the images.
        ledger: knows which files may be replaced.
        files: where the folder is opened and finished.
        make: begins to make one image; calls back when it is written, or why it is not.
        ahead: how many are made at a time, so that one is read while another is predicted.
        is_continued: whether it goes on where an earlier run stopped, and can be gone on with.
        parent: owner of this QObject.
    """

    finished = Signal(object)
    """Carries an `OutputReport`."""

    cancelled = Signal()
    """What is on its way is not wanted any more."""

    failed = Signal(object)
    """Carries the `LatentsegError` for which nothing could be done at all."""

    def __init__(
        self,
        name: str,
        title: str,
        target: tuple[Path, BatchPlan],
        items: Sequence[BatchItem],
        *,
        ledger: Ledger,
        files: Jobs,
        make: Callable[[BatchFolder, BatchItem, Done], None],
        ahead: int = 1,
        is_continued: bool = False,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self._title = title
        self._path, self._plan = target
        self._items = tuple(items)
        self._ledger = ledger
        self._files = files
        self._make = make
        self._ahead = ahead
        self._is_continued = is_continued
        self._folder: BatchFolder | None = None
        self._queue: deque[BatchItem] = deque()
        self._in_flight = 0
        self._made = self._kept = 0
        self._failed: list[BatchItem] = []
        self._errors: list[LatentsegError] = []
        self._is_cancelled = False
        self._started = time.monotonic()

    def start(self) -> None:
        """Begins."""
        self._tell()
        opening = partial(
            _opened, self._path, self._plan, self._items, self._ledger, is_continued=self._is_continued
        )
        self._files.submit(opening, self._on_opened, key=f"{self.name} opens", on_failure=self._on_hopeless)

    def cancel_named(self, full_name: str) -> None:
        """Stops it, if it is the one that is meant."""
        if full_name == self.name:
            self.cancel()

    def cancel(self) -> None:
        """Stops after what is being written now."""
        self._is_cancelled = True
        self._queue.clear()
        self.cancelled.emit()

    def abandon(self) -> None:
        """The window ends: lets go of the folder; what is done stays remembered."""
        self.cancel()
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _on_opened(self, answer: _Opened) -> None:
        self._folder = answer.folder
        self._kept = len(self._items) - len(answer.missing)
        if not self._is_cancelled:
            self._queue.extend(answer.missing)
        self._go_on()

    def _go_on(self) -> None:
        while self._folder is not None and self._queue and self._in_flight < self._ahead:
            self._in_flight += 1
            self._make(self._folder, self._queue.popleft(), self._on_made)
        if self._in_flight == 0 and self._folder is not None and not self._queue:
            self._finish(self._folder)

    def _on_made(self, item: BatchItem, error: LatentsegError | None) -> None:
        if self._folder is None:
            return
        self._in_flight -= 1
        if error is None:
            self._made += 1
        elif not self._is_cancelled:
            self._failed.append(item)
            self._errors.append(error)
        self._tell()
        self._go_on()

    def _finish(self, folder: BatchFolder) -> None:
        self._folder = None
        ending: Callable[[], object]
        if self._is_cancelled:
            ending = folder.close if self._is_continued else folder.discard
        else:
            remembered = self._failed if self._is_continued else []
            ending = partial(folder.finish, self._items, remembered)
        self._files.submit(
            partial(_ended, folder, ending),
            self._on_finished,
            key=f"{self.name} ends",
            on_failure=self._on_not_finished,
        )

    def _on_finished(self, _: object) -> None:
        self.ended.emit(self.name)
        report = OutputReport(
            folder=self._path,
            total=len(self._items),
            made=self._made,
            kept=self._kept,
            errors=tuple(self._errors),
            is_cancelled=self._is_cancelled,
            seconds=time.monotonic() - self._started,
        )
        self.finished.emit(report)

    def _on_not_finished(self, error: LatentsegError) -> None:
        self._errors.append(error)
        self._on_finished(None)

    def _on_hopeless(self, error: LatentsegError) -> None:
        self.ended.emit(self.name)
        self.failed.emit(error)

    def _tell(self) -> None:
        done = self._made + self._kept + len(self._errors)
        self.began.emit(self.name, self._title.format(done, len(self._items)))
        self.progressed.emit(self.name, done / max(1, len(self._items)))


def _opened(
    path: Path, plan: BatchPlan, items: Sequence[BatchItem], ledger: Ledger, *, is_continued: bool
) -> _Opened:
    """Runs in a background thread."""
    missing = items
    if is_continued:
        done = done_before(path, plan, items)
        missing = [item for item in items if item not in done]
    ledger.check(plan.targets(path, missing))  # before anything is touched
    return _Opened(BatchFolder(path, plan, ledger=ledger), tuple(missing))


def _ended(folder: BatchFolder, ending: Callable[[], object]) -> object:
    """Runs in a background thread; the folder is let go of however it ends."""
    try:
        return ending()
    finally:
        folder.close()


def not_written(report: OutputReport) -> LatentsegError:
    """What to say of a run with errors: how many, and each in the details."""
    said = [str(error) for error in report.errors[:_MANY_ERRORS]]
    if len(report.errors) > len(said):
        said.append(f"... and {len(report.errors) - len(said)} more")
    return LatentsegError(
        f"{len(report.errors)} of {report.total} images could not be done; "
        f"{report.made + report.kept} are in “{report.folder.name}”.",
        action="The details say which and why.",
        detail="\n".join(said),
    )


def note_written(done: Done, item: BatchItem, _: object) -> None:
    """An image was written."""
    done(item, None)
