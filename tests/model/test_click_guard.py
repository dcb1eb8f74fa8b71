"""A further click must not spoil a good mask: what is guaranteed, and what is kept unless something decided says no."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model.analysis.metrics import mask_iou
from model.prediction import click_constraints as click_guard
from model.prediction import click_trust
from model.prediction.click_constraints import AnsweredClicks, PreviousMask, constrained_mask
from model.prediction.inputs import Pointing, check_pointing
from model.prediction.postprocess import clean_mask, clicked_pixels
from model.prediction.predictor import Predictor
from tests.model.clicked_scenes import SAMPLES, scene, trained_network

SHAPE = (30, 44)


def blobs(seed, shape=SHAPE, level=0.0):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, 3).astype(np.float32) * 20 - level


@st.composite
def situations(draw):
    """A mask that agrees with some clicks, an answer that agrees with one more, its logits, and all clicks."""
    count = draw(st.integers(2, 9))
    xy = [
        (draw(st.integers(0, SHAPE[1] - 1)) + 0.5, draw(st.integers(0, SHAPE[0] - 1)) + 0.5)
        for _ in range(count)
    ]
    labels = [1, *(draw(st.integers(0, 1)) for _ in range(count - 1))]
    kept = {point: index for index, point in enumerate(xy)}  # a place is clicked once
    xy, labels = list(kept), [labels[index] for index in kept.values()]
    pointing = check_pointing(xy, labels, None, SHAPE)
    earlier = Pointing(pointing.xy[:-1], pointing.is_positive[:-1], None)
    before = clean_mask(blobs(draw(st.integers(0, 99))) > 0, earlier)
    logits = blobs(draw(st.integers(100, 199)), level=draw(st.floats(-2, 2)))
    if draw(st.booleans()):
        logits = logits[::2, ::2]
        mask = np.repeat(np.repeat(logits, 2, 0), 2, 1) > 0
    else:
        mask = logits > 0
    start = PreviousMask(before, draw(st.floats(0.5, 1)), logits)
    return start, clean_mask(mask, pointing), draw(st.floats(0.5, 1)), logits, pointing


@settings(max_examples=300, deadline=None)
@given(situations())
def test_what_is_guaranteed_of_any_answer(situation):
    start, mask, score, logits, pointing = situation
    constrained = constrained_mask(start, mask, score, logits, pointing)
    rows, cols = clicked_pixels(pointing, SHAPE)
    is_positive = bool(pointing.is_positive[-1])
    if start.mask[rows[-1], cols[-1]] == is_positive:
        assert np.array_equal(constrained, start.mask), "a confirming click changes nothing"
    elif is_positive:
        assert not (start.mask & ~constrained).any(), "a positive click takes nothing away"
    else:
        assert not (constrained & ~start.mask).any(), "a negative click adds nothing"
    assert constrained[rows[-1], cols[-1]] == is_positive
    if (start.mask[rows[:-1], cols[:-1]] == pointing.is_positive[:-1]).all():
        assert np.array_equal(constrained[rows, cols], pointing.is_positive), "all clicks are agreed with"


def most(start, mask, score, pointing):
    """How many pixels may change: what is little, the click's own part from its middle, disks; and crumbs beside."""
    rows, cols = clicked_pixels(pointing, mask.shape)
    row, col, is_positive = rows[-1], cols[-1], bool(pointing.is_positive[-1])
    wanted = (mask & ~start.mask) if is_positive else (start.mask & ~mask)
    parts, _ = ndimage.label(wanted, np.ones((3, 3)))
    own = parts == parts[row, col]
    inside = ndimage.distance_transform_edt(np.pad(own, 1))[1:-1, 1:-1]
    here, deepest, area = inside[row, col] - 0.5, inside.max() - 0.5, max(start.mask.sum(), 1)
    disk = np.pi * (max(1, round(0.003 * max(mask.shape))) + 0.5) ** 2
    crumbs = disk + max(click_trust.LITTLE * area, 1)
    is_searching, is_inside = len(pointing.xy) <= 4, here >= 1.6
    if start.score <= (0.75 if len(pointing.xy) > 7 else click_trust.RELIABLE):
        width, times = (min(deepest, 2 * here), 12) if is_searching or is_inside else (here, 4)
        disks = times * np.pi * width**2 * (1 + 10 * width / np.sqrt(area))
        return max(disks, 0 if is_searching or is_inside else click_trust.WHOLE_AT_RIM * area) + crumbs
    is_doubted = score < start.score - (0.1 if is_searching else 0.03)
    aside, is_large = (deepest + 0.5) / (here + 0.5), own.sum() >= 0.15 * area
    farthest = 2.0 if is_large or len(pointing.xy) <= 7 else 1.3
    if is_large and is_searching:
        farthest = 5.0
    if aside <= farthest and is_inside and not is_doubted:
        return max(own.sum(), click_trust.WHOLE * area) + crumbs
    disks = np.pi * here**2 * (1 if is_doubted else 4 * (1 + 10 * here / np.sqrt(area)))
    return max(click_trust.WHOLE * area, min(disks, 0.15 * area)) + crumbs


