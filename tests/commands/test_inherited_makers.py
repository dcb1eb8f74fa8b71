"""Whose click model made an object goes with its pixels: to its parts, back and forth in the history."""

from __future__ import annotations

import numpy as np
import pytest

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks import makers
from latentseg_gui.commands.masks.carrying import CarriedObject, number_put_down, put_down, taken_along
from latentseg_gui.commands.masks.objects import set_objects_class
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder, area_patch
from latentseg_gui.commands.masks.shapes import split_along, split_into
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from tests.commands.edit_helpers import document_with

SAM = "mobile_sam"
SHAPE = (40, 120)
BAR = Rect(10, 10, 20, 70)


class Desk:
    """One bar, number 4, that a click model of others has made, and one by hand, number 2."""

    def __init__(self) -> None:
        self.document: Document = document_with(SHAPE, SHAPE)
        self.image_id, self.other_id = self.document.images.ids
        self.history = History(self.document)
        self.put(Rect(25, 10, 35, 70), 2, Provenance.PAINTED)
        self.put(BAR, 4, Provenance.CLICKED)
        self.history.name_maker(self.image_id, 4, SAM)

    def put(self, rect: Rect, number: int, said: Provenance) -> None:
        ink = Ink(1, said, number)
        mask = np.ones(rect.shape, np.bool_)
        self.history.do(area_patch(self.document, self.image_id, rect, mask, ink, "Put"))

    def stroke(self, rect: Rect, ink: Ink) -> None:
        recorder = StrokeRecorder(self.document, self.image_id, ink)
        recorder.add(rect, np.ones(rect.shape, np.bool_))
        self.history.record(recorder.finish())

    def made_by(self, row: int, col: int, image_id: str = "") -> tuple[int, str]:
        """Number and maker of the object at a pixel."""
        image_id = image_id or self.image_id
        number = int(self.document.masks.instances(image_id)[row, col])
        return number, self.document.makers.of(image_id, number)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_parts_of_an_object_are_the_work_of_who_made_it_and_others_are_not(desk: Desk) -> None:
    for row, title in ((15, SAM), (30, "")):
        line = [(30.0, row - 8.0), (30.0, row + 8.0)]
        desk.history.do(split_along(desk.document, desk.image_id, (row, 50), line))
        left, right = desk.made_by(row, 12), desk.made_by(row, 60)
        assert left[0] != right[0]
        assert left[1] == right[1] == title


def test_a_number_of_parts_and_parts_of_parts(desk: Desk) -> None:
    for first, col in enumerate((29, 49)):  # two waists
        desk.stroke(Rect(10, col, 14, col + 2), Ink(0))
        desk.stroke(Rect(16, col, 20, col + 2), Ink(0))
        assert len(np.unique(desk.document.masks.instances(desk.image_id))) == 3, (
            f"a waist is no cut ({first})"
        )
    desk.history.do(split_into(desk.document, desk.image_id, (15, 15), 3))
    parts = {desk.made_by(15, col) for col in (12, 40, 65)}
    assert len(parts) == 3
    assert {title for _, title in parts} == {SAM}


def test_a_piece_that_comes_off_under_the_eraser_keeps_its_maker(desk: Desk) -> None:
    desk.stroke(Rect(5, 30, 24, 34), Ink(UNLABELLED))
    left, right = desk.made_by(15, 12), desk.made_by(15, 60)
    assert left[0] != right[0]
    assert left[1] == right[1] == SAM


def test_the_history_takes_makers_along(desk: Desk) -> None:
    desk.history.do(split_along(desk.document, desk.image_id, (15, 50), [(30.0, 5.0), (30.0, 25.0)]))
    parts = {desk.made_by(15, 12), desk.made_by(15, 60)}
    settings = desk.document.makers.as_settings()
    desk.history.undo()
    assert desk.document.makers.as_settings() == {desk.image_id: {"4": SAM}}
    desk.history.redo()
    assert desk.document.makers.as_settings() == settings
    assert {desk.made_by(15, 12), desk.made_by(15, 60)} == parts
    desk.history.jump_to(0)
    assert desk.document.makers.as_settings() == {}
    desk.history.jump_to(3)
    assert desk.document.makers.as_settings() == settings


