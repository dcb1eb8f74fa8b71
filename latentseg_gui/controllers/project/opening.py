"""Opening projects, and offering what a crash left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from latentseg_gui.commands.history import History
from latentseg_gui.controllers.images.images import project_folder
from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.project.closing import is_agreed
from latentseg_gui.controllers.project.project import ProjectController
from latentseg_gui.controllers.project.recovering import LeftBehind, Restoring, first_left_behind, question
from latentseg_gui.controllers.project.untitled import UntitledProjects
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.project.kept_marks import take_marks, take_over
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import CURRENT, MANIFEST, MARKS
from latentseg_gui.io.project.opening import OpenedProject, open_project


@dataclass(frozen=True, slots=True)
class _Case:
    """A project that is to be taken over.

    Attributes:
        opened: the project.
        is_untitled: whether it has no name yet.
        otherwise: what is done if it is not taken, where it was offered and not asked for.
    """

    opened: OpenedProject
    is_untitled: bool
    otherwise: Callable[[], None] | None


class ProjectOpener(QObject):
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
        storage: ProjectController,
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
        self._then: Callable[[], None] | None = None
        self._restoring: Restoring | None = None

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

    def begin(self, paths: Sequence[Path], recent: Sequence[str], then: Callable[[], None]) -> None:
        """At the start: offers what was left behind; a project that was asked for is opened first.

        Args:
            paths: what was asked for.
            recent: folders that were used last.
            then: opens ``paths``, where none is a project.
        """
        project = next((folder for path in paths if (folder := project_folder(path)) is not None), None)
        if project is None:
            self.offer_recovery(recent, then)
            return
        others = [each for each in recent if Path(each).absolute() != project.absolute()]
        self._then = partial(self.offer_recovery, others, _nothing)
        self.open(project)

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
            priority=Priority.PROJECT,
            on_failure=self._on_not_sought,
            on_cancelled=self._go_on,
        )

    def offer_recovery(self, recent: Sequence[str], then: Callable[[], None]) -> None:
        """At the start: offers the work of windows that ended without a word, until one is taken.

        Looking for it and reading it happen beside the window.

        Args:
            recent: folders that were used last.
            then: called when there is nothing (more) to be offered, or something was taken.
        """
        self._then = then
        self._seek(tuple(self._untitled.found()), tuple(Path(each) for each in recent))

    def abandon(self) -> None:
        """The window ends: what is being restored stays where it is, to be offered again."""
        if self._restoring is not None:
            self._restoring.abandon()

    def _seek(self, untitled: tuple[Path, ...], recent: tuple[Path, ...]) -> None:
        self._files.submit(
            partial(first_left_behind, untitled, recent, self._untitled),
            self._on_sought,
            title=self.tr("Looking for unsaved work") if untitled else "",
            key="seek recovery",
            priority=Priority.PROJECT,
            on_failure=self._on_not_sought,
            on_cancelled=self._go_on,
        )

    def _on_sought(self, answer: LeftBehind) -> None:
        for error in answer.errors:
            self._errors.report(error)
        if answer.opened is None:
            self._go_on()
            return
        self._restore(
            _Case(answer.opened, answer.is_untitled, partial(self._seek, answer.untitled, answer.recent))
        )

    def _on_not_sought(self, error: LatentsegError) -> None:
        self._errors.report(error)
        self._go_on()

    def _leave(self, case: _Case) -> None:
        """It is not taken; what is to be done otherwise is done."""
        if case.otherwise is not None:
            case.otherwise()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """What waited for the question of recovery begins."""
        then, self._then = self._then, None
        if then is not None:
            then()

    def _on_opened(self, answer: OpenedProject) -> None:
        if _may_leave(self._storage, self._dialogs, self.tr("Open project")):
            self._restore(_Case(answer, False, None))
        else:
            answer.session.abandon()
            self._go_on()

    def _restore(self, case: _Case) -> None:
        """Asks what to do with changes that a crash left, has it done beside the window, and goes on."""
        opened = case.opened
        answer = self._ask(case) if _is_worth_asking(case) else "restore" if opened.recovery else ""
        if answer == "":
            self._take_over(case, opened)
            return
        folder = None
        if answer == "copy":
            suggestion = Path.home() / self.tr("recovered project")
            folder = self._dialogs.choose_new_folder(self.tr("Folder for the copy"), suggestion)
        if answer is None or (answer == "copy" and folder is None):
            opened.session.abandon()
            self._leave(case)
            return
        self._restoring = Restoring(
            opened, answer, self._untitled, is_untitled=case.is_untitled, folder=folder
        )
        self._files.submit(
            self._restoring,
            partial(self._on_restored, case),
            title=self.tr("Making a copy of your work") if folder else self.tr("Restoring your work"),
            key="restore",
            priority=Priority.PROJECT,
            on_failure=partial(self._on_not_restored, case),
            on_cancelled=partial(self._on_given_up, case),
        )

    def _on_restored(self, case: _Case, opened: OpenedProject | None) -> None:
        self._restoring = None
        if opened is not None:
            self._take_over(case, opened)
        else:
            self._leave(case)

    def _on_not_restored(self, case: _Case, error: LatentsegError) -> None:
        self._restoring = None
        case.opened.session.abandon()
        self._errors.report(error)
        self._leave(case)

    def _on_given_up(self, case: _Case) -> None:
        self._errors.inform(self.tr("It was not restored; it is offered again when latentseg is started."))
        self._leave(case)

    def _ask(self, case: _Case) -> str | None:
        project = self._storage.project
        text = question(
            case.opened,
            is_untitled=case.is_untitled,
            is_asked_for=case.otherwise is None,
            in_the_way="" if project is None else shown(project.folder.name),
        )
        choices = [
            ("restore", self.tr("Restore")),
            ("copy", self.tr("Open as copy...")),
            ("discard", self.tr("Discard")),
        ]
        return self._dialogs.choose_action(self.tr("Restore work"), text, choices)

    def _take_over(self, case: _Case, opened: OpenedProject) -> None:
        document = opened.document
        # Work was begun while the other was being restored: nobody may lose it without a word.
        title = self.tr("Restore work")
        if case.otherwise is not None and not _may_leave(self._storage, self._dialogs, title):
            opened.session.abandon()
            self._go_on()
            return
        is_untitled = case.is_untitled and opened is case.opened
        if is_untitled:
            document.mark_dirty()
        lost = [each for each in document.images.ids if document.images.path(each) is None]
        for image_id in (*opened.missing, *lost):
            document.records.set_error(image_id, _missing(document.images.name(image_id)))
        project = self._storage.project
        begun = (
            [self._document.images.path(each) for each in self._document.images.ids]
            if project is None
            else []
        )
        self._storage.use(opened.session, is_untitled=is_untitled)
        self._history.clear()
        take_over(self._document, document)
        take_marks(self._document, opened.session.manifest.settings.get(MARKS))
        if case.otherwise is not None:
            self._document.images.add_paths([path for path in begun if path is not None])
        restored = () if opened.recovery is None else opened.recovery.notices
        for notice in (*opened.notices, *restored):
            self._errors.inform(notice)
        if not is_untitled:
            self.opened.emit(opened.session.folder)
        self._show(opened.session.manifest.settings.get(CURRENT))
        self._go_on()

    def _show(self, last: object) -> None:
        """Says which images cannot be shown, and shows the one that was shown ``last``, or the first that can."""
        document = self._document
        errors = {each: document.records.error(each) for each in document.images.ids}
        for image_id, error in errors.items():
            if error is not None:
                self.row_failed.emit(image_id, str(error))
        whole = [each for each, error in errors.items() if error is None]
        if whole:
            self.show_requested.emit(next((each for each in whole if each == last), whole[0]))


def _is_worth_asking(case: _Case) -> bool:
    """Whether anybody would miss what a crash left; clicks that came and went nobody does."""
    recovery = case.opened.recovery
    return case.is_untitled or (recovery is not None and recovery.is_worth_asking)


def _may_leave(storage: ProjectController, dialogs: Dialogs, title: str) -> bool:
    """Asks about what is not saved, and about labels that are not there yet."""
    tr, remark = partial(QCoreApplication.translate, "ProjectOpener"), storage.coming.sentence
    if remark:
        remark = tr("{0} What is not there yet is left out.").format(remark)
    return is_agreed(storage, dialogs, title, remark, tr("Go on"))


def _nothing() -> None:
    """Nothing else was asked for."""


def _missing(name: str) -> LatentsegError:
    return LatentsegError(
        f"“{name}” is not where it was; its mask is kept.",
        action="Bring the image back to its place, or move it into the folder of the project.",
    )
