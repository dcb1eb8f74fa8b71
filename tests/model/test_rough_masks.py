"""Masks of another origin: a rough one is drawn again at a click, a good one is kept whatever the network thinks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model.analysis.metrics import mask_iou
from model.prediction import rough_masks
from model.prediction.click_constraints import (
    AnsweredClicks,
    PreviousMask,
    after_click,
    constrained_mask,
    guarded,
)
from model.prediction.inputs import Pointing, check_pointing
from model.prediction.postprocess import clean_mask, clicked_pixels
from model.prediction.rough_masks import SeenTwice, redrawn

SHAPE = (120, 160)


def square():
    """What is right."""
    truth = np.zeros(SHAPE, bool)
    truth[20:100, 40:120] = True
    return truth


def wavy(truth):
    """Its outline as somebody draws it who is in a hurry: three pixels off, to both sides."""
    rows, cols = np.indices(SHAPE)
    outline = ndimage.distance_transform_edt(truth) - ndimage.distance_transform_edt(~truth)
    return outline + 3 * np.sin(rows / 4) * np.cos(cols / 5) > 0


def logits_of(mask):
    return np.where(mask, 5.0, -5.0).astype(np.float32)


def answered_to(before, answer, click, label, *, afar=None, score=0.9):
    pointing = check_pointing([click], [label], None, SHAPE)
    seen = None if afar is None else logits_of(afar)
    return constrained_mask(
        PreviousMask(before, None, logits_of(before)), answer, score, logits_of(answer), pointing, seen
    )


def test_one_click_into_what_is_missing_mends_the_outline_all_round_in_both_directions():
    truth = square()
    rough = wavy(truth)
    rough[:, 100:] = False
    assert mask_iou(rough, truth) < 0.8
    drawn = answered_to(rough, truth, (112.5, 60.5), 1)
    assert mask_iou(drawn, truth) > 0.99
    surplus = wavy(truth) | np.roll(truth, 20, 0) & (np.arange(SHAPE[0])[:, None] >= 100)
    drawn = answered_to(surplus, truth, (80.5, 110.5), 0)
    assert mask_iou(drawn, truth) > 0.99


def test_a_click_into_a_round_blob_too_much_mends_the_outline_as_well():
    """Little of a blob is as deep as its middle; but no good mask has one as wide as that."""
    truth = square()
    rows, cols = np.indices(SHAPE)
    blob = np.hypot(rows - 60, cols - 130) <= 11
    drawn = answered_to(wavy(truth) | blob, truth, (132.5, 60.5), 0)
    assert mask_iou(drawn, truth) > 0.99


def test_what_only_zooming_in_shows_stays_as_it_was_given():
    truth = square()
    rough = wavy(truth)
    rough[:, 100:] = False
    afar = truth.copy()
    afar[:, :60] = rough[:, :60]
    drawn = answered_to(rough, truth, (112.5, 60.5), 1, afar=afar)
    assert np.array_equal(drawn[:, :60], rough[:, :60])
    assert np.array_equal(drawn[:, 75:], truth[:, 75:])


def bitten():
    """A good mask: one bite is missing. What the network would make of it: another object, a bit of each mended."""
    truth = square()
    rows, cols = np.indices(SHAPE)
    bite = (rows - 22) ** 2 + (cols - 80) ** 2 < 8**2
    return truth & ~bite, truth


@pytest.mark.parametrize("score", [0.3, 0.6, 0.95])
def test_a_good_mask_is_kept_though_the_network_disagrees_with_all_of_its_outline(score):
    """How far the network agrees says nothing of the mask: the click is into something little."""
    before, truth = bitten()
    answer = truth.copy()
    answer[60:114, 30:120] = True
    answer[40:50, :60] = False
    kept = answered_to(before, answer, (80.5, 24.5), 1, score=score)
    assert not (before & ~kept).any(), "a click on the object takes nothing away"
    assert mask_iou(kept, truth) > mask_iou(before, truth) - 0.02
    assert kept[24, 80]


def test_a_click_at_the_rim_of_something_large_is_about_something_small():
    before, truth = bitten()
    answer = before.copy()
    answer[5:115, 30:150] = True
    for click in ((60.5, 18.5), (118.5, 18.5), (121.5, 60.5)):
        kept = answered_to(before, answer, click, 1)
        assert mask_iou(kept, truth) > 0.83, click


def test_what_is_large_and_elsewhere_stays_and_so_do_other_parts():
    """A bag that the network would take away, and a flock of which it knows only the bird that was clicked."""
    truth = square()
    before = truth.copy()
    before[:, 100:] = False
    before[100:112, 45:75] = True  # the bag: large for a piece
    before[5:12, 5:15] = before[5:12, 140:150] = True  # other birds: small, and not what the answer is about
    before[28:32, 36:40] = True  # a crumb at the rim
    drawn = answered_to(before, truth, (112.5, 60.5), 1)
    assert drawn[20:100, 40:120].all()
    assert drawn[100:112, 45:75].all()
    assert drawn[5:12, 5:15].all()
    assert drawn[5:12, 140:150].all()
    assert not drawn[28:32, 36:40].any()


def test_what_is_apart_from_the_mask_says_nothing_of_its_outline():
    """A second thing is added, or one of two taken away: the first stays as it was drawn."""
    truth = square()
    first = wavy(truth)
    second = np.zeros(SHAPE, bool)
    second[30:90, 130:155] = True
    assert np.array_equal(answered_to(first, truth | second, (142.5, 60.5), 1), first | second)
    assert np.array_equal(answered_to(first | second, truth, (142.5, 60.5), 0), first)


def test_no_island_comes_along():
    truth = square()
    rough = truth.copy()
    rough[:, 100:] = False
    answer = truth.copy()
    answer[108:116, 140:150] = True
    drawn = answered_to(rough, answer, (112.5, 60.5), 1)
    assert not drawn[105:, 130:].any()
    assert drawn[20:100, 40:120].all()


def test_a_mask_of_another_origin_is_one_after_the_first_click_too():
    """Else the second click on a good one is taken for the search for an object, and may turn it over."""
    before, truth = bitten()
    answered, pointing = AnsweredClicks(), check_pointing([(80.5, 24.5)], [1], None, SHAPE)
    stages = iter([(True, (truth, 0.9, logits_of(truth)))])
    *_, (_, (mask, _, logits)) = guarded(
        stages, answered, pointing, PreviousMask(before, None, logits_of(before))
    )
    assert np.array_equal(mask, truth)
    more = check_pointing([(80.5, 24.5), (80.5, 102.5)], [1, 1], None, SHAPE)
    known = answered.before(more, logits)
    assert known is not None
    assert known[1] is None
    answer = truth.copy()
    answer[100:120, :] = True  # off the middle of it, which early clicks on own masks may take as a whole
    kept = constrained_mask(
        PreviousMask(*known, logits), answer, 0.95, logits_of(answer), more, logits_of(truth)
    )
    assert kept[102, 80]
    assert mask_iou(kept, truth) > 0.85


def blobs(seed, level=0.0):
    noise = np.random.default_rng(seed).normal(size=SHAPE)
    return ndimage.gaussian_filter(noise, 8) * 60 - level


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_handed_in_clicks_are_agreed_with_and_only_pieces_change_elsewhere(data):
    count = data.draw(st.integers(1, 4))
    places = data.draw(
        st.lists(
            st.tuples(st.integers(0, SHAPE[1] - 1), st.integers(0, SHAPE[0] - 1)),
            min_size=count,
            max_size=count,
            unique=True,
        )
    )
    labels = [data.draw(st.integers(0, 1)) for _ in places]
    pointing = check_pointing([(x + 0.5, y + 0.5) for x, y in places], labels, None, SHAPE)
    earlier = Pointing(pointing.xy[:-1], pointing.is_positive[:-1], None)
    before = blobs(data.draw(st.integers(0, 99)), data.draw(st.floats(-2, 2))) > 0
    before = clean_mask(before, earlier) if count > 1 else before
    seen = blobs(data.draw(st.integers(100, 199)), data.draw(st.floats(-3, 3))).astype(np.float32)
    afar = blobs(data.draw(st.integers(100, 101)), data.draw(st.floats(-3, 3))).astype(np.float32)
    answer = clean_mask(seen > 0, pointing)
    done = constrained_mask(PreviousMask(before, None, seen), answer, 0.8, seen, pointing, afar)
    rows, cols = clicked_pixels(pointing, SHAPE)
    assert done[rows[-1], cols[-1]] == pointing.is_positive[-1]
    if (before[rows[:-1], cols[:-1]] == pointing.is_positive[:-1]).all():
        assert np.array_equal(done[rows, cols], pointing.is_positive)
    if before[rows[-1], cols[-1]] == pointing.is_positive[-1]:
        assert np.array_equal(done, before), "a confirming click changes nothing"
        return
    against = (before & ~done) if pointing.is_positive[-1] else (done & ~before)
    parts, _ = ndimage.label(against, np.ones((3, 3)))
    disk = np.pi * (max(1, round(0.003 * max(SHAPE))) + 0.5) ** 2 * count
    assert np.bincount(parts.ravel())[1:].max(initial=0) <= rough_masks.PIECE * before.sum() + disk


def test_a_mask_is_rough_only_if_the_look_from_afar_saw_it_too():
    truth = square()
    rough = truth.copy()
    rough[:, 100:] = False
    pointing = check_pointing([(112.5, 60.5)], [1], None, SHAPE)
    assert redrawn(rough, SeenTwice(truth, logits_of(truth)), pointing) is not None
    assert redrawn(rough, SeenTwice(truth, logits_of(rough)), pointing) is None


def followed_to(before, answer, click, label, score=0.9):
    pointing = check_pointing([click], [label], None, SHAPE)
    start = PreviousMask(before, None, logits_of(before))
    return after_click(start, (answer, score, logits_of(answer)), pointing)[0]


def grown(truth, pixels):
    """Too wide by so many pixels all round, or too narrow."""
    outline = ndimage.distance_transform_edt(truth) - ndimage.distance_transform_edt(~truth)
    mask = outline > -pixels
    return np.asarray(mask, bool)


@pytest.mark.parametrize(("pixels", "click", "label"), [(8, (80.5, 15.5), 0), (-8, (43.5, 60.5), 1)])
def test_a_mask_that_is_off_all_round_is_mended_by_one_click_anywhere_in_what_is_wrong(pixels, click, label):
    truth, given_mask = square(), grown(square(), pixels)
    given_mask[4:10, 4:12] = True  # another thing of the same mask, which the answer knows nothing of
    moved = followed_to(given_mask, truth, click, label)
    assert moved[4:10, 4:12].all()
    moved[4:10, 4:12] = False
    assert mask_iou(moved, truth) > 0.99
    nearly = truth.copy()
    nearly[20:24, 40:120] = given_mask[20:24, 40:120]  # of one side nothing is known
    nearly[12:20, 40:120] = given_mask[12:20, 40:120]
    assert (
        mask_iou(followed_to(given_mask, nearly, (38.5, 60.5) if label == 0 else click, label), truth) > 0.85
    )


def test_an_outline_that_is_a_hair_wider_is_a_matter_of_taste():
    truth = square()
    given_mask = grown(truth, 3)
    kept = followed_to(given_mask, grown(truth, 2), (80.5, 18.5), 0)
    assert not kept[18, 80]
    assert np.count_nonzero(given_mask ^ kept) < 0.03 * truth.sum()


@pytest.mark.parametrize("side", [(slice(12, 108), slice(36, 150)), (slice(14, 118), slice(34, 158))])
def test_an_answer_about_something_larger_does_not_move_a_good_outline_all_round(side):
    """It goes far beyond on one side and less on others; a mask that is too narrow is so everywhere."""
    truth = square()
    rows, cols = np.indices(SHAPE)
    before = truth & ~((rows - 21) ** 2 + (cols - 80) ** 2 < 4**2)
    answer = np.zeros(SHAPE, bool)
    answer[side] = True
    kept = followed_to(before, answer, (80.5, 22.5), 1)
    assert mask_iou(kept, truth) > 0.98


def test_a_click_near_the_outline_does_not_move_it_far_away():
    """People click in the middle of what is wrong: so far inside the outline, it is not off by many times as much."""
    truth = square()
    answer = truth.copy()
    answer[:30] = answer[90:] = False
    answer[:, :50] = answer[:, 110:] = False
    kept = followed_to(truth, answer, (80.5, 21.5), 0)
    assert mask_iou(kept, truth) > 0.85
    moved = followed_to(truth, answer, (80.5, 25.5), 0)
    assert np.array_equal(moved, answer)


def test_after_that_the_mask_is_the_networks_own():
    """What was off is gone; the next click is not again about all of the outline, and is followed as others are."""
    truth = square()
    wide = grown(truth, 8)
    answered, pointing = AnsweredClicks(), check_pointing([(80.5, 15.5)], [0], None, SHAPE)
    stages = iter([(True, (truth, 0.93, logits_of(truth)))])
    *_, (_, (_, _, logits)) = guarded(stages, answered, pointing, PreviousMask(wide, None, logits_of(wide)))
    more = check_pointing([(80.5, 15.5), (5.5, 5.5)], [0, 1], None, SHAPE)
    known = answered.before(more, logits)
    assert known is not None
    assert known[1] == 0.93


def test_a_mask_is_not_moved_to_an_answer_that_the_network_itself_doubts():
    truth = square()
    wide = grown(truth, 8)
    start, pointing = (
        PreviousMask(wide, None, logits_of(wide)),
        check_pointing([(80.5, 15.5)], [0], None, SHAPE),
    )
    sure, doubted = (after_click(start, (truth, score, logits_of(wide)), pointing) for score in (0.9, 0.7))
    assert sure[1] == 0.9
    assert np.array_equal(sure[0], truth)
    assert doubted[1] is None, "what becomes of it is still a mask of another origin"
