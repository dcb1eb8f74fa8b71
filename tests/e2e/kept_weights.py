"""Weights that a person saves, uses and keeps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from tests.e2e.conftest import Witness
from tests.e2e.nursery import workers_from_nursery
from tests.e2e.person import Person
from tests.leaks import no_leaks

STEPS = 8


@contextmanager
def window(*paths: Path) -> Iterator[tuple[Person, Witness]]:
    """The window as `main` starts and ends it."""
    with workers_from_nursery(), no_leaks():
        application.application()
        reporter = Reporter()
        told = Witness(reporter)
        session = application.start(reporter, paths)
        try:
            yield Person(session), told
        finally:
            application.finish(session)


class Answers:
    """Answers the questions of every window, and remembers them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.action: str | None = None
        self.folder: Path | None = None
        self.is_confirmed = True
        self.asked: list[str] = []
        dialogs = "latentseg_gui.app.dialogs.QtDialogs"
        monkeypatch.setattr(f"{dialogs}.choose_action", self.choose_action)
        monkeypatch.setattr(f"{dialogs}.choose_new_folder", lambda *_: self.folder)
        monkeypatch.setattr(f"{dialogs}.confirm", self.confirm)

    def choose_action(self, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str | None:
        self.asked.append(text)
        assert self.action is None or self.action in dict(actions), (text, self.action)
        return self.action

    def confirm(self, title: str, text: str, action: str) -> bool:
        self.asked.append(text)
        return self.is_confirmed


def use(person: Person, name: str) -> None:
    session = person.session
    session.weights.activate(name)
    person.wait_for(lambda: live(session) == name, what=f"{name} is live")
    person.wait_for_prediction()


def live(session: Session) -> str:
    return "" if session.weights.live is None else session.weights.live.version


def save(person: Person, answers: Answers, folder: Path) -> None:
    answers.folder = folder
    person.choose("save_project")
    person.wait_for(lambda: not person.session.storage.has_unsaved, 30, "the project is saved")


def teach(person: Person, name: str = "v1") -> None:
    """Paints two classes, trains, and puts the outcome into use."""
    session = person.session
    person.choose("tool_brush")
    session.tool.set_diameter(30)
    session.classes.choose_class(1)
    person.drag((200.0, 120.0), (240.0, 120.0), (240.0, 160.0))
    session.classes.choose_class(0)
    person.drag((420.0, 40.0), (470.0, 40.0), (470.0, 90.0))
    steps: list[int] = []
    ended: list[object] = []
    session.finetune.progressed.connect(lambda progress: steps.append(progress.step))
    session.finetune.ended.connect(ended.append)
    # Steps are waited for, not seconds: on a busy machine a few seconds are over before the first.
    session.finetune.plan = session.finetune.plan.with_seconds(600)
    person.choose("finetune")
    person.wait_for(lambda: steps and steps[-1] >= STEPS, 280.0, "some steps")
    session.finetune.finish()
    person.wait_for(lambda: ended, what="the end of the training")
    assert name in session.weights.versions
    use(person, name)


def predicted(person: Person) -> np.ndarray:
    person.wait_for_prediction()
    assert person.image_id is not None
    prediction = person.session.document.predictions.of(person.image_id)
    assert prediction is not None
    return np.array(prediction.labels)
