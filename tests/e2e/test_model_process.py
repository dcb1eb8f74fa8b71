"""The model's process dies or hangs while the window is used: the next click is answered all the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtTest import QTest

from latentseg_gui.inference.messages import ForgetImage, PredictPixels
from latentseg_gui.workers.lanes import ChildLane
from tests.e2e.conftest import Witness
from tests.e2e.person import LEFT, Person

SHAPE = (90, 120)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    paths = [folder / f"photo {number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        pixels = np.full((*SHAPE, 3), 60, np.uint8)
        pixels[(rows - 40) ** 2 + (cols - 50 - 5 * number) ** 2 < 400] = (220, 60, 40)
        Image.fromarray(pixels).save(path)
    return paths


def engine(person: Person) -> ChildLane:
    return person.session.lanes.engine


def kill(person: Person) -> None:
    """The model's process is gone, as when memory runs out; waits until the window has noticed."""
    pid, lost = engine(person).child_pid, []
    assert pid is not None
    engine(person).child_lost.connect(lost.append)
    os.kill(pid, signal.SIGKILL)
    person.wait_for(lambda: lost, 20, "the window has noticed")
    engine(person).child_lost.disconnect(lost.append)


def wait_until_encoded(person: Person) -> None:
    image_id = person.image_id
    assert image_id is not None
    person.wait_for(lambda: person.session.predict.is_encoded(image_id), what="the image is encoded")


