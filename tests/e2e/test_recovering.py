"""Work that a crash left is brought back beside the window, and nothing is lost if that is cut short."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.log import state_folder
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.project.untitled import UntitledProjects
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import Rect
from latentseg_gui.io.project.opening import Recovery
from latentseg_gui.io.project.saving import save_project
from tests.e2e.person import Person
from tests.leaks import no_leaks
from tests.strays import no_stray_windows

SHAPE = (60, 80)
STROKES = 5


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"photo {number}.png" for number in range(2)]
    for number, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (*SHAPE, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def crashed(own_home: Path, photos: list[Path]) -> np.ndarray:
    """A window that ended without a word after some strokes; the mask that it had."""
    document = Document(id_prefix="crashed")
    (image_id,) = document.images.add_paths(photos[:1])
    document.masks.expect_shape(image_id, SHAPE)
    session = UntitledProjects(state_folder() / "untitled").make(document)
    history = History(document)
    history.events.applied.connect(lambda changes: session.record(changes, document))
    for number in range(STROKES):
        rect = Rect(10 * number, 5, 10 * number + 8, 60)
        history.do(area_patch(document, image_id, rect, np.ones(rect.shape, bool), Ink(1), "Stroke"))
    session.abandon()
    return np.array(document.masks.labels(image_id))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked; work is restored, and what is open when the window closes is discarded."""
    texts: list[str] = []

    def answer(self: object, title: str, text: str, actions: Sequence[tuple[str, str]]) -> str:
        texts.append(text)
        return "discard" if title == "Close latentseg" else "restore"

    monkeypatch.setattr("latentseg_gui.app.dialogs.QtDialogs.choose_action", answer)
    monkeypatch.setattr(WeightsController, "activate_shipped", lambda self: None)  # no model is needed here
    return texts


@contextmanager
def window(paths: Sequence[Path] = ()) -> Iterator[tuple[Session, Person]]:
    with no_leaks():
        application.application()
        session = application.start(Reporter(), paths)
        try:
            yield session, Person(session)
        finally:
            application.finish(session)


