"""The page that was corrected most carefully: predicted, accepted, mended, erased, overwritten, exported.

As many objects are exported as a person counts: no rims of the prediction, no crumbs of what was overwritten, no
strokes beside the object that they mend.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from latentseg_gui.commands.prediction.proposals import accept_prediction
from latentseg_gui.controllers.transfer.mask_snapshots import snapshot_of
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.separating import separated
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks import FORMATS
from model.analysis.objects import ObjectOptions
from model.training.separation import depth_of
from tests.commands.hand import Hand, disk

SHAPE = 150, 260
PLACES = [(24 + 34 * row, 22 + (25 if row == 1 else 36) * col) for row in range(3) for col in range(7)]
"""Twenty-one nuclei; those of the row in the middle touch."""

RADIUS = 13


def nucleus(number, more=0.0):
    row, col = PLACES[number]
    return disk(row, col, RADIUS + more, SHAPE)


def truth():
    numbers = np.zeros(SHAPE, np.int32)
    far = np.stack([np.hypot(*(np.indices(SHAPE) - np.array(place)[:, None, None])) for place in PLACES])
    numbers[far.min(0) <= RADIUS] = far.argmin(0)[far.min(0) <= RADIUS] + 1
    return numbers


def prediction(image_id, seed=0):
    """What a model says: a rim wider than it should, rough at the edges, with a knob that is nothing."""
    rough = np.random.default_rng(seed).normal(0, 1, SHAPE)
    wide = ndimage.gaussian_filter((truth() > 0).astype(float), 1.5) + 0.25 * ndimage.gaussian_filter(
        rough, 1
    )
    labels = (wide > 0.3).astype(np.uint8)
    labels[2:5, 2:6] = 1
    depth = ndimage.gaussian_filter(depth_of(truth()), 1.0)
    sure = np.full(SHAPE, 220, np.uint8)
    said = Prediction(image_id, "v1", labels, sure, depth=np.rint(depth * 255).astype(np.uint8))
    return separated(said, ClassTable.default(), ObjectOptions()).prediction


@pytest.fixture
def hand():
    hand = Hand(SHAPE)
    hand.document.predictions.set(prediction(hand.image_id))
    return hand


def correct(hand):
    """Six clicks, three strokes that mend, three that erase, one object overwritten by two."""
    for number in (0, 3, 8, 9, 15, 20):
        hand.accept(nucleus(number))
    half = nucleus(17)
    half[:, PLACES[17][1] + 4 :] = False  # a click that meant a part of it
    hand.accept(half)
    row, col = PLACES[17]
    hand.stroke([(col + 6.0, row - 8.0), (col + 6.0, row + 8.0)], 9)
    hand.accept(nucleus(11) | nucleus(12))  # both at once, which was wrong
    for number in (11, 12):
        hand.accept(nucleus(number), yields=False)
    hand.accept(nucleus(5, 4))  # too wide, trimmed by the eraser
    row, col = PLACES[5]
    for side in (-1, 1):
        hand.stroke(
            [(col - 14.0, row + side * 17.0), (col + 14.0, row + side * 17.0)], 6, class_id=BACKGROUND
        )
    row, col = PLACES[20]
    hand.stroke([(col + 0.0, row - 12.0), (col + 0.0, row - 15.0)], 5)  # and an ear for another
    hand.stroke([(3.5, 3.5)], 8, class_id=BACKGROUND)  # the knob is nothing


def test_an_object_that_another_takes_the_place_of_leaves_no_ring(hand):
    hand.accept(nucleus(9, 2))
    hand.accept(nucleus(9), yields=False)
    assert [each.number for each in hand.objects() if each.is_numbered and each.mask.sum() < 400] == []
    assert (hand.instances > 0).sum() == nucleus(9).sum()


def test_a_thin_object_that_is_cut_short_stays(hand):
    thin = np.zeros(SHAPE, bool)
    thin[140:143, 20:120] = True
    hand.accept(thin)
    hand.accept(disk(141, 90, 8, SHAPE) | disk(141, 110, 12, SHAPE) | disk(141, 80, 8, SHAPE), yields=False)
    assert (hand.instances == 1).sum() > 100


def test_a_corrected_page_is_exported_with_as_many_objects_as_a_person_counts(hand):
    correct(hand)
    objects = hand.objects()
    assert len(objects) == len(PLACES), sorted(int(each.mask.sum()) for each in objects)
    assert min(int(each.mask.sum()) for each in objects) > 200
    numbers = np.zeros(SHAPE, int)
    for index, each in enumerate(objects, 1):
        numbers[each.rect.slices][each.mask] = index
    for number in range(len(PLACES)):
        inside = numbers[nucleus(number, -4)]
        assert (inside == np.bincount(inside).argmax()).mean() > 0.9, f"nucleus {number} is one object"


def test_so_is_one_whose_prediction_was_accepted_in_the_end(hand):
    correct(hand)
    hand.history.do(accept_prediction(hand.document, hand.image_id))
    assert len(hand.objects()) == len(PLACES)
    hand.stroke([(PLACES[1][1] + 0.0, PLACES[1][0] - 14.0)], 7)
    assert len(hand.objects()) == len(PLACES)


def test_so_is_one_that_was_corrected_after_the_prediction_was_accepted(hand):
    hand.history.do(accept_prediction(hand.document, hand.image_id))
    correct(hand)
    assert len(hand.objects()) == len(PLACES)


def test_undoing_all_of_it_leaves_nothing(hand):
    correct(hand)
    while hand.history.position:
        hand.history.undo()
    assert (hand.labels == UNLABELLED).all()
    assert not hand.instances.any()


def test_the_file_has_them_too(hand):
    correct(hand)
    item = snapshot_of(hand.document, hand.image_id, "page").item(("coco",))
    ((_, content),) = FORMATS["coco"].files(item, hand.document.classes.numbered)
    assert len(json.loads(content)["annotations"]) == len(PLACES)
