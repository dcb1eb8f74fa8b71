"""Projects in the window: menus, title, autosave, and the question on closing."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu

from latentseg_gui.app.session import Session
from latentseg_gui.controllers.project.closing import ClosingController
from latentseg_gui.controllers.project.journal_keeper import JournalKeeper
from latentseg_gui.controllers.training.kept_versions import VersionKeeper
from latentseg_gui.io.paths import shown
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain, unmarked

IDLE_MS = 10_000
AT_LEAST_MS = 120_000
_OFFERED = 4


def wire_storage(session: Session) -> None:
    """Connects everything about projects."""
    storage, opening, window, errors = session.storage, session.opening, session.window, session.reporter
    journal = JournalKeeper(
        session.document,
        session.history,
        storage=storage,
        files=session.file_jobs,
        errors=errors,
        parent=session,
    )
    kept_versions = VersionKeeper(
        session.weights,
        storage,
        files=session.file_jobs,
        errors=errors,
        folder=session.own_versions.folder,
        parent=session,
    )
    kept_versions.noted.connect(journal.note_weights)
    closing = ClosingController(
        storage,
        session.finetune,
        session.batch,
        dialogs=session.dialogs,
        is_importing=lambda: session.importing.is_running,
        parent=session,
    )
    window.close_requested.connect(closing.on_close_requested)
    window.action["save_project"].triggered.connect(storage.save)
    window.action["save_project_as"].triggered.connect(storage.save_as)
    window.action["open_project"].triggered.connect(opening.choose)
    window.action["open_recent"].triggered.connect(RecentProjects(session).choose)
    storage.made.connect(session.preferences.remember)
    opening.opened.connect(session.preferences.remember)
    opening.show_requested.connect(session.project.show)
    opening.row_failed.connect(session.project.rows.set_error)
    session.project.project_found.connect(opening.open)
    Title(session)
    Autosave(session)


class RecentProjects(QObject):
    """What was used last, as it is when it is asked for: a menu, and a list for the keyboard."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._project = session.project
        self._opening = session.opening
        self._preferences = session.preferences
        self.menu = QMenu(self.tr("Recent"), session.window)
        self.menu.setIcon(icon("folder"))
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        session.window.insert_menu(self.menu, before="open_project")
        self._empty = session.window.empty_state
        self._empty.recent_requested.connect(lambda name: self._open(Path(name)))
        session.document.events.current_changed.connect(self._on_current_changed)
        self._on_current_changed(None)

    def choose(self) -> None:
        """Asks which project to open."""
        self._opening.choose_recent(self._preferences.recent)

    def _fill(self) -> None:
        """Projects, folders and images, newest first; whether they are still there is seen when one is chosen."""
        self.menu.clear()
        for name in self._preferences.recent:
            path = Path(name)
            action = self.menu.addAction(unmarked(shown(path.name) or shown(path)))
            action.setToolTip(plain(shown(path)))
            action.setStatusTip(shown(path))
            action.triggered.connect(partial(self._open, path))
        if self.menu.isEmpty():
            self.menu.addAction(self.tr("Nothing was opened yet")).setEnabled(False)
            return
        self.menu.addSeparator()
        self.menu.addAction(self.tr("Clear this list")).triggered.connect(self._clear)

    def _open(self, path: Path, _: bool = False) -> None:
        self._project.open([path])

    def _clear(self) -> None:
        self._preferences.recent = []
        self._on_current_changed(None)

    def _on_current_changed(self, image_id: str | None) -> None:
        """Where no image is open, what was used last stands in its place."""
        if image_id is None:
            names = self._preferences.recent[:_OFFERED]
            self._empty.set_recent([(name, shown(Path(name).name) or name) for name in names])


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
        parts = (
            [] if document.images.current_id is None else [document.images.name(document.images.current_id)]
        )
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
        session.weights.versions_changed.connect(self._on_applied)

    def _on_applied(self, changes: object = None) -> None:
        self._idle.start()