@settings(max_examples=300, deadline=None)
@given(situations())
def test_no_more_changes_than_the_click_is_trusted_with(situation):
    start, mask, score, logits, pointing = situation
    rows, cols = clicked_pixels(pointing, SHAPE)
    if start.mask[rows[-1], cols[-1]] == pointing.is_positive[-1]:
        return
    changed = start.mask ^ constrained_mask(start, mask, score, logits, pointing)
    assert np.count_nonzero(changed) <= most(start, mask, score, pointing)


@settings(max_examples=300, deadline=None)
@given(situations(), st.integers(200, 299), st.floats(-3, 3))
def test_whatever_is_right_the_iou_falls_by_no_more_than_the_share_that_changed(situation, seed, level):
    start, mask, score, logits, pointing = situation
    truth = blobs(seed, level=level) > 0
    constrained = constrained_mask(start, mask, score, logits, pointing)
    if not start.mask.any() or not truth.any():
        return
    share = np.count_nonzero(start.mask ^ constrained) / np.count_nonzero(start.mask)
    assert mask_iou(constrained, truth) >= mask_iou(start.mask, truth) - share - 1e-9


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 99), st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))
def test_the_widest_disk_round_a_click_is_found(seed, row, col):
    mask = ndimage.zoom(blobs(seed) > 0, 3, order=0)
    mask[3 * row, 3 * col] = True
    expected = ndimage.distance_transform_edt(np.pad(mask, 1))[3 * row + 1, 3 * col + 1]
    assert click_trust.depth(mask, (3 * row, 3 * col)) == pytest.approx(expected)


SETTLED = [(22.5 + 7 * n, 22.5) for n in range(7)]
"""Clicks that a good mask agrees with."""


def clicked(before, *last):
    """Eight clicks: those of `SETTLED`, and one that the mask contradicts."""
    (x, y, label), shape = last, before.shape
    return check_pointing([*SETTLED, (x, y)], [1] * len(SETTLED) + [label], None, shape)


def good_start():
    """A square of which the click wants a little more, and an answer that is unsure elsewhere."""
    before = np.zeros((100, 100), bool)
    before[20:80, 20:80] = True
    logits = np.where(before, 6, -6).astype(np.float32)
    logits[80:88, 41:50] = 2  # next to it, decided
    logits[80:83, 70:80] = 0.3  # next to it, far from the click, undecided
    logits[15:20, 20:26] = 0.4  # elsewhere, undecided
    return before, logits, clicked(before, 45.5, 84.5, 1)


def constrained_from(start, logits, pointing, score=0.9):
    return constrained_mask(start, clean_mask(logits > 0, pointing), score, logits, pointing)


def test_a_good_mask_changes_where_the_answer_is_decided():
    before, logits, pointing = good_start()
    constrained = constrained_from(PreviousMask(before, 0.93, logits), logits, pointing)
    expected = before.copy()
    expected[80:88, 41:50] = True
    assert np.array_equal(constrained, expected)


def test_what_is_little_and_decided_comes_along_from_elsewhere():
    before, logits, pointing = good_start()
    logits[80:83, 70:80] = 1.5  # decided now
    constrained = constrained_from(PreviousMask(before, 0.93, logits), logits, pointing)
    assert constrained[80:83, 70:80].all()
    assert not constrained[15:20, 20:26].any()
    logits[85:100, 70:100] = 1.5  # and no longer little
    constrained = constrained_from(PreviousMask(before, 0.93, logits), logits, pointing)
    assert not constrained[85:100, 70:100].any()
    assert constrained[80:88, 41:50].all()


def test_a_click_beside_the_middle_of_much_takes_what_it_is_trusted_with():
    before, logits, _ = good_start()
    pointing = clicked(before, 45.5, 82.5, 1)
    logits[80:100, :] = 0.5  # the whole ground; the click is near its rim
    logits[80:88, 41:50] = 2
    constrained = constrained_from(PreviousMask(before, 0.88, logits), logits, pointing)
    assert 72 < np.count_nonzero(constrained & ~before) < 600, "of 2,000"
    assert constrained[80:88, 41:50].all(), "what is sure comes first"


