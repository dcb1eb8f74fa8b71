"""Objects taken up for clicks: of the mask with and without number, of the prediction; nothing else is touched."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from latentseg_gui.commands.masks.marking import lock_objects
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.commands.prediction.corrections import accept_correction, take_up
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet, TakenUp, as_it_was
from latentseg_gui.document.types import UNLABELLED, Rect
from tests.commands.edit_helpers import document_with

SHAPE = (60, 120)


@pytest.fixture
def document() -> Document:
    return document_with(SHAPE)


def fill(document: Document, rect: Rect, class_id: int, number: int | None = None) -> None:
    ink = Ink(class_id, instance=number)
    patch = area_patch(document, document.images.ids[0], rect, np.ones(rect.shape, bool), ink, "Fill")
    assert patch is not None
    patch.apply(document)


def proposed(document: Document, rect: Rect) -> MaskProposal:
    return MaskProposal(document.images.ids[0], "v", rect, np.ones(rect.shape, bool), 1.0, PromptSet())


def taken_at(document: Document, rc: tuple[int, int]) -> TakenUp:
    taken = take_up(document, image_id=document.images.ids[0], rc=rc)
    assert taken is not None
    return taken


@pytest.mark.parametrize("number", [0, 4])
def test_a_corrected_object_keeps_its_number_and_its_neighbours(document: Document, number: int) -> None:
    key = document.images.ids[0]
    fill(document, Rect(10, 10, 30, 30), 1, number)
    fill(document, Rect(10, 30, 30, 40), 2, 7)
    before = document.masks.instances(key).copy(), document.masks.labels(key).copy()
    taken = taken_at(document, (20, 20))
    patch = accept_correction(document, proposed(document, Rect(12, 5, 30, 35)), taken)
    assert patch is not None
    patch.apply(document)
    labels, instances = document.masks.labels(key), document.masks.instances(key)
    assert (labels[12:30, 5:30] == 1).all()
    assert (instances[12:30, 5:30] == number).all()
    assert (labels[10:12, 10:30] == UNLABELLED).all(), "nobody has said what background is"
    assert (instances[10:30, 30:40] == 7).all()
    patch.revert(document)
    assert (document.masks.instances(key) == before[0]).all()
    assert (document.masks.labels(key) == before[1]).all()


def test_a_predicted_area_is_taken_up_without_what_is_labelled(document: Document) -> None:
    key = document.images.ids[0]
    labels = np.zeros(SHAPE, np.uint8)
    labels[20:40, 20:60] = 2
    document.predictions.set(Prediction(key, "v", labels, np.ones(SHAPE, np.float16), 0.0))
    fill(document, Rect(20, 50, 40, 70), 1, 3)
    taken = taken_at(document, (30, 30))
    assert (taken.class_id, taken.rc, int(taken.mask.sum())) == (2, None, 20 * 30)
    assert take_up(document, image_id=key, rc=(5, 5)) is None
    assert take_up(document, image_id=key, rc=(-1, 500)) is None


def test_what_is_locked_or_gone_is_said(document: Document) -> None:
    key = document.images.ids[0]
    fill(document, Rect(10, 10, 30, 30), 1, 4)
    taken = taken_at(document, (20, 20))
    fill(document, Rect(10, 10, 30, 30), 2, 5)
    with pytest.raises(LatentsegError, match="no longer there"):
        accept_correction(document, proposed(document, Rect(12, 5, 30, 35)), taken)
    edit = lock_objects(document, key, [(20, 20)], is_locked=True)
    assert edit is not None
    edit.apply(document)
    with pytest.raises(LatentsegError, match="locked"):
        take_up(document, image_id=key, rc=(20, 20))


def test_it_is_the_same_in_another_process_and_no_other(document: Document) -> None:
    fill(document, Rect(10, 10, 30, 30), 1, 4)
    taken, again = taken_at(document, (20, 20)), taken_at(document, (20, 20))
    there = pickle.loads(pickle.dumps(PromptSet(taken_up=taken)))
    assert there == PromptSet(taken_up=taken)
    assert hash(there) == hash(PromptSet(taken_up=taken))
    assert there != PromptSet(taken_up=again)
    start = as_it_was(document.images.ids[0], there)
    assert start is not None
    assert start.mask.all()
