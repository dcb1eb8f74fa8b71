"""What was taught outlives the window: saved, closed, reopened; killed and restored; discarded for good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.log import state_folder
from latentseg_gui.app.reporting import Reporter
from latentseg_gui.app.session import Session
from latentseg_gui.io.opening import open_project
from tests.e2e.conftest import Witness
from tests.e2e.nursery import workers_from_nursery
from tests.e2e.person import Person
from tests.leaks import no_leaks

SECONDS = 4.0


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


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def teach(person: Person, name: str = "v1") -> None:
    """Paints two classes, trains, and puts the outcome into use."""
    session = person.session
    person.choose("tool_brush")
    session.tool.set_diameter(30)
    session.classes.choose_class(1)
    person.drag((200.0, 120.0), (240.0, 120.0), (240.0, 160.0))
    session.classes.choose_class(0)
    person.drag((420.0, 40.0), (470.0, 40.0), (470.0, 90.0))
    ended: list[object] = []
    session.finetune.ended.connect(ended.append)
    session.finetune.plan = session.finetune.plan.with_seconds(SECONDS)
    person.choose("finetune")
    person.wait_for(lambda: ended, what="the end of the training")
    assert name in session.weights.versions
    use(person, name)


def use(person: Person, name: str) -> None:
    session = person.session
    session.weights.activate(name)
    person.wait_for(lambda: live(session) == name, what=f"{name} is live")
    person.wait_for_prediction()


def live(session: Session) -> str:
    return "" if session.weights.live is None else session.weights.live.version


def predicted(person: Person) -> np.ndarray:
    person.wait_for_prediction()
    assert person.image_id is not None
    prediction = person.session.document.predictions.of(person.image_id)
    assert prediction is not None
    return np.array(prediction.labels)


def save(person: Person, answers: Answers, folder: Path) -> None:
    answers.folder = folder
    person.choose("save_project")
    person.wait_for(lambda: not person.session.storage.has_unsaved, 30, "the project is saved")


def test_a_version_is_in_use_again_and_predicts_the_same_pixels(
    qtbot: QtBot, own_home: Path, answers: Answers, skimage_photo: Path, tmp_path: Path
) -> None:
    with window(skimage_photo) as (person, _):
        person.wait_for(lambda: person.image_id is not None)
        person.wait_for_prediction()
        shipped = predicted(person)
        teach(person)
        assert "●" in person.window.windowTitle()
        answers.action = None
        assert not person.window.close(), "asked, and cancelled"
        assert "“v1”" in answers.asked[-1]
        save(person, answers, tmp_path / "work")
        before = predicted(person)
        assert (before != shipped).any(), "it was taught something"
        asked = len(answers.asked)
        assert person.window.close()
        assert len(answers.asked) == asked, "nothing to ask about"
    assert not list((state_folder() / "versions").glob("*")), "nothing is left of the window"
    with window(tmp_path / "work") as (person, told):
        session = person.session
        person.wait_for(lambda: live(session) == "v1", what="the version in use is in use again")
        person.wait_for(lambda: person.image_id is not None)
        assert (predicted(person) == before).all()
        assert session.weights.versions["v1"].images == 1
        assert session.weights.versions["v1"].made
        assert not session.storage.has_unsaved, "nobody has changed anything"
        assert not told.errors
        use(person, "shipped")
        assert (predicted(person) == shipped).all()
        session.weights.remove("v1")
        assert "v1" in answers.asked[-1], "never without a question"
        save(person, answers, tmp_path / "work")
        assert not list((tmp_path / "work" / "weights").glob("*")), "what is dropped takes no room"
        assert person.window.close()


TEACHER = """
import sys
from pathlib import Path
from latentseg_gui.app import main as application
from latentseg_gui.app.reporting import Reporter
from tests.e2e import test_kept_versions as story
from tests.e2e.person import Person

application.application()
person = Person(application.start(Reporter(), [Path(sys.argv[1])]))
person.wait_for(lambda: person.image_id is not None)
person.wait_for_prediction()
story.teach(person)
labels = story.predicted(person)
labels.tofile(sys.argv[2])
print("taught", flush=True)
person.wait_for(lambda: False, 600)
"""


def test_a_killed_session_is_restored_with_what_it_was_taught(
    qtbot: QtBot, own_home: Path, answers: Answers, skimage_photo: Path, tmp_path: Path
) -> None:
    kill_after_teaching(skimage_photo, tmp_path / "labels")
    answers.action = "restore"
    with window() as (person, _):
        person.wait_for(lambda: person.image_id is not None, what="the work is back")
        assert "version “v1”" in answers.asked[0]
        assert skimage_photo.name in answers.asked[0]
        assert "(2 changes)" in answers.asked[0]
        person.wait_for(lambda: live(person.session) == "v1", what="the version is in use again")
        before = np.fromfile(tmp_path / "labels", np.uint8)
        assert (predicted(person).reshape(-1) == before).all()
        save(person, answers, tmp_path / "work")
        assert predicted_still(person, before), "the folder of the crashed window is gone, the version is not"
        answers.action = "discard"
        assert person.window.close()
    assert not list((state_folder() / "untitled").iterdir())
    opened = open_project(tmp_path / "work")
    assert [version.name for version in opened.session.weights.versions] == ["v1"]
    assert opened.notices == ()
    opened.session.close()


def predicted_still(person: Person, before: np.ndarray) -> bool:
    use(person, "shipped")
    use(person, "v1")
    return bool((predicted(person).reshape(-1) == before).all())


def test_what_is_discarded_is_not_offered_again(
    qtbot: QtBot, own_home: Path, answers: Answers, skimage_photo: Path, tmp_path: Path
) -> None:
    kill_after_teaching(skimage_photo, tmp_path / "labels")
    answers.action = "discard"
    for _ in range(2):
        with window() as (person, _):
            person.wait_for(
                lambda person=person: live(person.session) == "shipped", what="the model is there"
            )
            person.wait_for(lambda person=person: person.session.lanes.files.is_idle)
            assert list(person.session.weights.versions) == ["shipped"]
            assert person.window.close()
    assert len(answers.asked) == 1


def kill_after_teaching(photo: Path, labels: Path) -> None:
    teacher = subprocess.Popen(
        [sys.executable, "-c", TEACHER, str(photo), str(labels)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )
    assert teacher.stdout is not None
    with teacher.stdout as lines:
        assert any("taught" in line for line in lines)
        teacher.send_signal(signal.SIGKILL)
        teacher.wait()
