"""Opening projects, and offering what a crash left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from latentseg_gui.commands.history import History
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.ports import Dialogs, ErrorSink
from latentseg_gui.controllers.storage import StorageController
from latentseg_gui.controllers.untitled import UntitledProjects
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.taking_over import take_over
from latentseg_gui.io.opening import OpenedProject, open_project
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project import journal_files, save_project
from latentseg_gui.io.project_file import MANIFEST
from latentseg_gui.io.storage import make_folder

_PRIORITY = 15


class OpeningController(QObject):
    """Takes a project over into the document of the window; asks first where work would be lost."""

    opened = Signal(object)
    """Folder of a project that was opened, for the list of recent ones."""

    show_requested = Signal(str)
    """An image of a project that was opened is to be shown."""

    row_failed = Signal(str, str)
    """An image of a project cannot be shown: its id, and why."""

    def __init__(
        self,
        document: Document,
        history: History,
        *,
        storage: StorageController,
        untitled: UntitledProjects,
        files: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._storage = storage
        self._untitled = untitled
        self._files = files
        self._dialogs = dialogs
        self._errors = errors

    def choose(self) -> None:
        """Asks for the folder of a project and opens it."""
        folder = self._dialogs.choose_folder(self.tr("Open project"), "")
        if folder is not None:
            self.open(folder)

    def choose_recent(self, recent: Sequence[str]) -> None:
        """Asks for one of the projects used last and opens it."""
        folders = [Path(each) for each in recent if (Path(each) / MANIFEST).is_file()]
        if not folders:
            self._errors.inform(self.tr("No project was used on this computer yet."))
            return
        choices = [(str(each), shown(each)) for each in folders]
        choice = self._dialogs.choose_one(self.tr("Open recent project"), self.tr("Project:"), choices)
        if choice is not None:
            self.open(Path(choice))

    def open(self, folder: Path) -> None:
        """Opens a project in the place of what is open."""
        project = self._storage.project
        if project is not None and project.folder == folder.absolute():
            self._errors.inform(self.tr("“{0}” is open already.").format(shown(folder.name)))
            return
        self._files.submit(
            partial(open_project, folder),
            self._on_opened,
            title=self.tr("Opening the project"),
            key="open project",
            priority=_PRIORITY,
        )

    def offer_recovery(self, recent: Sequence[str]) -> None:
        """At the start: offers the work of windows that ended without a word, until one is taken."""
        named = [Path(each) for each in recent if (Path(each) / MANIFEST).is_file()]
        crashed = [each for each in named if journal_files(each)]
        for folder in [*self._untitled.found(), *crashed]:
            if self._offer(folder, is_untitled=folder not in crashed):
                return

    def _offer(self, folder: Path, *, is_untitled: bool) -> bool:
        """Whether the user goes on with it."""
        try:
            opened = open_project(folder)
        except LatentsegError as error:
            self._errors.report(error)
            return False
        if opened.session.is_read_only:  # of another window that is open
            opened.session.abandon()
            return False
        if opened.recovery is None and (not is_untitled or not opened.document.vouched_ids()):
            if is_untitled:
                self._untitled.remove(opened.session)
            else:
                opened.session.close()
            return False
        return self._settle(opened, is_untitled=is_untitled)

    def _on_opened(self, answer: object) -> None:
        if not isinstance(answer, OpenedProject):
            return
        if self._storage.may_leave(self.tr("Open project")):
            self._settle(answer, is_untitled=False)
        else:
            answer.session.abandon()

    def _settle(self, opened: OpenedProject, *, is_untitled: bool) -> bool:
        """Asks what to do with changes that a crash left, and goes on with the project; whether it does."""
        answer = self._ask(opened, is_untitled=is_untitled) if opened.recovery or is_untitled else "none"
        try:
            if answer is None:
                opened.session.abandon()
                return False
            if answer == "copy":
                return self._take_over_copy(opened)
            if answer == "discard" and is_untitled:
                self._untitled.discard(opened.session)
                return False
            if opened.recovery is not None and answer == "restore":
                opened.recovery.restore(opened.document)
            elif opened.recovery is not None:
                opened.recovery.discard()
        except LatentsegError as error:
            opened.session.abandon()
            self._errors.report(error)
            return False
        self._take_over(opened, is_untitled=is_untitled)
        return True

    def _ask(self, opened: OpenedProject, *, is_untitled: bool) -> str | None:
        count = 0 if opened.recovery is None else opened.recovery.count
        if is_untitled:
            text = self.tr(
                "latentseg ended unexpectedly. The masks that were not saved ({0} changes) are there."
            )
        else:
            name = shown(opened.session.folder.name)
            text = self.tr("“{1}” was not closed properly. {0} changes since its last save are there.")
            text = text.format(count, name)
        if opened.recovery is not None and opened.recovery.is_damaged:
            text += " " + self.tr("The very last change cannot be read.")
        choices = [
            ("restore", self.tr("Restore")),
            ("copy", self.tr("Open as copy...")),
            ("discard", self.tr("Discard")),
        ]
        return self._dialogs.choose_action(self.tr("Restore work"), text.format(count), choices)

    def _take_over_copy(self, opened: OpenedProject) -> bool:
        """Goes on with a copy in another folder; what the crash left stays as it is, to be offered again."""
        folder = self._dialogs.choose_folder(self.tr("Folder for the copy"), "")
        if folder is None:
            opened.session.abandon()
            return False
        try:
            if opened.recovery is not None:
                opened.recovery.apply(opened.document)
            make_folder(folder)
            self._untitled.keep_pasted(opened.document, folder)
            copy = save_project(opened.document, folder, opened.session)
        finally:
            opened.session.abandon()
        self._take_over(replace(opened, session=copy), is_untitled=False)
        return True

    def _take_over(self, opened: OpenedProject, *, is_untitled: bool) -> None:
        document = opened.document
        if is_untitled:
            document.mark_dirty()
        lost = [each for each in document.image_ids if document.path(each) is None]
        for image_id in (*opened.missing, *lost):
            document.set_error(image_id, _missing(document.name(image_id)))
        self._storage.use(opened.session, is_untitled=is_untitled)
        self._history.clear()
        take_over(self._document, document)
        for notice in opened.notices:
            self._errors.inform(notice)
        if not is_untitled:
            self.opened.emit(opened.session.folder)
        self._show()

    def _show(self) -> None:
        """Says which images cannot be shown, and shows the first that can."""
        document = self._document
        errors = {each: document.error(each) for each in document.image_ids}
        for image_id, error in errors.items():
            if error is not None:
                self.row_failed.emit(image_id, str(error))
        first = next((each for each, error in errors.items() if error is None), None)
        if first is not None:
            self.show_requested.emit(first)


def _missing(name: str) -> LatentsegError:
    return LatentsegError(
        f"“{name}” is not where it was; its mask is kept.",
        action="Bring the image back to its place, or move it into the folder of the project.",
    )
