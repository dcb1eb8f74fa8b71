"""A command that was given too early: it starts by itself once what it waits for is there."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import JobSource
from latentseg_gui.document.document import Document


class WaitingStart(JobSource):
    """One start that waits, for what passes without the user.

    The status bar lists it meanwhile, with a way to take it back. It is forgotten together with the images that
    were open when it was asked for.

    Args:
        title: what the status bar says of it.
        promise: sentence that says what starts when that is done.
        start: gives the command again.
        document: whose images it is about.
        errors: tells the user.
        parent: owner of this QObject.
    """

    def __init__(
        self,
        title: str,
        promise: str,
        *,
        start: Callable[[], None],
        document: Document,
        errors: ErrorSink,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._title = title
        self._promise = promise
        self._start = start
        self._document = document
        self._errors = errors
        self._name = f"waiting#{uuid4().hex}"
        self._why = ""
        self._images: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """What it waits for, and what starts then; "" where nothing waits."""
        return f"{self._why} {self._promise}" if self._why else ""

    def waits_for(self, why: str) -> bool:
        """Waits while something is missing, which ``why`` says in a sentence; "" ends that. Whether it waits."""
        was_waiting, self._why = bool(self._why), why
        if why and not was_waiting:
            self._images = frozenset(self._document.images.ids)
            self._errors.inform(self.sentence)
            self.began.emit(self._name, self._title)
        elif was_waiting and not why:
            self.ended.emit(self._name)
        return bool(why)

    def look(self) -> None:
        """Something may be there now that was missing."""
        if not self._why:
            return
        if self._images.isdisjoint(self._document.images.ids):
            self.stop()  # another project was opened, and nobody has asked for anything there
        else:
            self._start()

    def stop(self) -> None:
        """The user does not want it any more."""
        self.waits_for("")

    def cancel_named(self, full_name: str) -> None:
        """Takes it back if this is its name (of `JobSource`)."""
        if full_name == self._name:
            self.stop()
