"""A company chooses the weights that it may use; from the next start on they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.inference.training.shipped import terms_in_use
from model.weights.figures import even_mix_of
from model.weights.shipped import RESEARCH, VARIABLE, WORK, ShippedWeights, shipped_path
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

Sitting = Callable[[], tuple[Session, Witness]]


@pytest.fixture
def sitting(qtbot: QtBot, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sitting]:
    """Ends the window that is open, and starts the program again."""
    open_ones: list[Session] = []

    def begin() -> tuple[Session, Witness]:
        for session in open_ones:
            application.finish(session)
        open_ones.clear()
        monkeypatch.setenv(VARIABLE, "")  # every start has an environment of its own
        application.application()
        reporter = Reporter()
        witness = Witness(reporter)
        open_ones.append(application.start(reporter, []))
        return open_ones[0], witness

    yield begin
    for session in open_ones:
        application.finish(session)


def assert_in_use(session: Session, weights: ShippedWeights) -> None:
    """What the model's own process says of the weights that it loaded."""
    Person(session).wait_for(lambda: session.weights.live is not None, what="the weights are live")
    live, figure = session.weights.live, even_mix_of(shipped_path(weights))
    assert live is not None
    assert live.mix_worth is not None
    assert figure is not None
    assert live.mix_worth.learned == pytest.approx(figure.learned)
    assert terms_in_use() == weights.terms


def test_weights_for_work_are_chosen_once_and_answer_from_the_next_start_on(sitting: Sitting) -> None:
    session, told = sitting()
    assert_in_use(session, RESEARCH)
    switch = session.window.action["work_weights"]
    assert not switch.isChecked()
    switch.trigger()
    assert any("next start" in sentence for sentence in told.sentences)
    assert_in_use(session, RESEARCH)

    session, told = sitting()
    assert session.window.action["work_weights"].isChecked()
    assert not any("next start" in sentence for sentence in told.sentences)
    assert_in_use(session, WORK)
    session.window.action["work_weights"].trigger()

    session, _ = sitting()
    assert_in_use(session, RESEARCH)
