"""Objects that nobody clicked on: everything at once, and more like one that is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from latentseg_gui.controllers.masks import mask_looks
from tests.e2e.conftest import Witness
from tests.e2e.person import RIGHT, Person

PLACES = (
    (40, 40),
    (40, 120),
    (40, 200),
    (110, 80),
    (110, 160),
    (110, 240),
    (180, 40),
    (180, 120),
    (180, 200),
)
RADIUS = 20


@pytest.fixture
def balls(tmp_path: Path) -> Path:
    """Nine red balls of one size on a green ground."""
    rng = np.random.default_rng(1)
    pixels = np.full((220, 280, 3), (60, 130, 70), np.float64)
    rows, cols = np.mgrid[:220, :280]
    for row, col in PLACES:
        pixels[np.hypot(rows - row, cols - col) < RADIUS] = (205, 60, 50)
    path = tmp_path / "balls.png"
    Image.fromarray((pixels + rng.normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)).save(path)
    return path


def search(person: Person, action: str) -> None:
    """Has the model search, and waits until it is done."""
    candidates = person.session.candidates
    person.choose(action)
    assert candidates.is_searching
    person.wait_for(lambda: not candidates.is_searching, what="the search is over")


def objects(person: Person) -> int:
    assert person.image_id is not None
    layer = person.session.document.masks.layer(person.image_id)
    return len(np.setdiff1d(layer.instances, 0)) if layer.has_instances else 0


def hit(person: Person) -> int:
    """How many of the balls are objects, each of its own number."""
    assert person.image_id is not None
    layer = person.session.document.masks.layer(person.image_id)
    numbers = {int(layer.instances[place]) for place in PLACES} if layer.has_instances else set()
    return len(numbers - {0})


def press(person: Person, text: str) -> None:
    (button,) = (b for b in person.window.candidates.findChildren(QPushButton) if b.text() == text)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_everything_on_an_image_is_proposed_and_taken_as_one_step(person: Person, balls: Path) -> None:
    person.open(balls)
    person.wait_for_prediction()
    person.press(Qt.Key.Key_1)
    search(person, "propose_all")
    candidates = person.session.candidates
    found = len(candidates.shown)
    assert found >= 5
    assert person.window.candidates.count_text == f"{found} proposals"
    assert objects(person) == 0  # nothing is a mask before somebody says so
    small = min(candidates.shown, key=lambda each: each.pixels)
    place = np.argwhere(small.mask)[0] + (small.rect.row0, small.rect.col0)
    person.click((place[1] + 0.5, place[0] + 0.5), RIGHT)
    assert small not in candidates.shown  # dropped
    one = min(candidates.shown, key=lambda each: each.pixels)
    place = np.argwhere(one.mask)[len(np.argwhere(one.mask)) // 2] + (one.rect.row0, one.rect.col0)
    person.click((place[1] + 0.5, place[0] + 0.5))
    assert objects(person) == 1
    first = person.mask
    person.press(Qt.Key.Key_Return)
    assert objects(person) > 1
    assert not candidates.shown
    person.choose("undo")
    assert np.array_equal(person.mask, first)


def test_proposals_are_dropped_by_escape_with_any_tool_once_nothing_else_is_there_to_clear(
    person: Person, balls: Path
) -> None:
    person.open(balls)
    person.wait_for_prediction()
    person.choose("propose_all")
    candidates = person.session.candidates
    person.wait_for(lambda: candidates.shown and not candidates.is_searching, what="all is found")
    person.choose("tool_click")
    person.segment((40.0, 40.0))
    person.press(Qt.Key.Key_Escape)
    assert candidates.shown, "the clicks go first"
    person.press(Qt.Key.Key_Escape)
    assert not candidates.shown


def test_count_all_of_these_in_three_clicks(person: Person, balls: Path) -> None:
    person.open(balls)
    person.wait_for_prediction()
    person.press(Qt.Key.Key_1)
    person.segment((40.5, 40.5))
    person.press(Qt.Key.Key_Return)
    before = objects(person)
    assert before == 1
    person.choose("tool_select")
    person.click((40.5, 40.5))
    search(person, "more_alike")
    candidates = person.session.candidates
    assert len(candidates.shown) >= 7
    loose = len(candidates.shown)
    candidates.choose(0, 1.0, -1)
    assert len(candidates.shown) < loose  # the slider chooses; nothing is searched again
    assert not candidates.is_searching
    candidates.choose(0, 0.0, -1, 0.01)
    assert candidates.shown == ()  # a ball takes two hundredths of the image
    candidates.choose(0, 0.5, -1)
    press(person, "Accept all shown")
    assert hit(person) >= 8
    person.choose("undo")
    assert objects(person) == 1


def test_a_search_is_given_up_halfway_and_clicks_are_answered_meanwhile(person: Person, balls: Path) -> None:
    person.open(balls)
    person.wait_for_prediction()
    candidates = person.session.candidates
    person.choose("propose_all")
    person.segment((40.5, 40.5))  # a click does not wait for the end of the search
    assert candidates.is_searching
    person.choose("cancel")
    assert not candidates.is_searching
    seen = candidates.shown
    QTest.qWait(500)
    assert candidates.shown == seen  # what still comes is dropped
    assert objects(person) == 0


def test_more_like_nothing_says_what_to_do(person: Person, balls: Path, told) -> None:
    person.open(balls)
    person.wait_for_prediction()
    person.choose("more_alike")
    assert any("Choose one or a few objects first" in each for each in told.sentences)
    assert not person.session.candidates.is_searching


def test_the_same_is_found_on_the_next_image_without_choosing_again(
    person: Person, balls: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second.png"
    Image.fromarray(np.array(Image.open(balls))[::-1, ::-1]).save(second)
    person.open(balls)
    person.wait_for_prediction()
    person.press(Qt.Key.Key_1)
    person.segment((40.5, 40.5))
    person.press(Qt.Key.Key_Return)
    person.choose("tool_select")
    person.click((40.5, 40.5))
    search(person, "more_alike")
    candidates = person.session.candidates
    assert candidates.shown
    person.open(second)
    assert not candidates.shown  # they were of the other image
    person.wait_for_prediction()
    search(person, "more_alike")
    assert len(candidates.shown) >= 7
    person.press(Qt.Key.Key_Return)
    assert objects(person) >= 7


def test_all_images_of_the_list_are_searched_and_each_shows_its_own_when_it_is_opened(
    person: Person, balls: Path, tmp_path: Path, told: Witness
) -> None:
    turned, small, broken = tmp_path / "b turned.png", tmp_path / "c small.png", tmp_path / "d broken.png"
    pixels = np.array(Image.open(balls))
    Image.fromarray(pixels[::-1, ::-1]).save(turned)
    Image.fromarray(pixels[:150]).save(small)
    Image.fromarray(pixels).save(broken)
    person.open(balls, turned, small, broken)
    broken.write_bytes(b"no picture any more")
    person.wait_for_prediction()
    session, panel = person.session, person.window.candidates
    candidates, ids = session.candidates, session.document.images.ids
    panel._everywhere.setChecked(True)
    search(person, "propose_all")
    first = len(candidates.shown)
    assert first >= 5
    person.wait_for(lambda: session.list_search.is_running, 20, "it goes on to the others")
    person.segment((40.5, 40.5))  # clicks are answered meanwhile
    person.wait_for(lambda: not session.list_search.is_running, what="all images are searched")
    assert candidates.kept_ids == ids[1:3]
    assert "d broken.png" in str(told.errors.pop())
    assert panel._next.text() == "Proposals wait on 2 other images"
    dropped = candidates.shown[0]
    place = np.argwhere(dropped.mask)[0] + (dropped.rect.row0, dropped.rect.col0)
    person.choose("tool_candidates")
    person.click((place[1] + 0.5, place[0] + 0.5), RIGHT)
    press(person, panel._next.text())
    person.wait_for(lambda: person.image_id == ids[1] and person.canvas.image.is_shown)
    assert len(candidates.shown) >= 5
    assert panel._next.text() == "Proposals wait on 2 other images", "the first and the third"
    person.press(Qt.Key.Key_1)
    press(person, "Accept all shown")
    assert objects(person) >= 5
    session.images.show(ids[0])
    person.wait_for(lambda: person.image_id == ids[0] and person.canvas.image.is_shown)
    assert len(candidates.shown) < first + 1, "what was dropped does not come back"
    assert candidates.shown
    session.images.remove(ids[2])
    assert candidates.kept_ids == ()


def test_what_is_like_the_chosen_is_looked_for_on_all_images_and_can_be_stopped(
    person: Person, balls: Path, tmp_path: Path, told: Witness
) -> None:
    for number in range(3):
        Image.fromarray(np.roll(np.array(Image.open(balls)), 30 * number, axis=1)).save(
            tmp_path / f"c{number}.png"
        )
    person.open(balls, *(tmp_path / f"c{number}.png" for number in range(3)))
    person.wait_for_prediction()
    session, panel = person.session, person.window.candidates
    person.press(Qt.Key.Key_1)
    person.segment((40.5, 40.5))
    person.press(Qt.Key.Key_Return)
    person.choose("tool_select")
    person.click((40.5, 40.5))
    panel._everywhere.setChecked(True)
    search(person, "more_alike")
    ids = session.document.images.ids
    person.wait_for(lambda: ids[1] in session.candidates.kept_ids, what="the second image is searched")
    assert session.list_search.is_running
    press(person, "Stop")
    assert not session.list_search.is_running
    assert any("What was found is kept" in each for each in told.sentences)
    kept = session.candidates.kept_ids
    QTest.qWait(300)
    assert session.candidates.kept_ids == kept
    session.images.show(ids[1])
    person.wait_for(lambda: person.image_id == ids[1] and person.canvas.image.is_shown)
    assert len(session.candidates.shown) >= 7


def test_examples_of_an_image_are_not_looked_for_at_their_place_of_another(
    without_model: None, person: Person, balls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.zeros((30, 30, 3), np.uint8)).save(tmp_path / "small.png")
    person.open(balls, tmp_path / "small.png")
    person.choose("tool_brush")
    person.drag((120.0, 180.0), (121.0, 180.0))
    session = person.session
    row, col = np.argwhere(person.mask == 1)[0]
    session.objects.choose([(int(row), int(col))])
    monkeypatch.setattr(mask_looks, "LARGE", 0)  # it is looked through beside the window
    person.choose("more_alike")
    session.images.next()
    person.wait_for(lambda: session.lanes.edits.is_idle, what="the examples are found")
    assert not session.candidates.is_searching
