"""The versions of the weights are kept in the project, as soon as they are there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.project.project import ProjectController
from latentseg_gui.controllers.training.weights import SHIPPED, Version, WeightsController
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.mix_worth import MixWorth
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.project.manifest import EvenMixEntry, WeightsList, WeightsVersion
from latentseg_gui.io.project.saving import ProjectSession
from latentseg_gui.io.project.weights_shelf import FileMark, mark_of
from latentseg_gui.io.storage import make_folder, share_file

_AT_ONCE = 2

Marks = dict[Path, FileMark]
"""What files of weights hold. Nobody writes into them, so they are read once."""


@dataclass(frozen=True, slots=True)
class _Keeping:
    """Has files of versions in projects, in whatever thread; what they hold is the answer."""

    versions: tuple[Version, ...]
    sessions: tuple[ProjectSession, ...]
    marks: Mapping[Path, FileMark]

    def __call__(self) -> Marks:
        """Hash what is not known, and copy what is not there.

        Raises:
            LatentsegError: if it cannot be written.
        """
        known: Marks = {}
        for version in self.versions:
            if version.path is None:
                continue
            try:
                mark = self.marks.get(version.path) or mark_of(version.path)
                for session in self.sessions:
                    # A file that was opened belongs to the user, who may write to it: it is copied.
                    session.weights.put(version.path, mark, is_shared=version.images > 0)
            except OSError:  # a refit that another has replaced meanwhile
                continue
            known[version.path] = mark
        for session in self.sessions:
            session.weights.sweep(session.manifest.weights)
        return known


class VersionKeeper(QObject):
    """Sees to it that what was trained outlives the window.

    A version that comes on the list is put into the folder of the project, or of the untitled one, and noted
    in its journal; saving puts the list into the manifest. The run in progress is all that a crash takes.
    Whoever makes it tells it of changes and saves.

    Args:
        weights: the list.
        storage: what is open.
        files: where large files are copied.
        errors: what the user must know.
        folder: where the versions of this window lie; nobody else writes there.
        parent: owner of this QObject.
    """

    noted = Signal(object, object)
    """`ProjectSession`, `WeightsList`: to be written to its journal."""

    def __init__(
        self,
        weights: WeightsController,
        storage: ProjectController,
        *,
        files: Jobs,
        errors: ErrorSink,
        folder: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._weights = weights
        self._storage = storage
        self._files = files
        self._errors = errors
        self._folder = folder
        self._marks: Marks = {}
        self._saved = _Outline((), SHIPPED)
        self._is_keeping = False
        self._is_told = False
        self._had_unsaved = False
        storage.versions = self

    @property
    def unsaved(self) -> tuple[str, ...]:
        """Names of trained versions that no project has yet: closing now would lose them."""
        listed = {version.name: version for version in self._weights.versions.values()}
        return tuple(
            name for name in self._outline.names if name not in self._saved.names and listed[name].images > 0
        )

    @property
    def is_changed(self) -> bool:
        """Whether the project on the disk lists other versions, or another one in use."""
        return self._outline != self._saved

    @property
    def _outline(self) -> _Outline:
        names = tuple(name for name in self._weights.versions if name != SHIPPED)
        return _Outline(names, self._weights.chosen)

    def take_over(self, session: ProjectSession, *, is_untitled: bool) -> None:
        """A project was opened: its versions come on the list, and the one in use becomes live."""
        shelf = session.weights
        if shelf.listed is None:  # made before projects kept versions: it says nothing against those in use
            kept = [each for each in self._weights.versions.values() if each.path and not each.images]
            chosen = self._weights.chosen
        else:
            kept = [self._version(session, entry, is_untitled=is_untitled) for entry in shelf.versions]
            chosen = shelf.listed.in_use
        self._weights.take_over(kept, chosen)
        self._saved = _Outline((), SHIPPED) if is_untitled else self._outline

    def at_hand(self) -> tuple[WeightsList | None, dict[str, Path]]:
        """The list as it is to be saved now, and where the files are, by hash."""
        listed = self._listed(self._completed())
        if listed is None:
            return None, {}
        return listed, {mark.sha256: path for path, mark in self._marks.items()}

    def _completed(self) -> Marks:
        """What all files hold; those that came a moment ago are read now."""
        for version in self._weights.versions.values():
            if version.path is not None and version.path not in self._marks:
                try:
                    self._marks[version.path] = mark_of(version.path)
                except OSError:
                    continue
        return self._marks

    def _version(self, session: ProjectSession, entry: WeightsVersion, *, is_untitled: bool) -> Version:
        path: Path | None = session.weights.path(entry.sha256)
        if entry.name in session.weights.damaged:
            path = None
        elif is_untitled and path is not None:  # the folder of an untitled project goes when it is saved
            path = self._own(path, entry)
        if path is not None:
            self._marks[path] = FileMark(entry.sha256, entry.size)
        return Version(
            entry.name,
            path,
            math.nan if entry.metric is None else entry.metric,
            entry.seconds,
            entry.images,
            entry.made,
            entry.is_refit,
            entry.validated_on,
            entry.sha256,
            entry.size,
            entry.network,
            _mix_worth(entry.even_mix),
        )

    def _own(self, path: Path, entry: WeightsVersion) -> Path:
        own = self._folder / f"{entry.sha256}.safetensors"
        try:
            make_folder(self._folder)
            return own if own.exists() or share_file(path, own) else path
        except (LatentsegError, OSError):
            return path

    def note_change(self) -> None:
        """Has everything in the open projects: at once where that takes no time, else beside the window."""
        self._tell_of_change()
        sessions = tuple(each for each in self._storage.sessions if not each.is_read_only)
        waiting = [each for each in sessions if self._is_news(each)]
        if not waiting or self._is_keeping:
            return
        new = [v for v in self._weights.versions.values() if v.path is not None and v.path not in self._marks]
        is_quick = len(new) <= _AT_ONCE and all(each.images and not each.is_refit for each in new)
        if is_quick and self._share(waiting):
            self._note(waiting, self._marks)
            return
        self._is_keeping = True
        self._files.submit(
            _Keeping(tuple(self._weights.versions.values()), tuple(waiting), dict(self._marks)),
            partial(self._on_kept, waiting, self._outline),
            key="keep versions",
            priority=Priority.VERSIONS,
            on_failure=self._on_failed,
            on_cancelled=self._on_cancelled,
        )

    def _is_news(self, session: ProjectSession) -> bool:
        listed = session.weights.listed
        known = _Outline((), SHIPPED) if listed is None else _Outline.of(listed)
        return known != self._outline

    def _share(self, sessions: Sequence[ProjectSession]) -> bool:
        """Gives the files a name in the projects, where that can be done without copying."""
        marks = self._completed()
        shared = [v for v in self._weights.versions.values() if v.path in marks]
        try:
            return all(
                session.weights.share(version.path, marks[version.path])
                for version in shared
                for session in sessions
                if version.path is not None
            )
        except (LatentsegError, OSError):
            return False

    def _on_kept(self, sessions: Sequence[ProjectSession], outline: _Outline, marks: Marks) -> None:
        self._is_keeping = False
        self._marks.update(marks)
        self._note(sessions, self._marks)
        if self._outline != outline:  # the list went on meanwhile
            self.note_change()

    def _note(self, sessions: Sequence[ProjectSession], marks: Marks) -> None:
        listed = self._listed(marks)
        for session in sessions:
            if listed is not None and session in self._storage.sessions:
                session.weights.note(listed)
                self.noted.emit(session, listed)

    def _listed(self, marks: Mapping[Path, FileMark]) -> WeightsList | None:
        """The list with the versions whose files are known; None where there is nothing to say."""
        entries = [
            _entry(version, marks)
            for version in self._weights.versions.values()
            if version.name != SHIPPED and (version.is_lost or version.path in marks)
        ]
        chosen = self._weights.chosen
        if (
            not entries
            and chosen == SHIPPED
            and all(each.weights.listed is None for each in self._storage.sessions)
        ):
            return None
        return WeightsList(versions=entries, in_use=chosen)

    def _on_failed(self, error: LatentsegError) -> None:
        """Says it once; it is tried again with the next version, and when the project is saved."""
        self._is_keeping = False
        if not self._is_told:
            self._is_told = True
            self._errors.report(
                LatentsegError(
                    f"New weights cannot be kept for a recovery: {error.what}",
                    action="You can go on working. Save the project soon, in another place if need be.",
                    detail=error.detail,
                )
            )

    def _on_cancelled(self) -> None:
        self._is_keeping = False

    def note_save(self) -> None:
        """The project was saved, and with it the list as it was at that time."""
        project = self._storage.project
        if project is None:
            return
        self._is_told = False
        saved = project.manifest.weights
        self._saved = _Outline((), SHIPPED) if saved is None else _Outline.of(saved)
        if saved is not None and self._saved == self._outline:
            project.weights.note(saved)
        for name in project.lost_weights:
            text = self.tr("The file of “{0}” is gone, so the project was saved without this version.")
            self._errors.inform(text.format(name))
        project.lost_weights = []
        self._tell_of_change()

    def _tell_of_change(self) -> None:
        if self._had_unsaved != bool(self.unsaved):
            self._had_unsaved = bool(self.unsaved)
            self._storage.project_changed.emit()


@dataclass(frozen=True, slots=True)
class _Outline:
    """Names of the versions, in order, and of the one in use: what makes two lists different to the user."""

    names: tuple[str, ...]
    chosen: str

    @classmethod
    def of(cls, listed: WeightsList) -> _Outline:
        return cls(tuple(version.name for version in listed.versions), listed.in_use)


def _entry(version: Version, marks: Mapping[Path, FileMark]) -> WeightsVersion:
    mark = FileMark(version.sha256, version.size) if version.path is None else marks[version.path]
    return WeightsVersion(
        name=version.name,
        sha256=mark.sha256,
        size=mark.size,
        metric=version.metric if math.isfinite(version.metric) else None,
        validated_on=version.validated_on,
        network=version.network,
        even_mix=_even_mix(version.mix_worth),
        seconds=max(0.0, float(version.seconds)),
        images=version.images,
        made=version.made,
        is_refit=version.is_refit,
    )


def _mix_worth(entry: EvenMixEntry | None) -> MixWorth | None:
    return None if entry is None else MixWorth(entry.learned, entry.even, entry.images, is_own=True)


def _even_mix(worth: MixWorth | None) -> EvenMixEntry | None:
    return (
        None if worth is None else EvenMixEntry(learned=worth.learned, even=worth.even, images=worth.images)
    )
