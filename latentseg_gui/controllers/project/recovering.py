"""What windows that ended without a word left behind: found, and brought back, in a background thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from latentseg_gui.controllers.project.untitled import UntitledProjects
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.project.manifest import MANIFEST
from latentseg_gui.io.project.opening import OpenedProject, open_project
from latentseg_gui.io.project.saving import journal_files, save_project
from latentseg_gui.io.storage import make_folder


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """The first project with something to be offered.

    Attributes:
        opened: the project; None if there is none.
        is_untitled: whether it has no name yet.
        untitled: untitled projects that were not looked at yet.
        recent: folders that were not looked at yet.
        errors: of projects that cannot be read.
    """

    opened: OpenedProject | None
    is_untitled: bool
    untitled: tuple[Path, ...]
    recent: tuple[Path, ...]
    errors: tuple[LatentsegError, ...]


def first_left_behind(
    untitled: tuple[Path, ...], recent: tuple[Path, ...], owner: UntitledProjects
) -> LeftBehind:
    """Look at projects until one has something that was not saved; those that have nothing are tidied up."""
    errors: list[LatentsegError] = []
    folders = [(folder, True) for folder in untitled] + [(folder, False) for folder in recent]
    for index, (folder, is_untitled) in enumerate(folders):
        if not is_untitled and not ((folder / MANIFEST).is_file() and journal_files(folder)):
            continue
        try:
            opened = open_project(folder)
        except LatentsegError as error:
            errors.append(error)
            continue
        if _is_worth_it(opened, owner, is_untitled=is_untitled):
            rest = folders[index + 1 :]
            untitled = tuple(each for each, is_one in rest if is_one)
            recent = tuple(each for each, is_one in rest if not is_one)
            return LeftBehind(opened, is_untitled, untitled, recent, tuple(errors))
    return LeftBehind(None, False, (), (), tuple(errors))


def _is_worth_it(opened: OpenedProject, owner: UntitledProjects, *, is_untitled: bool) -> bool:
    """Whether there is something to be offered; the project is let go of if not."""
    if opened.session.is_read_only:  # of another window that is open
        opened.session.abandon()
        return False
    has_weights = bool(opened.session.weights.versions)
    if opened.recovery is not None or (is_untitled and (opened.document.masks.labelled_ids() or has_weights)):
        return True
    if is_untitled:
        owner.remove(opened.session)
    else:
        opened.session.close()
    return False


class Settling:
    """Does, when called, what the user wants to become of a project that was left behind.

    Whatever happens meanwhile, what the crash left stays until it is done: it is offered again.

    Args:
        opened: the project.
        answer: "restore", "copy" or "discard".
        owner: of untitled projects.
        is_untitled: whether it is one.
        folder: for the copy.
    """

    def __init__(
        self,
        opened: OpenedProject,
        answer: str,
        owner: UntitledProjects,
        *,
        is_untitled: bool,
        folder: Path | None,
    ) -> None:
        self._opened = opened
        self._answer = answer
        self._owner = owner
        self._is_untitled = is_untitled
        self._folder = folder
        self._result: OpenedProject | None = None
        self._is_over = threading.Event()

    def __call__(self) -> OpenedProject | None:
        """What to go on with; None for nothing.

        Raises:
            LatentsegError: if it cannot be done.
        """
        try:
            self._result = self._done()
            return self._result
        finally:
            self._is_over.set()

    def abandon(self) -> None:
        """Nobody goes on with it; a thread that is still at it ends with the program, as in a crash."""
        if self._is_over.is_set() and self._result is not None:
            self._result.session.abandon()

    def _done(self) -> OpenedProject | None:
        opened = self._opened
        if self._answer == "copy" and self._folder is not None:
            return _copied(opened, self._folder, self._owner)
        if self._answer == "discard" and self._is_untitled:
            self._owner.discard(opened.session)
            return None
        if opened.recovery is not None and self._answer == "restore":
            opened.recovery.restore(opened.document)
        elif opened.recovery is not None:
            opened.recovery.discard()
        return opened


def _copied(opened: OpenedProject, folder: Path, owner: UntitledProjects) -> OpenedProject:
    """A copy in another folder; what the crash left stays as it is, to be offered again."""
    try:
        if opened.recovery is not None:
            opened.recovery.apply(opened.document)
        make_folder(folder)
        owner.keep_pasted(opened.document, folder)
        copy = save_project(opened.document, folder, opened.session)
    finally:
        opened.session.abandon()
    return replace(opened, session=copy)
