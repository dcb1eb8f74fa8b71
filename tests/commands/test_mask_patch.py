import time
from itertools import pairwise

import numpy as np
import pytest

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder, area_patch
from latentseg_gui.commands.prediction.proposals import accept_prediction, accept_proposal
from latentseg_gui.document.masks.brush import stroke_mask
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.project.changes import MaskChange
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from tests.commands.edit_helpers import SHAPE, document_with


def full(rect):
    return np.ones(rect.shape, np.bool_)


def fill(document, image_id, rect, ink):
    patch = area_patch(document, image_id, rect, full(rect), ink, "Fill")
    if patch is not None:
        patch.apply(document)
    return patch


def test_a_stroke_is_seen_at_once_and_is_one_step(document):
    image_id = document.images.ids[0]
    rects = []
    document.events.mask_changed.connect(lambda _, rect: rects.append(rect))
    recorder = StrokeRecorder(document, image_id, Ink(2))
    for col in (20, 60, 140, 290):
        recorder.add(*stroke_mask((col, 20), (col + 5, 22), 7, SHAPE))
    assert len(rects) == 4
    assert document.masks.layer(image_id).num_labelled > 0
    patch = recorder.finish()
    assert len(rects) == 4
    patch.revert(document)
    assert document.masks.layer(image_id).num_labelled == 0
    assert (document.masks.provenance(image_id) == Provenance.NONE).all()


def test_painting_says_who_and_erasing_says_nobody(document):
    image_id = document.images.ids[0]
    fill(document, image_id, Rect(0, 0, 4, 4), Ink(1, Provenance.CLICKED))
    fill(document, image_id, Rect(0, 0, 2, 4), Ink(UNLABELLED))
    assert (document.masks.provenance(image_id)[2:4, :4] == Provenance.CLICKED).all()
    assert (document.masks.provenance(image_id)[:2, :4] == Provenance.NONE).all()


def test_locked_classes_are_not_painted_over(document):
    image_id = document.images.ids[0]
    fill(document, image_id, Rect(0, 0, 4, 4), Ink(1))
    document.set_classes(document.classes.replaced(1, is_locked=True))
    fill(document, image_id, Rect(0, 0, 8, 8), Ink(2))
    assert (document.masks.labels(image_id)[:4, :4] == 1).all()
    assert (document.masks.labels(image_id)[4:8, :8] == 2).all()
    fill(document, image_id, Rect(0, 0, 8, 8), Ink(UNLABELLED))
    assert (document.masks.labels(image_id)[:4, :4] == 1).all()
    assert (document.masks.labels(image_id)[4:8] == UNLABELLED).all()


def test_other_classes_can_be_protected_but_the_background_is_free(document):
    image_id = document.images.ids[0]
    fill(document, image_id, Rect(0, 0, 4, 4), Ink(1))
    fill(document, image_id, Rect(0, 4, 4, 8), Ink(0))
    fill(document, image_id, Rect(0, 0, 4, 12), Ink(2, protect_others=True))
    labels = document.masks.labels(image_id)
    assert (labels[:4, :4] == 1).all()
    assert (labels[:4, 4:12] == 2).all()
    fill(document, image_id, Rect(0, 0, 2, 2), Ink(0, protect_others=True))
    assert (document.masks.labels(image_id)[:2, :2] == 0).all()


def test_accepted_objects_keep_numbers_of_their_own(document):
    image_id = document.images.ids[0]
    history = History(document)
    for col, class_id in ((0, 1), (10, 1), (20, 2)):
        rect = Rect(0, col, 5, col + 5)
        proposal = MaskProposal(image_id, "v1", rect, full(rect), 0.9, PromptSet())
        history.do(accept_proposal(document, proposal, class_id))
    instances = document.masks.instances(image_id)
    assert [instances[0, col] for col in (0, 10, 20)] == [1, 2, 3]
    assert (document.masks.provenance(image_id)[:5, :5] == Provenance.CLICKED).all()
    assert history.undo_label == "Accept leaf"


