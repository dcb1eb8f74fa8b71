"""Edits in their order: small ones at once, large ones worked out beside the window, the rest after them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, cast

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.command import Command
from latentseg_gui.commands.history import History
from latentseg_gui.commands.patch import MaskPatch, PreparedPatch
from latentseg_gui.commands.source import FrozenMask, MaskSource
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError

LARGE: Final = 1_200_000
"""Edits that may have to look at more pixels than this do not run in the window's thread."""

UNPACKED: Final = 8_000_000
UNPACKED_SHARE: Final = 0.25
"""Known steps of more pixels than this, and of more than this share of their image, are unpacked in another
thread: a megapixel takes about 1 ms."""

Make = Callable[[MaskSource], MaskPatch | None]
"""Works a step out from what it is given, and from nothing else; None where nothing would change."""


Ends = tuple[Callable[[], None], Callable[[], None]]
"""What is called when an edit is done, and when there was nothing to be done."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What is worked out in another thread, and for which state of the mask."""

    frozen: FrozenMask
    make: Make

    def __call__(self) -> EditAnswer:
        """The step, ready to be applied."""
        patch = self.make(self.frozen)
        if patch is None:
            return EditAnswer(self.frozen, None)
        return EditAnswer(self.frozen, PreparedPatch.of(patch, self.frozen.layer(patch.image_id).labels))


@dataclass(frozen=True, slots=True)
class EditAnswer:
    """What became of an `EditRequest`."""

    frozen: FrozenMask
    prepared: PreparedPatch | None


@dataclass(frozen=True, slots=True)
class _Work:
    """The large edit that is worked out."""

    job_id: int
    title: str
    take: Callable[[PreparedPatch], None]
    ends: Ends