class Slowly:
    """Makes a method wait in its thread until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.threads: list[int] = []
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()
        before: Callable[..., object] = getattr(owner, name)

        def slow(*arguments: object) -> object:
            self.threads.append(threading.get_ident())
            self.has_begun.set()
            assert self.may_go_on.wait(60)
            return before(*arguments)

        monkeypatch.setattr(owner, name, slow)


def test_no_little_windows_stand_about_while_it_is_asked_whether_to_restore(
    crashed: np.ndarray, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """The samples of the empty state come while the question is open, under which nothing is deleted."""
    monkeypatch.setattr(WeightsController, "activate_shipped", lambda self: None)
    application.application()
    shown: list[int] = []

    def answer() -> None:
        session = next(each for each in sessions if each is not None)
        tiles = [each for each in session.window.empty_state.findChildren(QToolButton) if each.text()]
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox) and len(tiles) >= 5 and len(shown) > 5:
            timer.stop()
            box.reject()
        elif isinstance(box, QMessageBox) and len(tiles) >= 5:
            shown.append(len(tiles))  # a few turns more, for what is shown a turn later

    sessions: list[Session] = []
    timer = QTimer()
    timer.setInterval(20)
    timer.timeout.connect(answer)
    began = Session.begin
    monkeypatch.setattr(Session, "begin", lambda self, paths: (sessions.append(self), began(self, paths))[1])
    timer.start()
    with no_stray_windows(), window():
        qtbot.waitUntil(lambda: not timer.isActive())


def test_the_window_lives_while_work_is_restored(
    qtbot: QtBot, crashed: np.ndarray, asked: list[str], photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly = Slowly(monkeypatch, Recovery, "restore")
    with window([photos[1]]) as (session, person):
        person.wait_for(slowly.has_begun.is_set, 30)
        assert f"the masks of photo 0.png ({STROKES} changes)" in asked[0]
        assert "Restoring your work" in [text for text, *_ in person.window.jobs._jobs.values()]
        assert person.image_id is None, "what was to be opened waits"
        slowly.may_go_on.set()
        person.wait_for(lambda: person.image_id is not None, 30)
        assert threading.get_ident() not in slowly.threads
        document = session.document
        assert np.array_equal(document.masks.labels(document.images.ids[0]), crashed)
        person.wait_for(
            lambda: len(document.images.ids) == 2, 30, "the image of the command line is opened then"
        )
        assert session.storage.has_unsaved


def test_a_window_closed_while_work_is_restored_loses_nothing(
    qtbot: QtBot, crashed: np.ndarray, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        slowly = Slowly(patch, Recovery, "restore")
        with window() as (_, person):
            person.wait_for(slowly.has_begun.is_set, 30)
            threading.Timer(0.3, slowly.may_go_on.set).start()
            person.window.close()
    with window() as (_, person):
        person.wait_for(lambda: person.image_id is not None, 30)
        assert f"the masks of photo 0.png ({STROKES} changes)" in asked[-1], "it is offered again"
        assert np.array_equal(person.mask, crashed)


def test_work_begun_while_other_work_is_restored_is_asked_about(
    qtbot: QtBot, crashed: np.ndarray, asked: list[str], photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        slowly = Slowly(patch, Recovery, "restore")
        with window() as (session, person):
            person.wait_for(slowly.has_begun.is_set, 30)
            session.images.paste(np.zeros((*SHAPE, 3), np.uint8))
            person.choose("tool_brush")
            person.drag((10.0, 10.0), (40.0, 10.0))
            mask = person.mask
            assert (mask == 1).any()
            slowly.may_go_on.set()
            # "restore" is no answer to "Save or discard?": that is as good as "Cancel".
            person.wait_for(lambda: len(asked) == 2, 30, "it is asked what becomes of the new work")
            person.wait_for(lambda: session.jobs.files.lane.is_idle, 30)
            assert np.array_equal(person.mask, mask), "nothing was replaced"
            monkeypatch.setattr(session.dialogs, "choose_action", lambda *_: "discard")
            person.window.close()
    with window() as (session, person):
        person.wait_for(lambda: person.image_id is not None, 30)
        assert np.array_equal(person.mask, crashed), "what was not taken is offered again"


@pytest.fixture
def work(tmp_path: Path, photos: list[Path]) -> Path:
    """A project of somebody, closed properly, with the second photo."""
    document = Document(id_prefix="work")
    (image_id,) = document.images.add_paths(photos[1:])
    document.masks.expect_shape(image_id, SHAPE)
    document.masks.load(image_id, np.zeros(SHAPE, np.uint8), np.full(SHAPE, 3, np.uint8))
    save_project(document, tmp_path / "work").close()
    return tmp_path / "work"


@pytest.mark.parametrize("answer", ["restore", "discard", None])
def test_a_project_that_was_asked_for_opens_before_other_work_is_offered(
    qtbot: QtBot,
    crashed: np.ndarray,
    asked: list[str],
    work: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str | None,
) -> None:
    open_when_asked: list[Path | None] = []
    with window([work]) as (session, person):

        def choose(title: str, text: str, actions: Sequence[tuple[str, str]]) -> str | None:
            project = session.storage.project
            open_when_asked.append(None if project is None else project.folder)
            asked.append(text)
            return answer

        monkeypatch.setattr(session.dialogs, "choose_action", choose)
        person.wait_for(lambda: asked, 30, "the other work is offered")
        assert open_when_asked == [work]
        assert "in the place of “work”" in asked[0]
        assert "photo 0.png" in asked[0]
        for word in ("Restore:", "Open as copy:", "Discard:", "Cancel:"):
            assert word in asked[0], "what each button means"
        person.wait_for(lambda: session.lanes.files.is_idle, 30)
        if answer == "restore":
            person.wait_for(lambda: session.storage.project is None, 30)
            assert np.array_equal(person.mask, crashed)
            assert len(session.document.images.ids) == 1, "images of the project are not mixed into it"
        else:
            project = session.storage.project
            assert project is not None
            assert project.folder == work
            assert not session.storage.has_unsaved
        decided, answer = answer is not None, "discard"
        assert person.window.close()
    assert bool(list((state_folder() / "untitled").iterdir())) != decided, "undecided, it is kept"
