"""Objects of a prediction: one class each, large enough, and only of classes that are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.separating import counted_only, parted, separated
from model.analysis.objects import ObjectOptions
from tests.discs import hills, predicted

CLASSES = ClassTable.from_names(("background", "cell", "debris", "tissue")).replaced(3, is_thing=False)
PLAIN = ObjectOptions(smoothness=0.0)


TWO = hills((30, 30, 12), (30, 50, 12))


def test_what_touches_comes_apart_and_is_counted():
    answer = separated(predicted(TWO), CLASSES, PLAIN)
    assert answer.counts == {1: 2, 2: 0}
    instances = answer.prediction.instances
    assert instances[30, 30] != instances[30, 50]
    assert ((instances > 0) == (TWO > 0)).all()


def test_calibration_changes_how_sure_a_prediction_is_and_not_its_objects():
    plain = predicted(TWO)
    chances = np.random.default_rng(0).uniform(0.5, 1, plain.labels.shape)
    before = replace(plain, confidence=np.rint(chances * 255).astype(np.uint8))
    calm = 1 / (1 + ((1 - chances) / chances) ** (1 / 2.5))
    after = replace(plain, confidence=np.rint(calm * 255).astype(np.uint8), temperature=2.5)
    one, other = (separated(each, CLASSES, PLAIN).prediction for each in (before, after))
    is_near = np.abs(chances - PLAIN.threshold) < 0.01
    np.testing.assert_array_equal((one.instances > 0)[~is_near], (other.instances > 0)[~is_near])


def test_without_depth_a_prediction_stays_as_it_is():
    plain = Prediction("a", "v1", np.ones((4, 4), np.uint8), np.ones((4, 4), np.uint8))
    answer = separated(plain, CLASSES, PLAIN)
    assert answer.prediction is plain
    assert answer.counts == {}


def test_an_object_has_the_class_of_most_of_its_pixels():
    labels = (TWO > 0).astype(np.uint8)
    labels[:, 40:][labels[:, 40:] > 0] = 2
    labels[28:31, 28:31] = 2
    answer = separated(predicted(TWO, labels), CLASSES, PLAIN)
    assert answer.counts == {1: 1, 2: 1}
    assert answer.prediction.labels[29, 29] == 1
    assert answer.prediction.said[29, 29] == 2, "what the model said is not forgotten"


def test_the_smallest_size_is_that_of_the_class():
    depth = hills((20, 20, 4), (20, 70, 4), (45, 50, 12))
    labels = (depth > 0).astype(np.uint8)
    labels[:, 60:] *= 2
    classes = CLASSES.replaced(1, smallest=100)
    answer = separated(predicted(depth, labels), classes, PLAIN)
    assert answer.counts == {1: 1, 2: 1}
    assert answer.prediction.labels[20, 20] == 0, "what is too small is background, and no crumb of the class"
    assert separated(answer.prediction, CLASSES, PLAIN).counts == {1: 2, 2: 1}, "and comes back"


def test_stuff_keeps_its_pixels_and_has_no_objects():
    labels = np.where(TWO > 0, 1, 3)
    answer = separated(predicted(TWO, labels), CLASSES, PLAIN)
    assert (answer.prediction.labels[TWO == 0] == 3).all()
    assert not answer.prediction.instances[TWO == 0].any()
    none = ClassTable(tuple(CLASSES)).replaced(1, is_thing=False).replaced(2, is_thing=False)
    bare = separated(predicted(TWO, labels), none, PLAIN)
    assert bare.counts == {}
    assert np.array_equal(bare.prediction.labels, labels)
    assert not bare.prediction.instances.any()


@pytest.mark.parametrize(("threshold", "count"), [(0.95, 0), (0.8, 2)])
def test_a_threshold_takes_what_is_unsure_away(threshold, count):
    assert separated(predicted(TWO), CLASSES, ObjectOptions(threshold, 0.7, 0.0)).counts[1] == count


def test_a_low_threshold_adds_what_is_nearly_of_the_class():
    prediction = predicted(TWO, np.zeros(TWO.shape), confidence=150)  # 59 % background
    assert separated(prediction, CLASSES, ObjectOptions(0.5, 0.7, 0.0)).counts[1] == 0
    assert separated(prediction, CLASSES, ObjectOptions(0.3, 0.7, 0.0)).prediction.labels.any()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 9999),
    threshold=st.floats(0.05, 0.95),
    separation=st.floats(0, 1),
    smallest=st.integers(0, 40),
)
def test_whatever_is_predicted_objects_labels_and_counts_agree(seed, threshold, separation, smallest):
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    labels = rng.integers(0, 4, shape)
    depth = ndimage.gaussian_filter(rng.random(shape), 1)
    sure = rng.integers(60, 256, shape).astype(np.uint8)
    given_ = Prediction("a", "v1", labels.astype(np.uint8), sure, depth=(depth * 255).astype(np.uint8))
    classes = CLASSES.replaced(1, smallest=smallest)
    answer = separated(given_, classes, ObjectOptions(threshold, separation, 1.0))
    made = answer.prediction
    counts = {1: 0, 2: 0}
    for number in range(1, int(made.instances.max()) + 1):
        where = made.instances == number
        (class_id,) = np.unique(made.labels[where])
        assert where.sum() >= (smallest if class_id == 1 else CLASSES[2].smallest)
        counts[int(class_id)] += 1
    assert counts == answer.counts
    assert set(np.unique(made.labels[made.instances == 0])) <= {0, 3}, (
        "no pixel of a counted class is left over"
    )


def test_stuff_teaches_no_objects():
    labels = np.uint8([[1, 3], [2, 1]])
    numbers = np.uint32([[5, 6], [7, 0]])
    assert counted_only(labels, numbers, CLASSES).tolist() == [[5, 0], [7, 0]]
    assert (
        counted_only(labels, numbers, CLASSES.replaced(1, is_thing=False).replaced(2, is_thing=False)) is None
    )
    assert counted_only(labels, None, CLASSES) is None


def test_ids_of_classes_need_not_be_their_numbers():
    """Classes that were moved keep their ids, which is what labels of a document hold."""
    classes = ClassTable(CLASSES.classes, (0, 7, 200, 3))
    labels = (TWO > 0).astype(np.uint8) * 7
    labels[:, 40:][labels[:, 40:] > 0] = 200
    answer = separated(predicted(TWO, labels), classes.replaced(200, smallest=10_000), PLAIN)
    assert answer.counts == {7: 1, 200: 0}
    assert set(np.unique(answer.prediction.labels)) == {0, 7}


def test_a_line_is_seen_where_two_objects_touch_and_nowhere_else():
    made = separated(predicted(TWO), CLASSES, PLAIN).prediction
    shown = parted(made)
    gone = (shown == 0) & (made.labels == 1)
    assert 3 < gone.sum() < 40
    assert set(np.nonzero(gone)[1]) <= {38, 39, 40, 41, 42}
    assert (made.labels[gone] == 1).all(), "what is accepted has no line"
    assert ndimage.label(shown == 1)[1] == 2
    plain = predicted(TWO)
    assert parted(plain) is plain.labels
