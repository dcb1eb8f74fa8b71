"""Objects carried to another image: same place, cut to it, numbered anew, and what is there stays."""

from __future__ import annotations

import numpy as np
import pytest

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.carrying import all_taken_along, put_down, taken_along
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, ImageRecord, Provenance, Rect

SHAPES = {"one": (60, 80), "two": (50, 60)}


@pytest.fixture
def document() -> Document:
    document = Document()
    for name, shape in SHAPES.items():
        pixels = np.zeros((*shape, 3), np.uint8)
        document.images.add_record(ImageRecord(name, pixels, pixels))
    return document


def put(document: Document, image_id: str, rect: Rect, label: int, number: int | None, said: int = 3) -> None:
    document.masks.write(image_id, rect, np.ones(rect.shape, np.bool_), label, said, number)


def test_objects_keep_their_place_and_class_and_get_new_numbers(document: Document) -> None:
    put(document, "one", Rect(5, 5, 15, 15), 1, 3, Provenance.PREDICTED)
    put(document, "one", Rect(20, 20, 30, 40), 1, None, Provenance.CLICKED)
    put(document, "two", Rect(40, 40, 45, 45), 1, 8)
    put(document, "two", Rect(0, 0, 30, 30), BACKGROUND, 0)
    objects = all_taken_along(document, "one")
    assert len(objects) == 2
    history = History(document)
    before = document.masks.labels("two").copy()
    history.do(put_down(document, "two", objects))
    layer = document.masks.layer("two")
    assert (layer.labels[5:15, 5:15] == 1).all()
    assert len(set(layer.instances[layer.instances > 0].tolist())) == 3
    assert {*np.unique(layer.instances[5:15, 5:15]), *np.unique(layer.instances[20:30, 20:40])} == {9, 10}
    assert (layer.provenance[5:15, 5:15] == Provenance.PAINTED).all(), "a person has said so now"
    assert (layer.provenance[20:30, 20:40] == Provenance.CLICKED).all()
    history.undo()
    assert (document.masks.labels("two") == before).all()


def test_they_yield_to_what_is_there_and_are_cut_to_the_image(document: Document) -> None:
    put(document, "one", Rect(10, 50, 20, 70), 1, 1)
    put(document, "one", Rect(52, 2, 58, 8), 1, 2)
    put(document, "two", Rect(10, 50, 20, 54), 1, 5)
    objects = taken_along(document, "one", [(12, 55), (13, 60), (55, 5)])
    assert len(objects) == 2, "two pixels in one object are one object"
    patch = put_down(document, "two", objects)
    assert patch is not None
    patch.apply(document)
    layer = document.masks.layer("two")
    assert (layer.instances[10:20, 50:54] == 5).all(), "what is there keeps its pixels"
    assert (layer.instances[10:20, 54:60] == 6).all()
    assert int((layer.labels == 1).sum()) == 100, "the rest lies outside the image"
    assert put_down(document, "two", objects) is None, "there is no room a second time"


def test_objects_of_a_class_that_is_gone_or_locked_are_left_out(document: Document) -> None:
    document.set_classes(document.classes.added("other"))
    other = document.classes.ids[-1]
    put(document, "one", Rect(5, 5, 15, 15), other, 3)
    objects = all_taken_along(document, "one")
    document.set_classes(document.classes.replaced(other, is_locked=True))
    assert put_down(document, "two", objects) is None
    document.set_classes(document.classes.removed(other))
    assert put_down(document, "two", objects) is None
    assert (document.masks.labels("two") == UNLABELLED).all()
