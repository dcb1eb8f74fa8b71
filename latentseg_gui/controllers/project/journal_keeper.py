"""Every change of the document, written down at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.commands.history import History
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.project.project import ProjectController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.project.changes import Change, MakersChange, PromptsChange
from latentseg_gui.document.project.kept_prompts import kept_prompts
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.project.manifest import WeightsList
from latentseg_gui.io.project.saving import ProjectSession

SYNC_MS = 2000
"""What was done longer ago than this survives a power cut; a crash of the program takes nothing of it."""


class JournalKeeper(QObject):
    """Hands what the history applies to the journal; the first image that is shown begins one.

    A journal that could not be written has a hole, and nothing after a hole may be replayed. So nothing more
    goes to it, the user is told once, and work goes on: the next save makes everything whole again.
    """

    def __init__(
        self,
        document: Document,
        history: History,
        *,
        storage: ProjectController,
        files: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._storage = storage
        self._files = files
        self._errors = errors
        self._sync = QTimer(self, singleShot=True, interval=SYNC_MS)
        self._sync.timeout.connect(self._sync_journals)
        self._broken: list[ProjectSession] = []
        self._is_told = False
        history.events.applied.connect(self._on_applied)
        document.events.current_changed.connect(self._on_current_changed)
        document.events.prompts_changed.connect(self._on_prompts_changed)
        document.events.earlier_changed.connect(self._on_prompts_changed)
        document.events.maker_changed.connect(self._on_maker_changed)
        storage.saved.connect(self._on_saved)

    def _on_current_changed(self, image_id: str | None) -> None:
        if image_id is None:
            return
        if not self._storage.sessions:
            self._start()
        elif self._document.images.path(image_id) is None:
            self._keep_pasted()

    def _on_applied(self, changes: Sequence[Change]) -> None:
        sessions = self._storage.sessions
        if not sessions or all(session.is_read_only for session in sessions):
            self._start()
            return
        self._record(changes)

    def _on_prompts_changed(self, image_id: str) -> None:
        """What waits to be accepted survives a crash, too."""
        if self._document.masks.shape(image_id) is not None:
            self._record([PromptsChange(image_id, kept_prompts(self._document, image_id))])

    def _on_maker_changed(self, image_id: str, number: int) -> None:
        """Whose click model made an object survives a crash with the object."""
        makers = {str(number): self._document.makers.of(image_id, number)}
        self._record([MakersChange(image_id, makers)])

    def _record(self, changes: Sequence[Change]) -> None:
        for session in self._storage.sessions:
            if session not in self._broken and not session.is_read_only:
                self._write(session, partial(session.record, changes, self._document))

    def note_weights(self, session: ProjectSession, listed: WeightsList) -> None:
        """Writes down which versions of the weights there are."""
        if session not in self._broken and not session.is_read_only:
            self._write(session, partial(session.record_weights, listed))

    def _start(self) -> None:
        """The untitled project begins with all that there is, so with the change that led to it too."""
        try:
            self._storage.start_untitled()
        except LatentsegError as error:
            self._tell(error)

    def _keep_pasted(self) -> None:
        try:
            for session in self._storage.sessions:
                if not session.is_read_only:
                    self._storage.untitled.keep_pasted(self._document, session.folder)
        except LatentsegError as error:
            self._tell(error)

    def _write(self, session: ProjectSession, write: Callable[[], None]) -> None:
        try:
            write()
            if not self._sync.isActive():
                self._sync.start()
        except LatentsegError as error:
            self._broken.append(session)
            self._tell(error)

    def _sync_journals(self) -> None:
        """Has the journals on the disk, in the background: that takes milliseconds, or seconds on a busy disk."""
        for session in self._storage.sessions:
            if session not in self._broken and not session.is_read_only:
                self._files.submit(
                    session.sync_journal,
                    _ignore,
                    key=f"sync {session.folder}",
                    priority=Priority.JOURNAL,
                    is_current=partial(self._is_open, session),
                    on_failure=self._tell,
                )

    def _is_open(self, session: ProjectSession) -> bool:
        """A journal that was closed meanwhile needs no sync."""
        return session in self._storage.sessions

    def _tell(self, error: LatentsegError) -> None:
        if self._is_told:
            return
        self._is_told = True
        self._errors.report(
            LatentsegError(
                f"Changes cannot be kept for a recovery: {error.what}",
                action="You can go on working. Save the project soon, in another place if need be.",
                detail=error.detail,
            )
        )

    def _on_saved(self) -> None:
        if not self._document.is_dirty:  # else the journal lacks what was done while it was saved
            self._broken.clear()
            self._is_told = False


def _ignore(_: None) -> None:
    """A sync that went well is nothing to speak of."""
