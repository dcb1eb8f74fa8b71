"""Objects of a prediction become objects of the mask; what a person labelled keeps its own."""

from __future__ import annotations

import numpy as np

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.commands.prediction.proposals import accept_prediction
from latentseg_gui.controllers.transfer.mask_snapshots import snapshot_of
from latentseg_gui.document.prediction.predicted_objects import taken_over
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import Rect
from tests.commands.edit_helpers import SHAPE


def predicted(document, objects):
    """Class 1 where there is an object, background elsewhere."""
    image_id = document.images.ids[0]
    labels = (objects > 0).astype(np.uint8)
    document.predictions.set(Prediction(image_id, "v1", labels, labels, instances=objects))
    return image_id


def three_objects():
    objects = np.zeros(SHAPE, np.uint32)
    objects[2:6, 2:6], objects[2:6, 6:10], objects[8:12, 2:8] = 7, 4_000_000_000, 9
    return objects


def test_an_accepted_prediction_brings_its_objects_with_numbers_of_their_own(document):
    objects = three_objects()
    image_id = predicted(document, objects)
    rect = Rect(2, 2, 6, 5)  # three quarters of the first object were labelled by hand
    area_patch(document, image_id, rect, np.ones(rect.shape, bool), Ink(1, instance=5), "By hand").apply(
        document
    )
    before = [plane.copy() for plane in (document.masks.labels(image_id), document.masks.instances(image_id))]
    history = History(document)
    history.do(accept_prediction(document, image_id))
    numbers = document.masks.instances(image_id)
    assert (numbers[rect.slices] == 5).all()
    assert (numbers[2:6, 5] == 0).all()  # a rim of what is there, not an object beside it
    assert (document.masks.labels(image_id)[2:6, 5] == 1).all()
    assert len(set(np.unique(numbers)) - {0, 5}) == 2
    assert len(np.unique(numbers[2:6, 6:10])) == 1
    assert len(np.unique(numbers[8:12, 2:8])) == 1
    assert numbers[2, 6] != numbers[8, 2]
    assert (numbers[objects == 0] == 0).all()
    history.undo()
    assert np.array_equal(document.masks.labels(image_id), before[0])
    assert np.array_equal(document.masks.instances(image_id), before[1])


def test_an_area_brings_the_objects_inside_it(document):
    image_id = predicted(document, three_objects())
    rect = Rect(0, 0, 7, 12)
    accept_prediction(document, image_id, (rect, np.ones(rect.shape, bool))).apply(document)
    assert len(np.unique(document.masks.instances(image_id))) == 3  # two, and none


def test_what_is_exported_has_the_objects_of_the_prediction(document):
    objects = three_objects()
    image_id = predicted(document, objects)
    item = snapshot_of(document, image_id, "a").item(["png"])
    assert np.array_equal(item.instances, objects)
    rect = Rect(2, 2, 6, 6)
    area_patch(document, image_id, rect, np.ones(rect.shape, bool), Ink(1, instance=5), "By hand").apply(
        document
    )
    item = snapshot_of(document, image_id, "a").item(["png"])
    assert (item.instances[rect.slices] == 5).all()
    assert len(np.unique(item.instances)) == 4
    only = snapshot_of(document, image_id, "a", is_completed=False).item(["png"])
    assert set(np.unique(only.instances)) == {0, 5}


def test_numbers_begin_where_the_mask_has_none():
    objects = np.uint32([[0, 3, 3], [8, 8, 3]])
    free = np.array([[True, True, True], [True, False, True]])
    assert taken_over(objects, free, 10).tolist() == [[0, 10, 10], [11, 0, 10]]
    free[1] = False
    assert taken_over(objects, free, 10).tolist() == [[0, 10, 10], [0, 0, 0]]
