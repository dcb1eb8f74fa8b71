"""Projects in the window: menus, title, autosave, and the question on closing."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.app.session import Session
from latentseg_gui.controllers.closing import ClosingController
from latentseg_gui.controllers.journal_keeper import JournalKeeper
from latentseg_gui.io.paths import shown

IDLE_MS = 10_000
AT_LEAST_MS = 120_000


def wire_storage(session: Session) -> None:
    """Connects everything about projects."""
    storage, opening, window, errors = session.storage, session.opening, session.window, session.reporter
    JournalKeeper(session.document, session.history, storage=storage, errors=errors, parent=session)
    closing = ClosingController(storage, session.finetune, dialogs=session.dialogs, parent=session)
    window.close_requested.connect(closing.on_close_requested)
    window.action["save_project"].triggered.connect(storage.save)
    window.action["save_project_as"].triggered.connect(storage.save_as)
    window.action["open_project"].triggered.connect(opening.choose)
    window.action["open_recent"].triggered.connect(_RecentProjects(session).choose)
    storage.made.connect(session.preferences.remember)
    opening.opened.connect(session.preferences.remember)
    opening.show_requested.connect(session.project.show)
    opening.row_failed.connect(session.project.rows.set_error)
    session.project.project_found.connect(opening.open)
    Title(session)
    Autosave(session)


class _RecentProjects(QObject):
    """The list of recent projects, as it is when it is asked for."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._opening = session.opening
        self._preferences = session.preferences

    def choose(self) -> None:
        """Asks which one to open."""
        self._opening.choose_recent(self._preferences.recent)


class Title(QObject):
    """The title of the window: a dot for unsaved changes, the image, the project."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        events = session.document.events
        events.dirty_changed.connect(self._show)
        events.current_changed.connect(self._show)
        session.storage.project_changed.connect(self._show)

    def _show(self, *_: object) -> None:
        document, project = self._session.document, self._session.storage.project
        parts = [] if document.current_id is None else [document.name(document.current_id)]
        if project is not None:
            name = shown(project.folder.name)
            parts.append(self.tr("{0} (read-only)").format(name) if project.is_read_only else name)
        dot = "● " if self._session.storage.has_unsaved else ""
        self._session.window.setWindowTitle(dot + " - ".join([*parts, "latentseg"]))


class Autosave(QObject):
    """Saves a project that has a name when nothing was changed for a while, and every two minutes anyway."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._storage = session.storage
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(IDLE_MS)
        self._idle.timeout.connect(self._storage.autosave)
        self._at_least = QTimer(self)
        self._at_least.setInterval(AT_LEAST_MS)
        self._at_least.timeout.connect(self._storage.autosave)
        self._at_least.start()
        session.history.events.applied.connect(self._on_applied)

    def _on_applied(self, changes: object) -> None:
        self._idle.start()