def test_painting_over_an_object_with_its_class_keeps_it_and_with_another_takes_it_away(document):
    image_id = document.images.ids[0]
    rect = Rect(0, 0, 5, 5)
    fill(document, image_id, rect, Ink(1, instance=4))
    fill(document, image_id, Rect(0, 0, 2, 5), Ink(1))
    fill(document, image_id, Rect(3, 0, 5, 5), Ink(2))
    instances = document.masks.instances(image_id)
    assert (instances[:3, :5] == 4).all()
    assert not instances[3:].any()


def test_accepting_the_prediction_leaves_labelled_pixels_alone(document):
    image_id = document.images.ids[0]
    fill(document, image_id, Rect(0, 0, 5, 5), Ink(3))
    labels = np.full(SHAPE, 2, np.uint8)
    document.predictions.set(Prediction(image_id, "v1", labels, labels))
    before = document.masks.labels(image_id).copy()
    part = accept_prediction(document, image_id, (Rect(4, 4, 8, 8), full(Rect(4, 4, 8, 8))))
    part.apply(document)
    assert document.masks.layer(image_id).num_labelled == 25 + 15
    whole = accept_prediction(document, image_id)
    whole.apply(document)
    assert (document.masks.labels(image_id)[:5, :5] == 3).all()
    assert (document.masks.provenance(image_id)[:5, :5] == Provenance.PAINTED).all()
    assert (document.masks.labels(image_id)[5:] == 2).all()
    assert (document.masks.provenance(image_id)[5:] == Provenance.PREDICTED).all()
    whole.revert(document)
    part.revert(document)
    assert np.array_equal(document.masks.labels(image_id), before)
    assert accept_prediction(document, image_id, (Rect(0, 0, 5, 5), full(Rect(0, 0, 5, 5)))) is None


def test_the_prediction_of_an_area_is_accepted_inside_it_alone(document):
    image_id = document.images.ids[0]
    labels = np.full(SHAPE, 2, np.uint8)
    document.predictions.set(Prediction(image_id, "v1", labels, labels))
    rect = Rect(4, 4, 10, 10)
    lower_left = np.tril(full(rect))
    accept_prediction(document, image_id, (rect, lower_left)).apply(document)
    assert np.array_equal(document.masks.labels(image_id)[rect.slices] == 2, lower_left)
    assert document.masks.layer(image_id).num_labelled == lower_left.sum()


def test_a_damaged_change_is_refused_before_anything_is_written(document):
    image_id = document.images.ids[0]
    patch = fill(document, image_id, Rect(0, 0, 9, 9), Ink(1, instance=2))
    before = document.masks.labels(image_id).copy()
    good = patch.change
    for blob in (good.blob[:-1], b"", b"rubbish", good.blob[:-5] + b"12345"):
        with pytest.raises(ValueError, match="d"):
            MaskChange(image_id, good.rects, good.has_instances, blob).apply(document)
    with pytest.raises(ValueError, match="length"):
        MaskChange(image_id, (Rect(0, 0, 8, 8),), True, good.blob).apply(document)
    assert np.array_equal(document.masks.labels(image_id), before)


def test_a_diagonal_stroke_does_not_cost_its_bounding_box():
    shape = (4000, 6000)
    document = document_with(shape)
    image_id = document.images.ids[0]
    recorder = StrokeRecorder(document, image_id, Ink(1))
    points = np.linspace((10.0, 10.0), (5990.0, 3990.0), 200)
    began = time.process_time()
    for start, end in pairwise(points):
        recorder.add(*stroke_mask(tuple(start), tuple(end), 30, shape))
    patch = recorder.finish()
    stroke_seconds = time.process_time() - began
    rects = []
    document.events.mask_changed.connect(lambda _, rect: rects.append(rect))
    began = time.process_time()
    patch.revert(document)
    undo_seconds = time.process_time() - began
    assert document.masks.layer(image_id).num_labelled == 0
    assert sum(rect.shape[0] * rect.shape[1] for rect in rects) < 0.1 * shape[0] * shape[1]
    whole = np.zeros(shape, np.uint8)
    began = time.process_time()
    np.count_nonzero(whole != 255)
    whole ^= whole.copy()
    one_pass = time.process_time() - began
    assert undo_seconds < 5 * one_pass
    assert stroke_seconds < 60 * one_pass
