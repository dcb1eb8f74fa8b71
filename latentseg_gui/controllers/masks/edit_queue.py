"""Edits in their order: small ones at once, large ones worked out beside the window, the rest after them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.command import Command
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.class_work import FrozenMasks
from latentseg_gui.commands.masks.classes import ClassEdit
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.source import FrozenMask
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks.edit_work import (
    ClassRequest,
    EditAnswer,
    EditRequest,
    LargeEdit,
    Make,
    MakeClasses,
    Prepared,
    known_classes,
    still_to_do,
)
from latentseg_gui.controllers.masks.mask_looks import MaskLooks, is_much
from latentseg_gui.controllers.waiting import LabelSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError

UNPACKED: Final = 8_000_000
UNPACKED_SHARE: Final = 0.25
"""Known steps of more pixels than this, and of more than this share of their image, are unpacked in another
thread: a megapixel takes about 1 ms."""

Take = Callable[[Prepared], None]
Ends = tuple[Callable[[], None], Callable[[], None]]
"""What is called when an edit is done, and when there was nothing to be done."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The large edit that is worked out."""

    job_id: int
    request: LargeEdit


class EditQueue(MaskLooks):
    """Applies manual edits in the order they were made in; large ones are worked out in another thread.

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
        super().__init__(document, jobs, errors, parent)
        self._history = history
        self.name_maker = history.name_maker  # for what is called ``after`` an edit
        self._canvas = canvas
        self._work: _Work | None = None
        self._waiting: deque[Callable[[], None]] = deque()
        working = self.tr("A large edit is still being worked out.")
        self.labels = LabelSource(lambda: working if self.is_working else "", self)

    @property
    def is_working(self) -> bool:
        """Whether a large edit is being worked out."""
        return self._work is not None

    def do(
        self,
        image_id: str,
        title: str,
        make: Make,
        *,
        after: Callable[[], None] | None = None,
        otherwise: Callable[[], None] | None = None,
        weight: float = 1.0,
        class_id: int | None = None,
    ) -> None:
        """Makes one step of the history, now or when its turn comes.

        Args:
            image_id: the image that is edited.
            title: what is done, for the user.
            make: works the step out; called in another thread where the image is large.
            after: called when it is done, also where nothing had to be changed.
            otherwise: called instead of ``after`` where nothing had to be changed.
            weight: see `is_large`.
            class_id: of the class that is written, which ``make`` gets, too; nothing is done if it is gone by then.
        """
        ends = after or _nothing, otherwise or after or _nothing
        is_large = self.is_large(image_id, weight)
        self.then(partial(self._do, image_id, title, make, class_id, ends, is_large))

    def do_classes(self, title: str, make: MakeClasses, class_ids: Sequence[int]) -> None:
        """Makes one step that deletes or merges classes in all images, now or when its turn comes.

        Args:
            title: what is done, for the user.
            make: works the step out from all masks; in another thread if they are large.
            class_ids: classes that it is about; nothing is done if one of them is gone by then.
        """

        def begin() -> None:
            for each in class_ids:
                self._document.check_class(each)
            frozen = FrozenMasks.of(self._document)
            if not is_much(frozen.pixels):
                edit = make(self._document)
                self._history.do(edit)
                _tell_left_alone(edit, self._errors)
            else:
                self._begin(ClassRequest(frozen, make), title, self._do_prepared, (_nothing, _nothing))

        self.then(begin)

    def then(self, call: Callable[[], None]) -> None:
        """Calls, now or after the large edits that came before."""
        self._waiting.append(call)
        self._go_on()

    def undo(self, follow: Callable[[Command | None], None]) -> None:
        """Takes the last step back and hands it to ``follow``."""
        self.then(partial(self._step, True, follow))

    def redo(self, follow: Callable[[Command | None], None]) -> None:
        """Does the step again that was taken back last and hands it to ``follow``."""
        self.then(partial(self._step, False, follow))

    def step_to(self, position: int, last: int = -1) -> None:
        """Takes steps back, or does them again, until so many are applied; for `then`.

        Args:
            position: how many.
            last: how many were applied before the step that was just asked for.
        """
        now = self._history.position
        target = min(max(position, 0), len(self._history.entries))
        if now not in (target, last):  # neither there nor given up
            self._waiting.appendleft(partial(self.step_to, target, now))
            self._step(target < now, _follow_nobody)

    def cancel(self) -> bool:
        """Gives up the large edit that is worked out; whether there was one. What waits goes on."""
        if self._work is None:
            return False
        self._work.request.give_up()
        self._jobs.cancel(self._work.job_id)
        return True

    def _go_on(self) -> None:
        while self._waiting and self._work is None:
            try:
                self._waiting.popleft()()
            except LatentsegError as error:  # what comes after it must not wait for ever
                self._errors.report(error)

    def _do(
        self, image_id: str, title: str, make: Make, class_id: int | None, ends: Ends, is_large: bool
    ) -> None:
        if not self._document.images.has(image_id):
            return
        if class_id is not None:
            self._document.check_class(class_id)
            make = partial(make, class_id=class_id)
        if is_large:
            frozen = FrozenMask.frozen(self._document, image_id)
            self._begin(EditRequest(frozen, make), title, self._do_prepared, ends)
            return
        patch = make(self._document)
        self._history.do(patch)
        ends[patch is None]()

    def _step(self, is_undone: bool, follow: Callable[[Command | None], None]) -> None:
        history = self._history
        command = history.next_undone if is_undone else history.next_redone
        step = history.undo if is_undone else history.redo
        request = _request(self._document, command, is_undone=is_undone)
        if request is None:
            follow(step())
            return

        def take(prepared: Prepared) -> None:
            follow(step(partial(prepared.apply, self._document)))

        title = self.tr("Undo") if is_undone else self.tr("Redo")
        self._begin(request, title, take, (_nothing, _nothing))

    def _do_prepared(self, prepared: Prepared) -> None:
        self._history.do(prepared.command, partial(prepared.apply, self._document))
        _tell_left_alone(prepared.command, self._errors)

    def _begin(self, request: LargeEdit, title: str, take: Take, ends: Ends) -> None:
        job_id = self._jobs.submit(
            request,
            partial(self._on_worked_out, title, take, ends),
            title=title,
            is_fresh=lambda answer: answer.frozen.is_current(self._document),
            on_stale=partial(self._on_outdated, title),
            on_failure=self._on_failed,
            on_cancelled=self._end,
        )
        self._set_work(_Work(job_id, request), title)

    def _set_work(self, work: _Work | None, title: str = "") -> None:
        self._work, key = work, self._canvas.status.cancel_key
        text = self.tr("{0}… {1} cancels it") if key else self.tr("{0}…")
        self._canvas.status.set_working(text.format(title, key) if work is not None else "")
        self.labels.changed.emit()

    def _on_worked_out(self, title: str, take: Take, ends: Ends, answer: EditAnswer) -> None:
        if (rest := still_to_do(answer, self._document)) is not None:
            self._begin(rest, title, take, ends)
            return
        self._set_work(None)
        try:
            if answer.prepared is not None:
                take(answer.prepared)
            ends[answer.prepared is None]()
        finally:
            self._go_on()

    def _on_outdated(self, title: str) -> None:
        text = self.tr("“{0}” was not done: the mask was changed meanwhile. Do it again.")
        self._errors.inform(text.format(title))
        self._lose()

    def _on_failed(self, error: LatentsegError) -> None:
        self._errors.report(error)
        self._lose()

    def _lose(self) -> None:
        """The edit is not made, though nobody gave it up."""
        self.labels.lost.emit(self.tr("An edit was not made."))
        self._end()

    def _end(self) -> None:
        self._set_work(None)
        self._go_on()


def _request(document: Document, command: Command | None, *, is_undone: bool) -> LargeEdit | None:
    """What works a known step out in another thread; None for one that is small enough for this one."""
    if isinstance(command, ClassEdit) and command.is_about_pixels:
        frozen = FrozenMasks.of(document)
        return known_classes(frozen, command, is_undone=is_undone) if is_much(frozen.pixels) else None
    if not isinstance(command, MaskPatch) or not document.images.has(command.image_id):
        return None
    rows, cols = document.masks.layer(command.image_id).shape
    if command.area <= max(UNPACKED, rows * cols * UNPACKED_SHARE):
        return None
    return EditRequest(FrozenMask.frozen(document, command.image_id), lambda source: command)


def _tell_left_alone(command: Command, errors: ErrorSink) -> None:
    """Say what an edit of classes has not changed."""
    if isinstance(command, ClassEdit) and command.left_alone:
        errors.inform(command.left_alone)


def _follow_nobody(command: Command | None) -> None:
    """Nobody follows to another image."""


def _nothing() -> None:
    """For edits after which nothing is to be done."""
