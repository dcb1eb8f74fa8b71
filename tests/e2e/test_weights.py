"""Files of weights: named on the command line, dropped on the window, broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from assets import asset_path
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from tests.e2e.conftest import Witness
from tests.e2e.person import Person
from tests.leaks import no_leaks

Start = Callable[[list[Path]], tuple[Session, Witness]]


@pytest.fixture
def start(qtbot: QtBot, own_home: Path) -> Iterator[Start]:
    """Starts the window as ``latentseg PATHS`` does."""
    sessions: list[Session] = []

    def run(paths: list[Path]) -> tuple[Session, Witness]:
        application.application()
        reporter = Reporter()
        witness = Witness(reporter)
        sessions.append(application.start(reporter, paths))
        return sessions[0], witness

    with no_leaks():
        yield run
        for session in sessions:
            application.finish(session)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "my cells.safetensors"
    path.write_bytes(asset_path("weights", "default.safetensors").read_bytes())
    return path


def is_live(session: Session, name: str) -> bool:
    return session.weights.live is not None and session.weights.live.version == name


def predicted_by(start: Start, weights: Path, photo: Path) -> tuple[Person, Witness]:
    """Whoever has named weights and an image on the command line, and waited for the prediction."""
    session, told = start([weights, photo])
    person = Person(session)
    person.wait_for(lambda: is_live(session, "my cells"), what="the weights are live")
    person.wait_for_prediction()
    return person, told


def test_weights_and_an_image_named_on_the_command_line_are_opened(
    start: Start, weights: Path, skimage_photo: Path
) -> None:
    _, told = predicted_by(start, weights, skimage_photo)
    assert not told.errors


def test_weights_dropped_on_the_window_become_a_version(start: Start, weights: Path) -> None:
    session, _ = start([])
    session.window.paths_dropped.emit([str(weights)])
    Person(session).wait_for(lambda: is_live(session, "my cells"), what="the weights are live")
    assert set(session.weights.versions) == {"shipped", "my cells"}


def test_a_broken_file_is_told_and_the_shipped_weights_are_used(start: Start, tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"not weights at all")
    session, told = start([broken])
    Person(session).wait_for(lambda: is_live(session, "shipped"), what="the shipped weights are live")
    assert any("broken.safetensors" in error.what for error in told.errors)


def test_a_version_that_has_not_seen_the_image_is_compared_without_being_used(
    start: Start, weights: Path, skimage_photo: Path
) -> None:
    person, told = predicted_by(start, weights, skimage_photo)
    session = person.session
    session.window.training.compare_requested.emit("shipped")
    assert session.window.action["compare_earlier"].isChecked()
    person.wait_for(lambda: any("0.0 %" in each for each in told.sentences), what="both are shown")
    assert is_live(session, "my cells")
    person.choose("compare_earlier")
    person.choose("compare_earlier")
    assert session.compare.what == "earlier"
    assert not told.errors