def test_an_object_that_gets_the_number_of_one_that_is_gone_is_not_its_work(desk: Desk) -> None:
    desk.history.do(set_objects_class(desk.document, desk.image_id, [(15, 15)], 0))
    desk.stroke(Rect(2, 90, 12, 100), Ink(1, instance=4))
    assert desk.made_by(5, 95) == (4, "")
    desk.history.undo()
    desk.history.undo()
    assert desk.made_by(15, 15) == (4, SAM)


def test_what_is_painted_over_an_object_with_a_new_number_is_painted(desk: Desk) -> None:
    desk.stroke(Rect(10, 10, 20, 20), Ink(1, instance=9))
    assert desk.made_by(15, 15) == (9, "")
    assert desk.made_by(15, 40) == (4, SAM)


def test_a_mask_is_not_searched_for_objects_that_have_nothing_to_do_with_other_models(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched, count = [], makers._pixels_of
    monkeypatch.setattr(
        makers, "_pixels_of", lambda layer, numbers: searched.extend(numbers) or count(layer, numbers)
    )
    desk.put(Rect(0, 90, 8, 98), 9, Provenance.CLICKED)
    desk.stroke(Rect(12, 90, 20, 98), Ink(1, instance=10))
    desk.stroke(Rect(25, 70, 35, 80), Ink(1, instance=2))
    assert searched == []
    desk.stroke(Rect(30, 90, 34, 94), Ink(1, instance=4))
    assert searched == [4]
    assert desk.made_by(15, 15) == desk.made_by(32, 92) == (4, SAM), "more of what was there"


def test_an_object_that_only_grows_stays_who_made_it(desk: Desk) -> None:
    desk.stroke(Rect(10, 70, 20, 80), Ink(1, instance=4))
    desk.stroke(Rect(25, 70, 35, 80), Ink(1, instance=2))
    assert desk.made_by(15, 75) == (4, SAM)
    assert desk.made_by(30, 75) == (2, "")


def test_imported_objects_stay_imported_and_predicted_ones_become_painted(desk: Desk) -> None:
    desk.put(Rect(0, 90, 8, 98), 6, Provenance.IMPORTED)
    desk.put(Rect(0, 100, 8, 108), 7, Provenance.PREDICTED)
    objects = taken_along(desk.document, desk.image_id, [(15, 15), (30, 15), (4, 92), (4, 102)])
    assert [each.number for each in objects] == [4, 2, 6, 7]
    desk.history.do(put_down(desk.document, desk.other_id, objects))
    said = desk.document.masks.provenance(desk.other_id)
    places = (15, 15), (30, 15), (4, 92), (4, 102)
    assert [Provenance(int(said[place])) for place in places] == [
        Provenance.CLICKED,
        Provenance.PAINTED,
        Provenance.IMPORTED,
        Provenance.PAINTED,
    ]


def test_where_an_object_was_put_down_is_found_also_where_little_of_it_had_room(desk: Desk) -> None:
    layer = desk.document.masks.layer(desk.image_id)
    mask = np.ones((10, 60), np.bool_)
    lies_over = CarriedObject(1, Rect(10, 66, 20, 126), mask)  # over the bar, and out of the image
    desk.history.do(put_down(desk.document, desk.image_id, [lies_over]))
    assert number_put_down(layer, lies_over, 5) == 5
    assert number_put_down(layer, CarriedObject(1, BAR, mask), 6) == 0, "no room"
    outside = CarriedObject(1, Rect(50, 0, 60, 60), mask)
    assert number_put_down(layer, outside, 5) == 0