def test_a_click_in_the_middle_of_something_takes_all_of_it_however_large_and_nothing_else():
    """No island round the click, and no hole with a round rim."""
    before, logits, _ = good_start()
    logits[80:100, 20:80] = 1  # a third of the square that is there
    logits[2:18, 30:60] = 3  # something else, as large
    pointing = clicked(before, 60.5, 89.5, 1)
    constrained = constrained_from(PreviousMask(before, 0.95, logits), logits, pointing, 0.95)
    expected = before.copy()
    expected[80:100, 20:80] = True
    assert np.array_equal(constrained, expected)
    hole = before.copy()
    hole[40:60, 20:50] = False  # the same the other way round
    logits = np.where(hole, 6, -6).astype(np.float32)
    pointing = clicked(before, 38.5, 49.5, 0)
    constrained = constrained_from(PreviousMask(before, 0.95, logits), logits, pointing, 0.95)
    assert np.array_equal(constrained, hole)


def test_little_that_is_connected_to_a_click_changes_as_a_whole_wherever_the_click_is_in_it():
    before, logits, _ = good_start()
    logits[80:86, 30:50] = 0.4  # 120 pixels of 3,600
    pointing = clicked(before, 32.5, 82.5, 1)
    constrained = constrained_from(PreviousMask(before, 0.95, logits), logits, pointing, 0.95)
    assert constrained[80:86, 30:50].all()


def test_a_click_at_the_very_rim_counts_for_less():
    """Nobody can tell whether it was meant for what lies on this side of the rim."""
    before, logits, _ = good_start()
    logits[80:88] = -6
    logits[80:86, 30:50] = 0.4
    rim, inside = (
        np.count_nonzero(
            constrained_from(PreviousMask(before, 0.95, logits), logits, clicked(before, *place, 1)) & ~before
        )
        for place in ((30.5, 80.5), (32.5, 82.5))
    )
    assert inside == 120
    assert rim <= click_trust.WHOLE_AT_RIM * 3600


def test_a_thin_seam_all_round_is_not_followed_as_a_whole_because_of_a_click_on_it():
    """Of small things most of what would change is one pixel wide: every click on that is in its middle."""
    before = np.zeros((60, 60), bool)
    before[20:38, 20:38] = True
    logits = np.where(ndimage.binary_dilation(before), 2, -6).astype(np.float32)
    pointing = check_pointing(
        [(22.5 + n, 24.5) for n in range(8)] + [(28.5, 19.5)], [1] * 9, None, before.shape
    )
    constrained = constrained_from(PreviousMask(before, 0.9, logits), logits, pointing)
    assert constrained[19, 28]
    assert np.count_nonzero(constrained & ~before) <= 10, "of 72"


def more_ground():
    """A good square, an answer that takes in as much ground again, and a click in that, off its middle."""
    before, logits, _ = good_start()
    logits[80:100, :] = 0.5
    return before, logits, (45.5, 82.5)


def test_while_clicks_are_few_much_more_may_be_meant_however_sure_the_network_is_of_the_part():
    before, logits, place = more_ground()
    early = check_pointing([(50, 50), place], [1, 1], None, before.shape)
    late = clicked(before, *place, 1)
    few, many = (
        np.count_nonzero(
            constrained_from(PreviousMask(before, 0.93, logits), logits, pointing, 0.9) & ~before
        )
        for pointing in (early, late)
    )
    assert few == 20 * 100
    assert many <= click_trust.MOST_RELIABLE * 3600 + 10
    doubted = constrained_from(PreviousMask(before, 0.93, logits), logits, early, 0.8)
    assert np.count_nonzero(doubted & ~before) < many


def test_a_mask_that_the_network_thinks_poor_follows_the_answer_further():
    before, logits, place = more_ground()
    pointing = clicked(before, *place, 1)
    limit = click_trust.RELIABLE_LATE
    changes = [
        np.count_nonzero(constrained_from(PreviousMask(before, score, logits), logits, pointing) & ~before)
        for score in (limit + 0.01, limit - 0.01)
    ]
    assert changes[0] < 0.5 * changes[1]


