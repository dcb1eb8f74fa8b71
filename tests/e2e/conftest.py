"""The real window, started as ``main`` starts it, and ended the same way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.errors import LatentsegError
from tests.e2e.nursery import workers_from_nursery
from tests.e2e.person import Person
from tests.leaks import no_leaks


class Witness:
    """Remembers what the user was told."""

    def __init__(self, reporter: Reporter) -> None:
        self.errors: list[LatentsegError] = []
        self.sentences: list[str] = []
        reporter.reported.connect(self.errors.append)
        reporter.informed.connect(self.sentences.append)
        reporter.suggested.connect(lambda said, *_: self.sentences.append(said.what))


@pytest.fixture
def without_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """For stories in which nobody asks the model anything: no weights are loaded, and no process is started."""
    monkeypatch.setattr(WeightsController, "activate_shipped", lambda self: None)


@pytest.fixture
def session(qtbot: QtBot, own_home: Path) -> Iterator[Session]:
    with workers_from_nursery(), no_leaks():
        application.application()
        running = application.start(Reporter())
        yield running
        application.finish(running)


@pytest.fixture
def person(session: Session) -> Person:
    return Person(session)


@pytest.fixture
def told(session: Session) -> Witness:
    return Witness(session.reporter)
