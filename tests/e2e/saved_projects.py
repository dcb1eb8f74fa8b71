"""Projects that a person makes and saves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from latentseg_gui.app.session import Session
from latentseg_gui.document.document import Document
from latentseg_gui.io.project.saving import save_project
from tests.e2e.person import Person


class Answers:
    """Answers the questions of a window, and remembers them."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self.action: str | None = None
        self.folder: Path | None = None
        self.is_confirmed = False
        self.suggestion: Path | None = None
        self.asked: list[str] = []
        for name in ("choose_action", "choose_folder", "choose_new_folder", "confirm"):
            monkeypatch.setattr(session.dialogs, name, getattr(self, name))

    def choose_action(self, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str | None:
        self.asked.append(text)
        assert self.action is None or self.action in dict(actions)
        return self.action

    def choose_folder(self, title: str, folder: str) -> Path | None:
        self.asked.append(title)
        return self.folder

    def choose_new_folder(self, title: str, suggestion: Path) -> Path | None:
        self.suggestion = suggestion
        return self.choose_folder(title, "")

    def confirm(self, title: str, text: str, action: str) -> bool:
        self.asked.append(text)
        return self.is_confirmed


def paint(person: Person, row: float = 20.0) -> np.ndarray:
    """Draws a line and returns the mask."""
    person.choose("tool_brush")
    person.drag((10.0, row), (60.0, row))
    assert (person.mask == 1).any()
    return person.mask


def save(person: Person) -> None:
    person.choose("save_project")
    person.wait_for(lambda: not person.session.document.is_dirty, 20, "the project is saved")


def make_project(folder: Path, photos: list[Path]) -> tuple[list[str], np.ndarray]:
    """A project of all photos with a mask on the first, as somebody else made it."""
    document = Document()
    ids = document.images.add_paths(photos)
    labels = np.zeros((60, 80), np.uint8)
    labels[5:30, 10:50] = 1
    document.masks.load(ids[0], labels, np.ones_like(labels))
    save_project(document, folder).close()
    return ids, labels
