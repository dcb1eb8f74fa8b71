"""Saving, opening and recovering projects."""

from __future__ import annotations

from dataclasses import dataclass

from latentseg_gui.app.flows.base import Base
from latentseg_gui.app.flows.images import ImagesFlow
from latentseg_gui.app.flows.masks import MasksFlow
from latentseg_gui.app.log import state_folder
from latentseg_gui.app.projects import Autosave, RecentProjects, Title
from latentseg_gui.controllers.project.journal_keeper import JournalKeeper
from latentseg_gui.controllers.project.opening import ProjectOpener
from latentseg_gui.controllers.project.project import ProjectController
from latentseg_gui.controllers.project.untitled import UntitledProjects


@dataclass(frozen=True, slots=True)
class ProjectFlow:
    """The controllers that other flows speak to."""

    storage: ProjectController
    opening: ProjectOpener
    journal: JournalKeeper
    autosave: Autosave


def build(base: Base, images: ImagesFlow, masks: MasksFlow) -> ProjectFlow:
    """Makes the flow and connects it to those of images and masks."""
    document, history, files, owner = base.document, base.history, base.jobs.files, base.owner
    untitled = UntitledProjects(state_folder() / "untitled")
    storage = ProjectController(
        document,
        files=files,
        dialogs=base.dialogs,
        errors=base.errors,
        untitled=untitled,
        coming=base.coming,
        is_painting=masks.is_painting,
        parent=owner,
    )
    opening = ProjectOpener(
        document,
        history,
        storage=storage,
        untitled=untitled,
        files=files,
        dialogs=base.dialogs,
        errors=base.errors,
        parent=owner,
    )
    journal = JournalKeeper(document, history, storage=storage, files=files, errors=base.errors, parent=owner)
    recent = RecentProjects(
        base.window,
        document,
        base.preferences,
        open_paths=images.controller.open,
        choose=opening.choose_recent,
        parent=owner,
    )
    base.on("open_recent", recent.choose)
    Title(base.window, document, storage, owner)
    project = ProjectFlow(storage, opening, journal, Autosave(storage, history, owner))
    _connect(base, project, images)
    return project


def _connect(base: Base, project: ProjectFlow, images: ImagesFlow) -> None:
    storage, opening = project.storage, project.opening
    base.on("save_project", storage.save)
    base.on("save_project_as", storage.save_as)
    base.on("open_project", opening.choose)
    storage.made.connect(base.preferences.remember)
    opening.opened.connect(base.preferences.remember)
    opening.show_requested.connect(images.controller.show)
    opening.row_failed.connect(images.controller.rows.set_error)
    images.controller.project_found.connect(opening.open)
