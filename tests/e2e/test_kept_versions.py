"""What was taught outlives the window: saved, closed, reopened; killed and restored; discarded for good."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from latentseg_gui.app.log import state_folder
from latentseg_gui.io.project.opening import open_project
from tests.conftest import HOMES, astronaut
from tests.e2e.kept_weights import Answers, live, predicted, save, teach, use, window
from tests.e2e.person import Person


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


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
from tests.e2e import kept_weights as story
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


@dataclass(frozen=True)
class Killed:
    """What is left of a window that was killed after it had been taught.

    Attributes:
        home: settings and state.
        labels: what its new weights predicted, uint8 [H * W].
    """

    home: Path
    labels: NDArray[np.uint8]


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """One window is taught and killed for all tests; where it was, `killed` lays it anew for each."""
    place = tmp_path_factory.mktemp("killed")
    home = place / "home"
    home.mkdir()
    teacher = subprocess.Popen(
        [sys.executable, "-c", TEACHER, str(astronaut()), str(place / "labels")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(HOMES, str(home)), "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )
    assert teacher.stdout is not None
    with teacher, teacher.stdout as lines:
        assert any("taught" in line for line in lines)
        teacher.send_signal(signal.SIGKILL)
    shutil.copytree(home, place / "as it was left")
    return Killed(home, np.fromfile(place / "labels", np.uint8))


@pytest.fixture
def killed(killed_once: Killed, monkeypatch: pytest.MonkeyPatch) -> Killed:
    """The home of the user is that of a window that was killed."""
    shutil.rmtree(killed_once.home)
    shutil.copytree(killed_once.home.with_name("as it was left"), killed_once.home)
    for name in HOMES:
        monkeypatch.setenv(name, str(killed_once.home))
    return killed_once


def test_a_killed_session_is_restored_with_what_it_was_taught(
    qtbot: QtBot, killed: Killed, answers: Answers, tmp_path: Path
) -> None:
    answers.action = "restore"
    with window() as (person, _):
        person.wait_for(lambda: person.image_id is not None, what="the work is back")
        assert "version “v1”" in answers.asked[0]
        assert astronaut().name in answers.asked[0]
        assert "(2 changes)" in answers.asked[0]
        person.wait_for(lambda: live(person.session) == "v1", what="the version is in use again")
        assert (predicted(person).reshape(-1) == killed.labels).all()
        save(person, answers, tmp_path / "work")
        assert predicted_still(person, killed.labels), (
            "the folder of the crashed window is gone, the version is not"
        )
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


def test_what_is_discarded_is_not_offered_again(qtbot: QtBot, killed: Killed, answers: Answers) -> None:
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
