"""A further click must not spoil a good mask: what is guaranteed, and what is kept unless something decided says no."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from model import click_guard
from model.click_guard import Answered, Start, settle
from model.inputs import Pointing, check_pointing
from model.postprocess import clean_mask, clicked_pixels
from model.predictor import Predictor
from tests.model.test_devices_agree import SAMPLES, scene, trained_network

SHAPE = (30, 44)


def blobs(seed, shape=SHAPE, level=0.0):
    noise = np.random.default_rng(seed).normal(size=shape)
    return ndimage.gaussian_filter(noise, 3).astype(np.float32) * 20 - level


@st.composite
def situations(draw):
    """A mask that agrees with some clicks, an answer that agrees with one more, its logits, and all clicks."""
    count = draw(st.integers(2, 5))
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
    return Start(before, draw(st.floats(0, 1)), logits), clean_mask(mask, pointing), logits, pointing


@settings(max_examples=300, deadline=None)
@given(situations())
def test_what_is_guaranteed_of_any_answer(situation):
    start, mask, logits, pointing = situation
    settled = settle(start, mask, logits, pointing)
    rows, cols = clicked_pixels(pointing, SHAPE)
    is_positive = bool(pointing.is_positive[-1])
    if start.mask[rows[-1], cols[-1]] == is_positive:
        assert np.array_equal(settled, start.mask), "a confirming click changes nothing"
    elif is_positive:
        assert not (start.mask & ~settled).any(), "a positive click takes nothing away"
    else:
        assert not (settled & ~start.mask).any(), "a negative click adds nothing"
    assert settled[rows[-1], cols[-1]] == is_positive
    if (start.mask[rows[:-1], cols[:-1]] == pointing.is_positive[:-1]).all():
        assert np.array_equal(settled[rows, cols], pointing.is_positive), "all clicks are agreed with"


def good_start():
    """A square of which the click wants a little more, and an answer that is unsure elsewhere."""
    before = np.zeros((100, 100), bool)
    before[20:80, 20:80] = True
    logits = np.where(before, 6, -6).astype(np.float32)
    logits[80:86, 40:50] = 2  # next to it, decided
    logits[80:83, 70:80] = 0.3  # next to it, far from the click, undecided
    logits[15:20, 20:26] = 0.4  # elsewhere, undecided
    pointing = check_pointing([(50, 50), (45.5, 83.5)], [1, 1], None, before.shape)
    return before, logits, pointing


def test_a_good_mask_changes_where_the_answer_is_decided():
    before, logits, pointing = good_start()
    settled = settle(Start(before, 0.93, logits), clean_mask(logits > 0, pointing), logits, pointing)
    expected = before.copy()
    expected[80:86, 40:50] = True
    assert np.array_equal(settled, expected)


def test_a_mask_that_is_not_good_yet_follows_the_answer():
    before, logits, pointing = good_start()
    mask = clean_mask(logits > 0, pointing)
    assert np.array_equal(settle(Start(before, 0.6, logits), mask, logits, pointing), mask)


def test_a_click_that_settles_a_lot_is_followed():
    before, logits, pointing = good_start()
    logits[80:95, 30:70] = 2
    mask = clean_mask(logits > 0, pointing)
    assert np.array_equal(settle(Start(before, 0.93, logits), mask, logits, pointing), mask)


def test_few_masks_are_remembered():
    answered, mask = Answered(), np.ones((1000, 8000), bool)
    for count in range(1, 101):
        points = [(x + 0.5, 0.5) for x in range(count)]
        answered.put(check_pointing(points, [1] * count, None, mask.shape), mask, 0.5)
    assert answered.nbytes <= click_guard.REMEMBERED_BYTES
    later = check_pointing([(x + 0.5, 0.5) for x in range(101)], [1] * 101, None, mask.shape)
    known, score = answered.before(later)
    assert known.all()
    assert score == 0.5
    assert answered.before(check_pointing([(0.5, 0.5), (3, 3)], [1, 1], None, mask.shape)) is None


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
