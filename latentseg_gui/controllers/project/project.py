"""The project of the window: where it is, and saving it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal

from latentseg_gui.controllers.interfaces import Dialogs, ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.project.unsaved import Versions, has_unsaved_changes, lost_by_leaving
from latentseg_gui.controllers.project.untitled import UntitledProjects
from latentseg_gui.controllers.waiting import LabelsToCome, WaitingStart
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.project.kept_marks import marks_as_settings
from latentseg_gui.document.project.kept_prompts import prompts_as_settings
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.naming import common_folder
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import CURRENT, MAKERS, MARKS, PROMPTS
from latentseg_gui.io.project.saving import ProjectSession, ProjectSnapshot, create_project

_RETRY_MS = 200
_WAIT_S = 60.0


class _Saving:
    """Writes a snapshot when called, and remembers how that went.

    Args:
        target: the project that is written.
        snapshot: what is written.
        is_asked: whether the user asked for it, and so wants to hear of its success.
    """

    def __init__(self, target: ProjectSession, snapshot: ProjectSnapshot, *, is_asked: bool) -> None:
        self.target = target
        self.snapshot = snapshot
        self.is_asked = is_asked
        self.error: LatentsegError | None = None
        self._done = threading.Event()

    def __call__(self) -> _Saving:
        """Write. Never raises: what went wrong is in ``error``."""
        try:
            self.target.write(self.snapshot)
        except LatentsegError as error:
            self.error = error
        except Exception as error:  # reported like any other failure: the work must stay marked as unsaved
            self.error = LatentsegError(
                f"The project could not be saved: {error}.",
                action="Save it in another folder.",
                detail=repr(error),
            )
        finally:
            self._done.set()
        return self

    def wait(self, seconds: float) -> bool:
        """Wait for it in this thread; whether it is over."""
        return self._done.wait(seconds)


class ProjectController(QObject):
    """Keeps what the user does: in the journal at once, in the project when it is saved.

    Before the first save the journal belongs to an untitled project in the state folder. A project is saved
    from a snapshot, in the background; it counts as saved only when its manifest is on the disk.

    Args:
        document: the one document of the window.
        files: where reading and writing happen.
        dialogs: questions to the user.
        errors: what the user must know.
        untitled: where work without a project is kept.
        coming: labels that are on their way; a save does not wait for them, and is repeated once they are there.
        is_painting: whether a stroke is in progress; nothing is saved in the middle of one.
        parent: owner of this QObject.
    """

    project_changed = Signal()
    """The project of the window, its name, or whether there is something to save changed."""

    saved = Signal()
    """What a snapshot held is on the disk."""

    made = Signal(object)
    """Folder of a project that was saved for the first time, for the list of recent ones."""

    def __init__(
        self,
        document: Document,
        *,
        files: Jobs,
        dialogs: Dialogs,
        errors: ErrorSink,
        untitled: UntitledProjects,
        coming: LabelsToCome,
        is_painting: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._files = files
        self._dialogs = dialogs
        self._errors = errors
        self.untitled = untitled
        self._is_painting = is_painting
        self.versions: Versions | None = None
        """Whoever keeps the versions of the weights sets this."""
        self._session: ProjectSession | None = None
        self._is_untitled = True
        self._saving: _Saving | None = None
        self._failed: set[Path] = set()
        self._told_of_change: set[Path] = set()
        self._retry = QTimer(self, singleShot=True, interval=_RETRY_MS)
        self._retry.timeout.connect(self.save)
        self._soon = QTimer(self, singleShot=True, interval=_RETRY_MS)
        self.coming = coming
        self.elsewhere, self.again = _starts(self, lambda: self._saving, self._soon, coming, document, errors)

    @property
    def project(self) -> ProjectSession | None:
        """The project that the user opened or saved; None while there is none."""
        return None if self._is_untitled else self._session

    @property
    def sessions(self) -> tuple[ProjectSession, ...]:
        """Where changes go: what is open, and what is being saved for the first time."""
        saved_to = None if self._saving is None else self._saving.target
        return tuple({id(each): each for each in (self._session, saved_to) if each is not None}.values())

    @property
    def has_unsaved(self) -> bool:
        """Whether closing now would lose something."""
        return bool(lost_by_leaving(self._document, self.project, self.versions))

    def save(self) -> None:
        """Saves the project in the background, once nothing else is being saved; asks for a folder the first time."""
        project = self.project
        if self._saving is not None or self._is_painting():
            self._retry.start()  # the first save under way decides where the next one goes
        elif project is None or project.is_read_only:
            self.save_as()
        elif _may_overwrite(project, self._dialogs):
            self._begin(project, is_asked=True)

    def save_as(self) -> None:
        """Asks for a folder and saves a project there, to go on with it, once nothing else is being saved."""
        is_waiting = self._saving is not None or self._is_painting()
        if self.elsewhere.waits_for(self.tr("Something is still being saved.") if is_waiting else ""):
            self._soon.start()
            return
        target = self._new_target()
        if target is not None:
            self._begin(target, is_asked=True)

    def autosave(self) -> None:
        """Saves a project that has a name, if there is something to save and nothing else to do."""
        project = self.project
        if project is None or project.is_read_only or self._saving is not None or self._is_painting():
            return
        if not has_unsaved_changes(self._document, self.versions) and not _has_new_prompts(
            self._document, project
        ):
            return
        if not project.is_changed_outside():
            self._told_of_change.discard(project.folder)
            self._begin(project, is_asked=False)
        elif project.folder not in self._told_of_change:
            self._told_of_change.add(project.folder)
            self._errors.inform(_not_saved_by_itself(project))

    def save_now(self) -> bool:
        """Saves before going on, asking for a folder where needed; whether everything is saved."""
        if self._saving is not None:
            self._saving.wait(_WAIT_S)
            self._finish(self._saving)
        project = self.project
        if project is not None and not project.is_read_only:
            target = project if _may_overwrite(project, self._dialogs) else None
        else:
            target = self._new_target()
        saving = None if target is None else self._snapshot(target, is_asked=False)
        if saving is None:
            return False
        self._saving = saving
        self._finish(saving())
        return saving.error is None

    def may_leave(self, title: str, remark: str = "") -> bool:
        """Asks what to do with unsaved work; whether the user wants to go on, and it is safe.

        Args:
            title: of the question.
            remark: what else ends.
        """
        sentences = lost_by_leaving(self._document, self.project, self.versions)
        if not sentences:
            if _has_new_prompts(self._document, self.project):  # nothing to be asked about
                self.save_now()
            return True
        text = " ".join([*sentences, remark]).strip()
        choices = [("save", self.tr("Save")), ("discard", self.tr("Discard"))]
        answer = self._dialogs.choose_action(title, text, choices)
        return self.save_now() if answer == "save" else answer == "discard"

    def start_untitled(self) -> None:
        """Keeps work that has no project yet in the state folder; nothing happens if it is kept already.

        Raises:
            LatentsegError: if that folder cannot be written.
        """
        if self._session is None or self._session.is_read_only:
            session = self.untitled.make(self._document)
            self.leave()
            self._session, self._is_untitled = session, True
            self.project_changed.emit()

    def use(self, session: ProjectSession, *, is_untitled: bool) -> None:
        """Goes on with a project that was opened, in the place of what was open."""
        self.leave()
        self._session, self._is_untitled = session, is_untitled
        if self.versions is not None:
            self.versions.take_over(session, is_untitled=is_untitled)
        self.project_changed.emit()

    def leave(self) -> None:
        """The user is done with the project; what is not saved is gone."""
        session, self._session = self._session, None
        if session is not None and self._is_untitled:
            self.untitled.remove(session)
        elif session is not None:
            session.close()
        self._is_untitled = True

    def abandon(self) -> None:
        """The program ends without having asked: the journal stays, to be offered next time."""
        if self._saving is not None:
            self._saving.wait(_WAIT_S)
        session, self._session = self._session, None
        is_empty = not (self.has_unsaved or prompts_as_settings(self._document))
        if session is not None and self._is_untitled and is_empty:
            self.untitled.remove(session)
        elif session is not None:
            session.abandon()

    def _begin(self, target: ProjectSession, *, is_asked: bool) -> None:
        saving = self._snapshot(target, is_asked=is_asked)
        if saving is None:
            return
        self._saving, key = saving, f"save {saving.snapshot.revision}"
        self._files.submit(saving, self._finish, key=key, priority=Priority.PROJECT)
        if is_asked:
            self.again.waits_for(self.coming.sentence)

    def _snapshot(self, target: ProjectSession, *, is_asked: bool) -> _Saving | None:
        try:
            self.untitled.keep_pasted(self._document, target.folder)
            settings = {**target.manifest.settings, **_settings_of(self._document)}
            weights, sources = (None, None) if self.versions is None else self.versions.at_hand()
            snapshot = target.snapshot(self._document, settings, weights, sources)
            return _Saving(target, snapshot, is_asked=is_asked)
        except LatentsegError as error:
            self._on_failed(target, error, is_asked=is_asked)
            return None

    def _new_target(self) -> ProjectSession | None:
        """A new project in a folder that the user chooses."""
        title = self.tr("Save project in a new folder")
        folder = self._dialogs.choose_new_folder(title, _suggested(self._document))
        if folder is None:
            return None
        project = self.project
        if project is not None and not project.is_read_only and project.folder == folder.absolute():
            return project
        try:
            return create_project(folder, self._document, None if project is None else project.manifest)
        except LatentsegError as error:
            self._errors.report(error)
            return None

    def _finish(self, saving: _Saving) -> None:
        """Draws the consequences of a save, once."""
        if saving is not self._saving:
            return
        self._saving = None
        target = saving.target
        if saving.error is not None:
            self.again.stop()
            self._on_failed(target, saving.error, is_asked=saving.is_asked)
            return
        if target is not self._session:
            self.leave()
            self._session, self._is_untitled = target, False
            self.made.emit(target.folder)
        self._failed.discard(target.folder)
        self._document.mark_saved(saving.snapshot.revision)
        self.saved.emit()
        if saving.is_asked:
            self._errors.inform(self.tr("Saved “{0}”.").format(shown(target.folder.name)))
        self.project_changed.emit()

    def _on_failed(self, target: ProjectSession, error: LatentsegError, *, is_asked: bool) -> None:
        """One message per target until a save succeeds again, unless the user asked for the save."""
        if target is not self._session:
            target.close()
        if is_asked or target.folder not in self._failed:
            what = self.tr("The project “{0}” was not saved.").format(shown(target.folder.name))
            self._errors.report(
                LatentsegError(f"{what} {error.what}", action=error.action, detail=error.detail)
            )
        self._failed.add(target.folder)


def _starts(
    storage: ProjectController,
    saving: Callable[[], _Saving | None],
    clock: QTimer,
    coming: LabelsToCome,
    document: Document,
    errors: ErrorSink,
) -> tuple[WaitingStart, WaitingStart]:
    """A save elsewhere that waits for one under way, and one of labels that were not there at the last save."""

    def save_again() -> None:
        if not coming.sentence and saving() is None:  # the first save decides where this one goes
            again.stop()
            if storage.project is not None:
                storage.save()

    waiting = partial(WaitingStart, labels=None, document=document, errors=errors, parent=storage)
    elsewhere = waiting(
        storage.tr("Saving in another folder"),
        storage.tr("You are asked for the folder when that is done."),
        start=storage.save_as,
        looks=clock.timeout,
    )
    again = waiting(
        storage.tr("Saving again"),
        storage.tr("The project is saved again when that is done."),
        start=save_again,
        looks=coming.changed,
    )
    storage.project_changed.connect(again.look, Qt.ConnectionType.QueuedConnection)  # not amid leaving it
    return elsewhere, again


def _settings_of(document: Document) -> dict[str, Any]:
    """What of a document a project keeps among its settings."""
    return {
        CURRENT: document.images.current_id,
        MAKERS: document.makers.as_settings(),
        MARKS: marks_as_settings(document),
        PROMPTS: prompts_as_settings(document),
    }


def _has_new_prompts(document: Document, project: ProjectSession | None) -> bool:
    """Whether something else waits to be accepted than a project says that can be written."""
    if project is None or project.is_read_only or project.is_changed_outside():
        return False
    return bool(prompts_as_settings(document) != project.manifest.settings.get(PROMPTS, {}))


def _not_saved_by_itself(project: ProjectSession) -> str:
    text = QCoreApplication.translate(
        "ProjectController",
        "“{0}” was changed by another program, so it is not saved by itself any more. "
        "Save it to put your version in its place, or save it in another folder.",
    )
    return text.format(shown(project.folder.name))


def _may_overwrite(project: ProjectSession, dialogs: Dialogs) -> bool:
    """Asks before a project is written that another program has changed."""
    if not project.is_changed_outside():
        return True
    translate = QCoreApplication.translate
    text = translate("ProjectController", "“{0}” was changed by another program since it was opened.")
    title, action = (
        translate("ProjectController", "Save project"),
        translate("ProjectController", "Overwrite"),
    )
    return dialogs.confirm(title, text.format(shown(project.folder.name)), action)


def _suggested(document: Document) -> Path:
    """A new folder beside that of the images, called after it."""
    paths = [document.images.path(each) for each in document.images.ids]
    source = common_folder([path for path in paths if path is not None])
    if source is None or source.parent == source:
        return Path.home() / QCoreApplication.translate("ProjectController", "latentseg project")
    return source.parent / QCoreApplication.translate("ProjectController", "{0} project").format(source.name)