@pytest.mark.parametrize("score", [0.93, 0.7])
def test_after_several_clicks_an_answer_about_something_much_larger_is_about_another_object(score):
    """It would swallow the mask of many clicks; the click on what is missing is taken for no more than is round it."""
    before, logits, _ = good_start()
    logits[:, :] = np.where(before, 6, 2)
    depth = ndimage.distance_transform_edt(np.pad(~before, 1))[1:-1, 1:-1]
    middle = np.unravel_index(depth.argmax(), depth.shape)
    pointing = clicked(before, middle[1] + 0.5, middle[0] + 0.5, 1)
    constrained = constrained_from(PreviousMask(before, score, logits), logits, pointing)
    assert constrained[middle]
    assert np.count_nonzero(constrained & ~before) < 0.5 * np.count_nonzero(~before)


def test_a_click_in_something_thin_does_not_let_in_something_wide():
    """A bridge three pixels wide to a large area: the click on the bridge says nothing about that."""
    before, logits, pointing = good_start()
    logits[80:90, :] = -6
    logits[80:86, 44:47] = 3
    logits[86:100, 5:95] = 3
    early = check_pointing([(50, 50), (45.5, 83.5)], [1, 1], None, before.shape)
    for pointing in (early, clicked(before, 45.5, 83.5, 1)):
        constrained = constrained_from(PreviousMask(before, 0.9, logits), logits, pointing)
        assert constrained[83, 45]
        taken = np.count_nonzero(constrained & ~before)
        assert taken <= max(
            1.25 * click_trust.DISKS_RELIABLE * np.pi * 1.5**2, click_trust.WHOLE_AT_RIM * 3600
        )


def test_of_an_answer_that_the_network_thinks_worse_little_is_taken():
    before, logits, pointing = good_start()
    logits[80:100, :] = 2
    pointing = clicked(before, 45.5, 88.5, 1)
    sure, doubted = (
        np.count_nonzero(
            constrained_from(PreviousMask(before, 0.9, logits), logits, pointing, score) & ~before
        )
        for score in (0.91, 0.86)
    )
    assert sure > 1000
    assert 0 < doubted <= np.pi * 8.5**2


def test_what_a_negative_click_cuts_off_stays_unless_it_is_little():
    """A click on a neck takes the neck; what hangs on it is a lot, and nobody spoke of it."""
    before = np.zeros((60, 120), bool)
    before[10:50, 10:50] = before[10:50, 60:100] = before[28:30, 50:60] = True
    logits = np.where(before, 6, -6).astype(np.float32)
    logits[26:34, 50:60] = -3
    pointing = check_pointing([(30, 30), (55.5, 28.5)], [1, 0], None, before.shape)
    constrained = constrained_from(PreviousMask(before, 0.9, logits), logits, pointing)
    assert not constrained[28:30, 55].any()
    assert constrained[10:50, 60:100].all()
    before[10:50, 62:100] = False  # now there is little of it
    constrained = constrained_from(PreviousMask(before, 0.9, logits), logits, pointing)
    assert not constrained[28:30, 55].any()
    assert np.count_nonzero(constrained[:, 56:]) <= 2 * 40 + 2 * 4
    loose = np.zeros((20, 20), bool)
    loose[2:4, 2:4] = loose[8:18, 8:18] = True
    assert np.count_nonzero(click_trust.too_much(loose, 4)) == 100, "the speck goes, the rest stays"
    assert np.count_nonzero(click_trust.too_much(loose, 3)) == 104
    assert not click_trust.too_much(loose, 104).any()


def test_few_masks_are_remembered():
    answered, mask, logits = AnsweredClicks(), np.ones((1000, 8000), bool), np.ones((5, 40), np.float32)
    for count in range(1, 101):
        points = [(x + 0.5, 0.5) for x in range(count)]
        answered.put(check_pointing(points, [1] * count, None, mask.shape), mask, 0.5, logits)
    assert answered.nbytes <= click_guard.REMEMBERED_BYTES
    later = check_pointing([(x + 0.5, 0.5) for x in range(101)], [1] * 101, None, mask.shape)
    known, score = answered.before(later, logits)
    assert known.all()
    assert score == 0.5
    assert answered.before(check_pointing([(0.5, 0.5), (3, 3)], [1, 1], None, mask.shape), logits) is None
    assert answered.before(later, -logits) is None, "these did not come with it"


