"""What closing would lose: masks, classes, and what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QCoreApplication

from latentseg_gui.document.document import Document
from latentseg_gui.document.wording import in_quotes, listed
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import WeightsList
from latentseg_gui.io.project.saving import ProjectSession


class Versions(Protocol):
    """The versions of the weights, as far as saving needs to know of them."""

    @property
    def unsaved(self) -> tuple[str, ...]:
        """Names of trained versions that no project has yet."""

    @property
    def is_changed(self) -> bool:
        """Whether the project on the disk lists others, or another one in use."""

    def at_hand(self) -> tuple[WeightsList | None, dict[str, Path]]:
        """The list to be saved, and the files by hash."""

    def take_over(self, session: ProjectSession, *, is_untitled: bool) -> None:
        """A project was opened."""


def has_unsaved_changes(document: Document, versions: Versions | None) -> bool:
    """Whether saving would write something else than is on the disk."""
    return document.is_dirty or (versions is not None and versions.is_changed)


def lost_by_leaving(
    document: Document, project: ProjectSession | None, versions: Versions | None
) -> list[str]:
    """What closing now would lose, as sentences; nothing where nobody would miss it.

    Args:
        document: of the window.
        project: that the user opened or saved; None while there is none.
        versions: of the weights.
    """
    sentences = []
    if document.is_dirty and (project is not None or document.masks.labelled_ids()):
        name = _tr("The masks") if project is None else f"“{shown(project.folder.name)}”"
        sentences.append(_tr("{0} changed since the last save.").format(name))
    unsaved = () if versions is None else versions.unsaved
    if len(unsaved) == 1:
        sentences.append(_tr("The trained version “{0}” is in no project yet.").format(*unsaved))
    elif unsaved:
        text = _tr("The trained versions {0} are in no project yet.")
        sentences.append(text.format(listed(in_quotes(unsaved))))
    elif project is not None and not sentences and has_unsaved_changes(document, versions):
        text = _tr("The list of versions in “{0}” changed since the last save.")
        sentences.append(text.format(shown(project.folder.name)))
    return sentences


def _tr(text: str) -> str:
    return QCoreApplication.translate("Unsaved", text)
