"""How a prediction agrees with labels: the figures of `model.analysis.metrics`, and places that really are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentseg_gui.document.evaluation.evaluating import (
    ErrorKind,
    LabelledPixels,
    by_hand,
    error_codes,
    evaluated,
    total,
)
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Provenance
from model.analysis.cells import ALL_CELLS, area_of, cells_of
from model.analysis.metrics import confusion_matrix, mean_iou

NAMES = ("background", "cat", "dog")


def picture(seed, size=(70, 90), num_classes=3):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_classes, size).astype(np.uint8)
    labels[rng.random(size) < 0.4] = UNLABELLED
    provenance = np.where(labels == UNLABELLED, 0, rng.integers(1, 4, size)).astype(np.uint8)
    return labels, provenance, rng.integers(0, num_classes, size).astype(np.uint8)


def of(seed, seen=0, image_id="i", classes=None):
    labels, provenance, said = picture(seed)
    table = classes or ClassTable.from_names(NAMES)
    return evaluated(image_id, "v1", (labels, provenance, None), said, seen, table)


@given(st.integers(0, 10_000), st.integers(0, 2**36 - 1))
def test_held_out_and_trained_on_are_all_and_their_figure_is_that_of_the_metrics(seed, seen):
    labels, provenance, said = picture(seed)
    found = of(seed, seen)
    is_seen = area_of(seen, labels.shape)
    truth = np.where(provenance == Provenance.PREDICTED, UNLABELLED, labels).astype(np.uint8)
    for pixels, where in (
        (LabelledPixels.HELD_OUT, ~is_seen),
        (LabelledPixels.TRAINED_ON, is_seen),
        (LabelledPixels.ALL, np.ones(labels.shape, bool)),
    ):
        part = np.where(where, truth, UNLABELLED).astype(np.uint8)
        expected = confusion_matrix(part, said, 3)
        np.testing.assert_array_equal(found.on(pixels).confusion, expected)
        np.testing.assert_equal(mean_iou(found.on(pixels).confusion), mean_iou(expected))


def test_every_place_shows_pixels_that_are_taken_for_the_other_class():
    found = of(3)
    labels, provenance, said = picture(3)
    truth = by_hand((labels, provenance, None))
    agreement = found.on(LabelledPixels.ALL)
    assert set(agreement.regions) == {(a, b) for a in range(3) for b in range(3) if a != b}
    for (labelled, predicted), region in agreement.regions.items():
        here = (truth[region.rect.slices] == labelled) & (said[region.rect.slices] == predicted)
        assert here.any()
        assert region.pixels == agreement.confusion[labelled, predicted]


def test_the_region_is_the_largest_spot_and_no_larger_than_it():
    labels = np.full((400, 600), 1, np.uint8)
    said = labels.copy()
    said[50:52, 60:62] = 0
    said[300:320, 500:540] = 0
    provenance = np.full(labels.shape, Provenance.PAINTED, np.uint8)
    found = evaluated("i", "v1", (labels, provenance, None), said, 0, ClassTable.from_names(NAMES))
    rect = found.on(LabelledPixels.HELD_OUT).regions[1, 0].rect
    assert (rect.row0, rect.col0, rect.row1, rect.col1) == (300, 500, 320, 540)


def test_what_was_taken_over_from_a_prediction_is_not_measured():
    labels = np.ones((20, 20), np.uint8)
    provenance = np.full(labels.shape, Provenance.PREDICTED, np.uint8)
    found = evaluated("i", "v1", (labels, provenance, None), labels, 0, ClassTable.from_names(NAMES))
    assert found.on(LabelledPixels.ALL).pixels == 0


def test_ids_that_are_not_numbers_and_classes_that_are_gone():
    table = ClassTable(ClassTable.from_names(NAMES).classes, (0, 9, 4))
    labels = np.full((30, 30), 9, np.uint8)
    said = np.full((30, 30), 4, np.uint8)
    said[:10] = 77  # a class that the document has no more
    provenance = np.full(labels.shape, Provenance.CLICKED, np.uint8)
    found = evaluated("i", "v1", (labels, provenance, None), said, 0, table).on(LabelledPixels.ALL)
    assert found.confusion.tolist() == [[0, 0, 0], [300, 0, 600], [0, 0, 0]]


def test_images_are_added_up_before_anything_is_divided():
    parts = [of(1, image_id="a"), of(2, image_id="b")]
    both = total(parts, LabelledPixels.ALL, 3)
    np.testing.assert_array_equal(
        both.confusion, parts[0].on(LabelledPixels.ALL).confusion + parts[1].on(LabelledPixels.ALL).confusion
    )
    assert both.wrong == sum(each.on(LabelledPixels.ALL).wrong for each in parts)
    for pair, region in both.regions.items():
        assert region.pixels == max(each.on(LabelledPixels.ALL).regions[pair].pixels for each in parts)
    nothing = total([], LabelledPixels.ALL, 3)
    assert nothing.pixels == 0
    assert np.isnan(mean_iou(nothing.confusion))


@pytest.mark.parametrize("class_id", [None, 0, 1, 2])
def test_errors_of_a_class_are_what_it_misses_and_what_it_takes(class_id):
    labels, _, said = picture(5)
    everywhere = np.ones(labels.shape, bool)
    codes = error_codes(labels, said, everywhere, class_id, 0)
    known = labels != UNLABELLED
    wrong = known & (labels != said)
    if class_id is None:
        np.testing.assert_array_equal(codes > 0, wrong)
        np.testing.assert_array_equal(codes == ErrorKind.MISSED, wrong & (said == 0))
        np.testing.assert_array_equal(codes == ErrorKind.TAKEN, wrong & (labels == 0))
    else:
        np.testing.assert_array_equal(codes == ErrorKind.MISSED, wrong & (labels == class_id))
        np.testing.assert_array_equal(codes == ErrorKind.TAKEN, wrong & (said == class_id))
        assert not (codes == ErrorKind.CONFUSED).any()
    assert not error_codes(labels, said, ~everywhere, class_id, 0).any()


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 1000))
def test_cells_cover_what_they_were_made_of(rows, cols, seed):
    where = np.random.default_rng(seed).random((rows, cols)) < 0.01
    area = area_of(cells_of(where), (rows, cols))
    assert not (where & ~area).any()
    assert cells_of(area) == cells_of(where)
    assert area_of(ALL_CELLS, (rows, cols)).all()
    assert not area_of(0, (rows, cols)).any()