def test_what_was_answered_again_is_kept_longer_than_what_was_not(monkeypatch):
    mask, logits = np.ones((10, 16), bool), np.ones((5, 8), np.float32)
    monkeypatch.setattr(click_guard, "REMEMBERED_BYTES", 2 * mask.size // 8)
    answered = AnsweredClicks()
    for x in (1, 2, 1, 3):
        answered.put(check_pointing([(x, 0.5)], [1], None, mask.shape), mask, 0.5, logits)

    def is_known(x):
        return answered.before(check_pointing([(x, 0.5), (9, 9)], [1, 1], None, mask.shape), logits)

    assert [is_known(x) is not None for x in (1, 2, 3)] == [True, False, True]


def test_an_answer_is_remembered_with_the_box_that_it_was_given_to():
    mask, logits, click = np.ones((10, 16), bool), np.ones((5, 8), np.float32), [(1, 0.5)]
    answered, box = AnsweredClicks(), [0, 0, 8, 8]
    answered.put(check_pointing(click, [1], box, mask.shape), mask, 0.5, logits)
    more = [*click, (9, 9)]
    assert answered.before(check_pointing(more, [1, 1], box, mask.shape), logits) is not None
    for other in (None, [0, 0, 8, 9]):
        assert answered.before(check_pointing(more, [1, 1], other, mask.shape), logits) is None


def test_an_answer_that_contradicts_its_own_click_changes_nothing():
    before = np.zeros((60, 80), bool)
    before[10:30, 10:30] = True
    answer = before.copy()
    answer[40:50, 10:20] = True
    logits = np.where(answer, 9.0, -9.0).astype(np.float32)
    beside = check_pointing([(20, 20), (60, 20)], [1, 1], None, before.shape)
    constrained = constrained_mask(PreviousMask(before, 0.7, logits), answer, 0.9, logits, beside)
    assert np.array_equal(constrained, before)


@pytest.mark.parametrize("name", [*SAMPLES, "scene 0", "scene 1"])
def test_with_the_shipped_weights_a_confirming_click_changes_nothing(name):
    if name in SAMPLES:
        image, (first, label) = getattr(skimage.data, name)(), SAMPLES[name][0]
    else:
        image, first = scene(int(name[-1]))
        label = 1
    predictor = Predictor(trained_network(), "cpu")
    predictor.set_image(image)
    before, _, logits = predictor.predict([first], [label])
    generator = np.random.default_rng(0)
    for sign in (1, 0):
        places = np.argwhere(before == bool(sign))
        row, col = places[generator.integers(len(places))]
        after, _, _ = predictor.predict([first, (col + 0.5, row + 0.5)], [label, sign], mask_input=logits)
        assert np.array_equal(after, before)
        other, _, _ = predictor.predict([first, (col + 0.5, row + 0.5)], [label, 1 - sign], mask_input=logits)
        assert not (other & ~before if sign else before & ~other).any(), "one sign, one direction"


def test_without_an_earlier_answer_nothing_is_guarded():
    predictor = Predictor(trained_network(), "cpu")
    image, click = scene(0)
    predictor.set_image(image)
    free, _, _ = predictor.predict([click, (5, 5)], [1, 0])
    predictor.predict([click], [1])
    again, _, _ = predictor.predict([click, (5, 5)], [1, 0])
    assert np.array_equal(free, again)


def test_a_mask_of_another_origin_is_gone_on_from_as_the_networks_own():
    """Drawn by hand, from a file or another program: its parts stay; of its outline only pieces are drawn again."""
    predictor = Predictor(trained_network(), "cpu")
    image, (x, y) = scene(0)
    predictor.set_image(image)
    given = np.zeros(image.shape[:2], bool)
    given[4:30, 4:40] = given[200:230, 10:50] = True
    click = (x, y) if not given[int(y), int(x)] else (160.5, 120.5)
    more, score, logits = predictor.predict([click], [1], mask_input=given)
    assert (given & ~more).sum() <= 0.05 * given.sum(), "a click on the object takes no part of it away"
    assert more[200:230, 10:50].all(), "and nothing of what the answer is not about"
    assert more[int(click[1]), int(click[0])]
    assert 0 <= score <= 1
    sure = np.where(given, 6.0, -6.0).astype(np.float32)
    assert np.array_equal(predictor.predict([click], [1], mask_input=sure)[0], more), "bool or logits"
    same, _, _ = predictor.predict([(10.5, 10.5)], [1], mask_input=given)
    assert np.array_equal(same, given), "a click on what is there changes nothing"
    less, _, _ = predictor.predict([(20.5, 15.5)], [0], mask_input=given)
    assert not (less & ~given).any()
    assert not less[15, 20]
    further, _, _ = predictor.predict([click, (20.5, 15.5)], [1, 0], mask_input=logits)
    assert not (further & ~more).any()
    assert further[200:230, 10:50].all()
