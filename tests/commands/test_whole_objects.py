"""An object stays one thing, whatever is accepted, painted, erased and undone: no crumbs, no lost numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from scipy import ndimage

from latentseg_gui.commands.masks.patch import Ink, StrokeRecorder
from latentseg_gui.commands.prediction.proposals import accept_prediction, accept_proposals, overlaps
from latentseg_gui.document.masks.brush import stroke_mask
from latentseg_gui.document.masks.object_rules import CRUMB_PIXELS, drop_rims, window_of
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Provenance, Rect
from tests.commands.hand import SHAPE, Hand, disk, proposal_of

TOUCHING = np.ones((3, 3), bool)


@pytest.fixture
def hand():
    return Hand()


def test_a_stroke_that_mends_an_object_joins_it(hand):
    hand.accept(disk(30, 30, 12))
    hand.stroke([(42.0, 30.0), (48.0, 30.0)], 6)  # an ear, touching the bear
    assert [(each.number, each.class_id) for each in hand.objects()] == [(1, 1)]
    assert hand.instances[30, 48] == 1
    hand.history.undo()
    assert hand.instances[30, 48] == 0
    assert np.array_equal(hand.instances == 1, disk(30, 30, 12))


def test_a_stroke_that_touches_diagonally_joins_too(hand):
    mask = np.zeros(SHAPE, bool)
    mask[10:20, 10:20] = True
    hand.accept(mask)
    recorder = StrokeRecorder(hand.document, hand.image_id, Ink(1))
    recorder.add(Rect(20, 20, 24, 24), np.ones((4, 4), bool))
    hand.history.record(recorder.finish())
    assert len(hand.objects()) == 1


def test_a_stroke_of_another_class_or_elsewhere_stays_an_object_of_its_own(hand):
    hand.accept(disk(30, 20, 10))
    hand.stroke([(32.0, 30.0)], 6, class_id=2)
    hand.stroke([(60.0, 30.0)], 8)
    assert sorted(each.class_id for each in hand.objects()) == [1, 1, 2]


def test_a_stroke_between_two_objects_joins_the_one_it_touches_more(hand):
    hand.accept(disk(30, 20, 10))
    hand.accept(disk(30, 50, 10))
    hand.stroke([(29.0, 30.0), (33.0, 30.0)], 8)
    assert {each.number for each in hand.objects()} == {1, 2}
    assert hand.instances[30, 33] == 1


def test_an_object_that_is_painted_over_but_for_crumbs_is_gone(hand):
    hand.accept(disk(30, 30, 8))
    hand.accept(disk(30, 30, 8) | disk(31, 30, 8), class_id=2, yields=False)
    assert {each.class_id for each in hand.objects()} == {2}
    hand.accept(disk(10, 60, 8))
    hand.stroke([(60.0, 10.0)], 15.5, class_id=2)  # leaves less than a twentieth of it
    assert {each.class_id for each in hand.objects()} == {2}
    left = disk(10, 60, 8) & (hand.labels != 2)
    assert (hand.labels[left] == UNLABELLED).all()


def test_an_eraser_that_cuts_an_object_makes_two_and_leaves_no_crumbs(hand):
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 10:70] = True
    hand.accept(mask)
    hand.stroke([(30.0, 15.0), (30.0, 45.0)], 6, class_id=UNLABELLED)
    parts = hand.objects()
    assert sorted(each.number for each in parts) == [1, 2]
    largest = max(parts, key=lambda each: each.mask.sum())
    assert largest.number == 1  # the larger one is still the object that it was
    hand.history.undo()
    assert [each.number for each in hand.objects()] == [1]


def test_an_eraser_that_shaves_off_a_corner_takes_the_corner(hand):
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 10:40] = True
    hand.accept(mask)
    hand.stroke([(8.0, 24.0), (14.5, 17.5)], 4, class_id=BACKGROUND)  # two pixels stay in the corner
    assert [each.number for each in hand.objects()] == [1]
    assert ndimage.label(hand.instances == 1, TOUCHING)[1] == 1
    assert not ((hand.labels == 1) & (hand.instances == 0)).any()


def test_a_new_object_yields_to_those_that_are_there(hand):
    hand.accept(disk(30, 30, 12))
    before = hand.instances.copy() == 1
    hand.accept(disk(30, 46, 12))
    assert np.array_equal(hand.instances == 1, before)
    assert {each.number for each in hand.objects()} == {1, 2}


def test_it_takes_their_pixels_where_that_was_asked_for(hand):
    hand.accept(disk(30, 30, 12))
    hand.accept(disk(30, 46, 12), yields=False)
    assert np.array_equal(hand.instances == 2, disk(30, 46, 12))


def test_what_yields_on_all_sides_leaves_no_rims(hand):
    hand.accept(disk(30, 40, 14))
    hand.accept(disk(30, 40, 15), class_id=2)  # the same thing once more, a pixel wider
    kept = [each for each in hand.objects() if each.class_id == 2]
    assert len(kept) <= 1


def test_the_same_object_accepted_again_grows_and_is_one(hand):
    hand.accept(disk(30, 40, 12))
    hand.accept(disk(30, 42, 13))
    assert [each.number for each in hand.objects()] == [1]
    assert hand.labels[30, 54] == 1


def accept_together(hand, *masks, class_id=1, **options):
    proposals = [proposal_of(hand.image_id, mask) for mask in masks]
    hand.history.do(accept_proposals(hand.document, proposals, class_id, **options))


@pytest.mark.parametrize("options", [{}, {"protect_others": True}], ids=str)
@pytest.mark.parametrize("class_id", [0, 1, 2])
def test_several_accepted_in_one_step_are_as_if_one_came_after_the_other(hand, options, class_id):
    other = Hand()
    masks = disk(20, 20, 9), disk(20, 34, 9), disk(40, 60, 8), disk(20, 20, 8), disk(55, 70, 3)
    for each in (hand, other):
        each.accept(disk(20, 45, 6), 1)
        each.accept(disk(40, 66, 6), 2)
    accept_together(hand, *masks, class_id=class_id, **options)
    for mask in masks:
        other.accept(mask, class_id, **options)
    assert (hand.labels == other.labels).all()
    parts = np.stack([hand.instances.ravel(), other.instances.ravel()])
    pairs = np.unique(parts, axis=1).T
    assert len(pairs) == len({*pairs[:, 0]}) == len({*pairs[:, 1]}), "the same pixels are together"
    position = hand.history.position
    hand.history.undo()
    assert hand.history.position == position - 1
    assert (hand.instances > 0).sum() == (disk(20, 45, 6) | disk(40, 66, 6)).sum()


def test_several_that_overwrite_others_leave_each_other_alone(hand):
    hand.accept(disk(20, 30, 9), 2)
    accept_together(hand, disk(20, 20, 9), disk(20, 34, 9), yields=False)
    assert (hand.labels == np.where(disk(20, 20, 9) | disk(20, 34, 9), 1, hand.labels)).all()
    numbers = set(np.unique(hand.instances[hand.labels == 1]))
    assert len(numbers) == 2
    assert len({*hand.instances[disk(20, 20, 9)]}) == 1


def test_whose_pixels_a_proposal_lies_over_is_known(hand):
    hand.accept(disk(30, 30, 10))
    hand.accept(disk(30, 60, 10), class_id=2)
    wide = np.zeros(SHAPE, bool)
    wide[30, 25:62] = True
    found = overlaps(hand.document, proposal_of(hand.image_id, wide))
    assert [(each.number, each.class_id, each.pixels) for each in found] == [(1, 1, 16), (2, 2, 12)]


def predict(hand, mask, class_id=1):
    labels = np.where(mask, np.uint8(class_id), np.uint8(BACKGROUND))
    confidence = np.full(SHAPE, 200, np.uint8)
    hand.document.predictions.set(Prediction(hand.image_id, "v1", labels, confidence))


def test_the_rim_of_a_prediction_round_an_object_is_no_object(hand):
    predict(hand, disk(30, 30, 14) | disk(30, 60, 8))
    hand.accept(disk(30, 30, 12))
    assert len(hand.objects()) == 2  # the corrected one, and the other one that is only predicted


def test_a_touching_neighbour_that_is_only_predicted_stays(hand):
    predict(hand, disk(30, 20, 10) | disk(30, 41, 10))
    hand.accept(disk(30, 20, 10))
    assert len(hand.objects()) == 2


def test_a_prediction_that_was_accepted_is_not_taken_for_a_rim(hand):
    predict(hand, disk(30, 30, 14))
    hand.accept(disk(30, 30, 12))
    hand.history.do(accept_prediction(hand.document, hand.image_id))
    assert (hand.labels == 1).sum() == disk(30, 30, 14).sum()


def test_a_locked_class_is_never_changed(hand):
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 10:70] = True
    hand.accept(mask, class_id=2)
    hand.document.set_classes(hand.document.classes.replaced(2, is_locked=True))
    before = hand.instances.copy()
    hand.stroke([(30.0, 15.0), (30.0, 45.0)], 6, class_id=UNLABELLED)
    assert np.array_equal(hand.instances, before)


_xy = st.tuples(st.floats(0, 80), st.floats(0, 60))


class AnySequence(RuleBasedStateMachine):
    """However it is accepted, painted, erased and undone: every number is one object, and none is a crumb."""

    def __init__(self):
        super().__init__()
        self.hand = Hand()
        self.states = [self.state()]

    def state(self):
        return self.hand.labels.tobytes(), self.hand.instances.tobytes()

    def did(self, before):
        position = self.hand.history.position
        if position != before:
            self.states[position:] = [self.state()]

    @rule(row=st.integers(0, 59), col=st.integers(0, 79), radius=st.integers(4, 14), kind=st.integers(1, 2))
    def accept(self, row, col, radius, kind):
        before = self.hand.history.position
        self.hand.accept(disk(row, col, radius), class_id=kind)
        self.did(before)

    @rule(points=st.lists(_xy, min_size=1, max_size=3), size=st.integers(3, 12), kind=st.integers(1, 2))
    def paint(self, points, size, kind):
        before = self.hand.history.position
        self.hand.stroke(points, size, class_id=kind)
        self.did(before)

    @rule(
        points=st.lists(_xy, min_size=1, max_size=3),
        size=st.integers(1, 10),
        kind=st.sampled_from([BACKGROUND, UNLABELLED]),
    )
    def erase(self, points, size, kind):
        before = self.hand.history.position
        self.hand.stroke(points, size, class_id=kind)
        self.did(before)

    @rule()
    def undo(self):
        if self.hand.history.position:
            self.hand.history.undo()
            assert self.state() == self.states[self.hand.history.position]

    @rule()
    def redo(self):
        if self.hand.history.position < len(self.states) - 1:
            self.hand.history.redo()
            assert self.state() == self.states[self.hand.history.position]

    @invariant()
    def numbers_belong_to_objects_of_one_class(self):
        labels, instances = self.hand.labels, self.hand.instances
        for number in np.setdiff1d(instances, 0):
            classes = np.unique(labels[instances == number])
            assert len(classes) == 1
            assert classes[0] not in (BACKGROUND, UNLABELLED)

    @invariant()
    def what_an_edit_has_cut_off_is_large_enough_to_be_an_object(self):
        for number in np.setdiff1d(self.hand.instances, 0):
            pieces, count = ndimage.label(self.hand.instances == number, TOUCHING)
            sizes = np.bincount(pieces.ravel())[1:]
            assert (
                count == 1 or sizes.min() >= min(CRUMB_PIXELS, sizes.max()) or sizes.max() < 4 * CRUMB_PIXELS
            )


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, phases=[Phase.explicit, Phase.generate]
)


def test_an_object_larger_than_can_be_looked_after_is_left_as_the_edit_made_it():
    labels = np.ones((2100, 2100), np.uint8)
    instances = np.ones((2100, 2100), np.uint32)
    assert window_of(Rect(5, 5, 9, 9), labels, instances) is None
    instances[300:] = 0
    labels[300:] = UNLABELLED
    labels[:, 300:], instances[:, 300:] = UNLABELLED, 0
    window = window_of(Rect(5, 5, 9, 9), labels, instances)
    assert window is not None
    assert window.row1 > 300


def test_rims_are_found_wherever_a_tile_ends():
    shape = (2300, 2300)
    labels, provenance = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for row, col in ((300, 300), (1536, 1536), (2040, 700), (700, 2048), (2250, 2250)):
        wide, inner = disk(row, col, 24, shape), disk(row, col, 21, shape)
        labels[wide], provenance[wide] = 1, Provenance.PREDICTED
        provenance[inner] = Provenance.CLICKED
    drop_rims(labels, provenance, None)
    assert ((labels == 1) == (provenance == Provenance.CLICKED)).all()


def test_an_eraser_that_cuts_keeps_the_larger_part_only_where_that_was_asked_for(hand):
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 10:70] = True
    hand.accept(mask)
    recorder = StrokeRecorder(hand.document, hand.image_id, Ink(BACKGROUND, keeps_larger=True))
    for start in (15.0, 25.0, 35.0, 45.0):
        recorder.add(*stroke_mask((30.0, start), (30.0, start), 14, SHAPE))
    hand.history.record(recorder.finish())
    assert [each.number for each in hand.objects()] == [1]
    assert ndimage.label(hand.instances == 1, TOUCHING)[1] == 1
    assert (hand.labels[20:40, 10:22] == BACKGROUND).all(), "the smaller part is what the eraser leaves"
    hand.history.undo()
    assert np.array_equal(hand.instances == 1, mask)