def test_after_a_death_in_idle_time_the_image_is_encoded_again_and_clicks_are_answered(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(*photos)
    person.wait_for_prediction()
    for turn in range(3):
        person.wait_for(lambda: engine(person).is_idle, what="nothing is asked of it")
        kill(person)
        person.segment((50.0 + turn, 40.0))
        person.choose("cancel")
    assert told.errors == []
    said = [each for each in told.sentences if "stopped (signal 9)" in each]
    assert len(said) == 3, "once for every death"
    person.choose("next_image")
    person.wait_for_prediction()
    person.choose("previous_image")
    person.segment((50.0, 40.0))
    assert told.errors == []


def test_deaths_while_an_image_is_encoded_delay_it_and_lose_no_click(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(*photos)
    person.wait_for_prediction()
    image_id = person.image_id
    assert image_id is not None
    encodings: list[int] = []
    engine(person).job_started.connect(encodings.append)
    for turn in range(3):
        encodings.clear()
        kill(person)
        person.choose("tool_click")
        person.click((40.0 + 15 * turn, 40.0))
        person.wait_for(lambda: encodings, 60, "the image is being encoded")
    person.wait_for_proposal()
    assert len(person.session.document.prompts.of(image_id).points) == 3


def test_three_deaths_before_the_weights_are_loaded_lose_no_click(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(*photos)
    for _ in range(3):
        person.wait_for(lambda: engine(person).child_pid, 30, "there is a process")
        kill(person)
    person.segment((50.0, 40.0))
    person.wait_for_prediction()


def test_a_death_while_a_click_is_answered_loses_no_click(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(*photos)
    person.wait_for_prediction()
    started: list[int] = []
    engine(person).job_started.connect(started.append)
    for turn in range(3):
        person.choose("tool_click")
        person.wait_for(lambda: engine(person).is_idle, what="nothing else is asked")
        started.clear()
        pid = engine(person).child_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)  # so that it is certain to be in the middle of the answer
        person.click((40.0 + 15 * turn, 40.0))
        person.wait_for(lambda: started, 20, "the model has been asked")
        kill(person)
        person.wait_for_proposal()
    assert told.errors == []
    image_id = person.image_id
    assert image_id is not None
    assert len(person.session.document.prompts.of(image_id).points) == 3


def test_a_mask_of_several_clicks_is_gone_on_with_after_a_death(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    """The next click must not begin from nothing: the answers so far died with the process."""
    person.open(photos[0])
    person.wait_for_prediction()
    image_id = person.image_id
    assert image_id is not None
    clicks = [(50.0, 40.0), (35.0, 40.0), (90.0, 80.0)]
    for xy in clicks:
        person.segment(xy)
    expected = person.session.document.prompts.proposal(image_id)
    person.choose("cancel")
    for xy in clicks[:2]:
        person.segment(xy)
    kill(person)
    wait_until_encoded(person)
    person.segment(clicks[2])
    proposal = person.session.document.prompts.proposal(image_id)
    assert proposal is not None
    assert expected is not None
    assert proposal.rect == expected.rect
    assert np.array_equal(proposal.mask, expected.mask)


def test_what_kills_the_model_each_time_is_given_up_and_the_rest_goes_on(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(photos[0])
    person.wait_for_prediction()
    deaths: list[str] = []
    engine(person).child_lost.connect(deaths.append)
    failures: list[object] = []
    pixels = np.zeros((1500, 1500, 3), np.uint8)  # takes longer than to be killed
    lethal = PredictPixels("lethal", pixels)

    def kill_if_lethal(job_id: int) -> None:
        pid = engine(person).child_pid
        if pid is not None and job_id in asked:
            os.kill(pid, signal.SIGKILL)

    asked = _JobsOf(person, lethal)
    engine(person).job_started.connect(kill_if_lethal)
    person.session.jobs.engine.submit(lethal, failures.append, on_failure=failures.append)
    person.wait_for(lambda: failures, 60, "it is given up")
    person.wait_for(lambda: len(deaths) == 2, 20, "the window has noticed both deaths")
    assert "asked again" in str(failures[0])
    person.segment((50.0, 40.0))


class _JobsOf:
    """The jobs of a lane that carry one request."""

    def __init__(self, person: Person, request: object) -> None:
        self._jobs: set[int] = set()
        submit = person.session.lanes.engine.submit

        def noted(what: object, **options: object) -> int:
            job_id = submit(what, **options)  # type: ignore[arg-type]
            if what is request:
                self._jobs.add(job_id)
            return job_id

        person.session.lanes.engine.submit = noted  # type: ignore[method-assign]

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._jobs


def test_an_image_that_the_model_had_to_let_go_is_shown_to_it_again(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    """Its memory of images has a budget; the window believes that it still knows them all."""
    person.open(*photos)
    person.wait_for_prediction()
    image_id = person.image_id
    assert image_id is not None
    gone: list[object] = []
    person.session.jobs.engine.submit(ForgetImage(image_id), gone.append)
    person.wait_for(lambda: gone, 20, "it has let the image go")
    person.segment((50.0, 40.0))
    assert told.errors == []


def test_a_model_that_hangs_is_noticed_and_started_again_by_a_button(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(photos[0])
    person.wait_for_prediction()
    engine(person)._watch._timer.setInterval(40)
    pid = engine(person).child_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    person.choose("tool_click")
    person.click((50.0, 40.0))
    strip = person.window.messages
    person.wait_for(lambda: [m for m in strip.messages if m.button], 30, "it is said, with a button")
    assert "does not answer" in strip.messages[0].what
    QTest.mouseClick(strip._action, LEFT)
    person.wait_for_proposal()
    assert told.errors == []


def test_a_model_that_stops_again_and_again_can_be_started_by_hand(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(photos[0])
    person.wait_for_prediction()
    lane = engine(person)
    deaths: list[str] = []
    lane.child_lost.connect(deaths.append)
    # What begins is killed before it is answered, three times.
    lane.job_started.connect(lambda _: len(deaths) < 3 and os.kill(lane.child_pid or 0, signal.SIGKILL))
    pid = lane.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    strip = person.window.messages
    person.wait_for(lambda: [m for m in strip.messages if m.button], 60, "it is said, with a button")
    assert lane.state == "broken"
    assert "several times in a row" in strip.messages[0].what
    QTest.mouseClick(strip._action, LEFT)
    person.wait_for(lambda: lane.state == "ready", 60, "there is a process again")
    person.segment((50.0, 40.0))


def test_clicks_on_an_image_that_is_not_looked_at_are_gone_on_with_when_it_is(
    person: Person, told: Witness, photos: list[Path]
) -> None:
    person.open(*photos)
    person.wait_for_prediction()
    first = person.image_id
    assert first is not None
    person.segment((50.0, 40.0))
    person.choose("next_image")
    person.wait_for_prediction()
    kill(person)
    wait_until_encoded(person)
    person.choose("previous_image")
    person.click((35.0, 40.0))
    person.wait_for_proposal()
    assert len(person.session.document.prompts.of(first).points) == 2
    assert told.errors == []
