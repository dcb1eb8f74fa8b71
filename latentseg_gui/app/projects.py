"""Projects in the window: the list of recent ones, the title, and saving by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu

from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.app.preferences import Preferences
from latentseg_gui.commands.history import History
from latentseg_gui.controllers.project.project import ProjectController
from latentseg_gui.document.document import Document
from latentseg_gui.io.paths import shown
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain, unmarked

IDLE_MS = 10_000
AT_LEAST_MS = 120_000
_OFFERED = 4


class RecentProjects(QObject):
    """What was used last, as it is when it is asked for: a menu, and a list for the keyboard."""

    def __init__(
        self,
        window: MainWindow,
        document: Document,
        preferences: Preferences,
        *,
        open_paths: Callable[[Sequence[Path]], None],
        choose: Callable[[Sequence[str]], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._open_paths = open_paths
        self._choose = choose
        self._preferences = preferences
        self.menu = QMenu(self.tr("Recent"), window)
        self.menu.setIcon(icon("folder"))
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        window.insert_menu(self.menu, before="open_project")
        self._empty = window.empty_state
        self._empty.recent_requested.connect(lambda name: self._open(Path(name)))
        document.events.current_changed.connect(self._on_current_changed)
        self._on_current_changed(None)

    def choose(self) -> None:
        """Asks which project to open."""
        self._choose(self._preferences.recent)

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
        self._open_paths([path])

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

    def __init__(
        self, window: MainWindow, document: Document, storage: ProjectController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._window = window
        self._document = document
        self._storage = storage
        document.events.dirty_changed.connect(self._show)
        document.events.current_changed.connect(self._show)
        storage.project_changed.connect(self._show)

    def _show(self, *_: object) -> None:
        document, project = self._document, self._storage.project
        parts = (
            [] if document.images.current_id is None else [document.images.name(document.images.current_id)]
        )
        if project is not None:
            name = shown(project.folder.name)
            parts.append(self.tr("{0} (read-only)").format(name) if project.is_read_only else name)
        dot = "● " if self._storage.has_unsaved else ""
        self._window.setWindowTitle(dot + " - ".join([*parts, "latentseg"]))


class Autosave(QObject):
    """Saves a project that has a name when nothing was changed for a while, and every two minutes anyway."""

    def __init__(self, storage: ProjectController, history: History, parent: QObject) -> None:
        super().__init__(parent)
        self._storage = storage
        self._idle = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._idle.timeout.connect(self._storage.autosave)
        self._at_least = QTimer(self)
        self._at_least.setInterval(AT_LEAST_MS)
        self._at_least.timeout.connect(self._storage.autosave)
        self._at_least.start()
        history.events.applied.connect(self.note_change)

    def note_change(self, _: object = None) -> None:
        """Something was changed that is to be saved."""
        self._idle.start()
