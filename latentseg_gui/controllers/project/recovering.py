"""What windows that ended without a word left behind: found, and brought back, in a background thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime

from latentseg_gui.controllers.project.untitled import UntitledProjects
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import MANIFEST, SHIPPED, WeightsList
from latentseg_gui.io.project.opening import OpenedProject, open_project
from latentseg_gui.io.project.saving import journal_files, save_project
from latentseg_gui.io.storage import make_folder

_NAMED = 3


def question(opened: OpenedProject, *, is_untitled: bool, is_asked_for: bool, in_the_way: str) -> str:
    """Which images, when, how many changes and which trained versions; and what each button means.

    Args:
        opened: what was left behind.
        is_untitled: whether it is in no project of the user.
        is_asked_for: whether the user wants this project opened; else it is offered.
        in_the_way: name of the project that is open, which it would take the place of; "" for none.
    """
    name = shown(opened.session.folder.name)
    if is_untitled:
        head = _tr("latentseg ended unexpectedly{0}. This was not saved:").format(_when(opened))
    else:
        head = _tr("“{0}” was not closed properly. Since its last save there were{1}:")
        head = head.format(name, _until(opened))
    lines = [head, *(f"•  {line}" for line in _contents(opened))]
    if opened.recovery is not None and opened.recovery.is_damaged:
        lines.append(_tr("The very last change cannot be read."))
    return "\n".join([*lines, "", *_buttons(name, is_untitled, is_asked_for, in_the_way)])


def _buttons(name: str, is_untitled: bool, is_asked_for: bool, in_the_way: str) -> list[str]:
    restore = _tr("Restore: go on with it, and save it yourself.")
    if in_the_way:
        restore = _tr("Restore: go on with it in the place of “{0}”.").format(in_the_way)
    discard = _tr("Discard: it is gone, and not offered again.")
    if not is_untitled:
        discard = _tr("Discard: it is gone, and “{0}” opens as it was saved.").format(name)
    later = _tr("Cancel: leave it; it is offered again at the next start.")
    if is_asked_for:
        later = _tr("Cancel: leave “{0}” closed, and everything as it is.").format(name)
    copy = _tr("Open as copy: save it as a project in another folder, and go on there.")
    return [restore, copy, discard, later]


def _contents(opened: OpenedProject) -> list[str]:
    lines = []
    recovery, document = opened.recovery, opened.document
    changed = () if recovery is None else recovery.image_ids
    fresh = {} if recovery is None else recovery.names
    names = _listed([_name(document, fresh, each) for each in changed or document.masks.labelled_ids()])
    count = 0 if recovery is None else recovery.count
    if count and names:
        one, many = _tr("the mask of {1} (1 change)"), _tr("the masks of {1} ({0} changes)")
        lines.append((one if count == 1 else many).format(count, names))
    elif count:
        one, many = _tr("the classes (1 change)"), _tr("the classes ({0} changes)")
        lines.append((one if count == 1 else many).format(count))
    elif names:
        lines.append(_tr("the masks of {0}").format(names))
    if pointed := () if recovery is None else recovery.pointed_ids:
        pointed_at = _listed([_name(document, fresh, each) for each in pointed])
        lines.append(_tr("clicks on {0} that were not accepted").format(pointed_at))
    saved = None if opened.session.is_read_only else opened.session.manifest.weights
    listed = saved if recovery is None or recovery.weights is None else recovery.weights
    lines += _versions(listed, saved if recovery is not None else None)
    return lines or [_tr("which images were open")]


def _versions(listed: WeightsList | None, saved: WeightsList | None) -> list[str]:
    if listed is None:
        return []
    known = set() if saved is None else {version.name for version in saved.versions}
    new = [version for version in listed.versions if version.name not in known]
    trained = [f"“{version.name}”" for version in new if version.images]
    opened = [f"“{version.name}”" for version in new if not version.images]
    lines = []
    if trained:
        one, many = (
            _tr("the trained version {0} of the weights"),
            _tr("the trained versions {0} of the weights"),
        )
        lines.append((one if len(trained) == 1 else many).format(_listed(trained)))
    if opened:
        lines.append(_tr("weights that were opened: {0}").format(_listed(opened)))
    before = SHIPPED if saved is None else saved.in_use
    if listed.in_use != before:
        lines.append(_tr("“{0}” was in use").format(listed.in_use))
    return lines


def _name(document: Document, fresh: dict[str, str], image_id: str) -> str:
    if document.images.has(image_id):
        return shown(document.images.name(image_id))
    return shown(fresh.get(image_id, image_id))


def _listed(names: Sequence[str]) -> str:
    """A few names in words."""
    if len(names) > _NAMED + 1:
        return _tr("{0} and {1} more").format(", ".join(names[:_NAMED]), len(names) - _NAMED)
    if len(names) > 1:
        return _tr("{0} and {1}").format(", ".join(names[:-1]), names[-1])
    return names[0] if names else ""


def _when(opened: OpenedProject) -> str:
    text = _time(opened)
    return _tr(" on {0}").format(text) if text else ""


def _until(opened: OpenedProject) -> str:
    text = _time(opened)
    return _tr(", until {0}").format(text) if text else ""


def _time(opened: OpenedProject) -> str:
    """When it was last written to, on the user's clock; "" if unknown."""
    seconds = None if opened.recovery is None else opened.recovery.when
    seconds = _modified(opened.session.folder / MANIFEST) if seconds is None else seconds
    if seconds is None:
        return ""
    return QDateTime.fromSecsSinceEpoch(int(seconds)).toString("yyyy-MM-dd HH:mm")


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _tr(text: str) -> str:
    return QCoreApplication.translate("Recovery", text)


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
    recovery = opened.recovery
    if recovery is not None and recovery.is_worth_asking:
        return True
    if is_untitled and (opened.document.masks.labelled_ids() or has_weights):
        return True
    if recovery is not None and not is_untitled:
        recovery.discard()
    if is_untitled:
        owner.remove(opened.session)
    else:
        opened.session.close()
    return False


class Restoring:
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