class Edits(QObject):
    """The way of all edits by hand into the history, so that they happen in the order they were made in.

    While a large edit is worked out, whatever comes after it waits: nothing is lost, nothing is done to a mask
    other than the one it was meant for. If something else changed the mask meanwhile (an import, say), the
    large edit is not made, and the user is told.
    """

    def __init__(
        self,
        document: Document,
        history: History,
        canvas: CanvasView,
        *,
        jobs: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._canvas = canvas
        self._jobs = jobs
        self._errors = errors
        self._work: _Work | None = None
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def is_working(self) -> bool:
        """Whether a large edit is being worked out."""
        return self._work is not None

    def is_large(self, image_id: str, weight: float = 1.0) -> bool:
        """Whether an edit of the image takes too long for the window's thread.

        Args:
            image_id: the image.
            weight: how much longer than a mere look it takes per pixel.
        """
        shape = self._document.shape(image_id)
        return shape is not None and shape[0] * shape[1] * weight > LARGE

    def do(
        self,
        image_id: str,
        title: str,
        make: Make,
        *,
        after: Callable[[], None] | None = None,
        otherwise: Callable[[], None] | None = None,
        weight: float = 1.0,
    ) -> None:
        """Makes one step of the history, now or when its turn comes.

        Args:
            image_id: the image that is edited.
            title: what is done, for the user.
            make: works the step out; called in another thread where the image is large.
            after: called when it is done, also where nothing had to be changed.
            otherwise: called instead of ``after`` where nothing had to be changed.
            weight: see `is_large`.
        """
        ends = after or _nothing, otherwise or after or _nothing
        if self.is_large(image_id, weight):
            self.then(partial(self._begin, image_id, title, make, self._do_prepared, ends))
        else:
            self.then(partial(self._at_once, image_id, make, ends))

    def look(
        self, image_id: str, query: Callable[[MaskSource], Found], take: Callable[[Found], None]
    ) -> None:
        """Looks something up in a mask, beside the window where the image is large; the latest question counts.

        Args:
            image_id: the image.
            query: answers from what it is given, and from nothing else.
            take: is handed the answer; not called if the mask has changed meanwhile.
        """
        if not self.is_large(image_id):
            take(query(self._document))
            return
        frozen = FrozenMask.of(self._document, image_id)

        def on_found(found: object) -> None:
            if frozen.is_current(self._document):
                take(cast(Found, found))

        self._jobs.submit(partial(query, frozen), on_found, key="look")

    def then(self, call: Callable[[], None]) -> None:
        """Calls, now or after the large edits that came before."""
        self._waiting.append(call)
        self._go_on()

    def undo(self, follow: Callable[[Command | None], None]) -> None:
        """Takes the last step back and hands it to ``follow``."""
        self.then(partial(self._undo, follow))

    def redo(self, follow: Callable[[Command | None], None]) -> None:
        """Does the step again that was taken back last and hands it to ``follow``."""
        self.then(partial(self._redo, follow))

    def cancel(self) -> bool:
        """Gives up the large edit that is worked out; whether there was one. What waits goes on."""
        if self._work is None:
            return False
        self._jobs.cancel(self._work.job_id)
        return True

    def _go_on(self) -> None:
        while self._waiting and self._work is None:
            try:
                self._waiting.popleft()()
            except LatentsegError as error:  # what comes after it must not wait for ever
                self._errors.report(error)

    def _at_once(self, image_id: str, make: Make, ends: Ends) -> None:
        if self._document.has_image(image_id):
            patch = make(self._document)
            self._history.do(patch)
            ends[patch is None]()

    def _undo(self, follow: Callable[[Command | None], None]) -> None:
        command, history = self._history.next_undone, self._history
        if not self._is_prepared(command):
            follow(history.undo())
            return

        def take(prepared: PreparedPatch) -> None:
            follow(history.undo(partial(prepared.apply, self._document)))

        self._begin_known(command, self.tr("Undo"), take)

    def _redo(self, follow: Callable[[Command | None], None]) -> None:
        command, history = self._history.next_redone, self._history
        if not self._is_prepared(command):
            follow(history.redo())
            return

        def take(prepared: PreparedPatch) -> None:
            follow(history.redo(partial(prepared.apply, self._document)))

        self._begin_known(command, self.tr("Redo"), take)

    def _is_prepared(self, command: Command | None) -> bool:
        """Whether a step is so large that it is unpacked in another thread."""
        if not isinstance(command, MaskPatch) or not self._document.has_image(command.image_id):
            return False
        rows, cols = self._document.layer(command.image_id).shape
        return command.area > max(UNPACKED, rows * cols * UNPACKED_SHARE)

    def _begin_known(
        self, command: Command | None, title: str, take: Callable[[PreparedPatch], None]
    ) -> None:
        assert isinstance(command, MaskPatch)
        self._begin(command.image_id, title, lambda source: command, take, (_nothing, _nothing))

    def _do_prepared(self, prepared: PreparedPatch) -> None:
        self._history.do(prepared.patch, partial(prepared.apply, self._document))

    def _begin(
        self,
        image_id: str,
        title: str,
        make: Make,
        take: Callable[[PreparedPatch], None],
        ends: Ends,
    ) -> None:
        if not self._document.has_image(image_id):
            return
        job_id = self._jobs.submit(
            EditRequest(FrozenMask.of(self._document, image_id), make),
            self._on_worked_out,
            title=title,
            on_failure=self._on_failed,
            on_cancelled=self._end,
        )
        self._work = _Work(job_id, title, take, ends)
        self._canvas.set_working(self.tr("{0}… Esc gives it up").format(title))

    def _on_worked_out(self, answer: object) -> None:
        work = self._work
        if work is None or not isinstance(answer, EditAnswer):
            return
        self._work = None
        self._canvas.set_working("")
        try:
            if not answer.frozen.is_current(self._document):
                self._errors.inform(
                    self.tr("“{0}” was not done: the mask was changed meanwhile. Do it again.").format(
                        work.title
                    )
                )
                return
            if answer.prepared is not None:
                work.take(answer.prepared)
            work.ends[answer.prepared is None]()
        finally:
            self._go_on()

    def _on_failed(self, error: LatentsegError) -> None:
        self._errors.report(error)
        self._end()

    def _end(self) -> None:
        self._work = None
        self._canvas.set_working("")
        self._go_on()


def _nothing() -> None:
    """Nobody waits for the end."""
