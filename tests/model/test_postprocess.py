"""Masks agree with every click and hold no part that nobody pointed at."""

import numpy as np
import pytest

from model.prediction.inputs import check_pointing
from model.prediction.postprocess import clean_mask


def two_parts():
    mask = np.zeros((40, 60), bool)
    mask[5:15, 5:15] = True
    mask[20:35, 30:50] = True
    return mask


def pointing(points=(), labels=(), box=None):
    return check_pointing(list(points), list(labels), box, (40, 60))


def test_only_parts_with_a_positive_click_stay():
    expected = two_parts()
    expected[20:] = False
    assert np.array_equal(clean_mask(two_parts(), pointing([(7.5, 7.5)], [1])), expected)
    both = pointing([(7.5, 7.5), (40.5, 30.5)], [1, 1])
    assert np.array_equal(clean_mask(two_parts(), both), two_parts())


def test_a_box_keeps_what_it_meets():
    expected = two_parts()
    expected[:20] = False
    assert np.array_equal(clean_mask(two_parts(), pointing(box=(45, 30, 59, 39))), expected)
    assert not clean_mask(two_parts(), pointing(box=(0, 36, 20, 40))).any()


def test_without_anything_all_stays():
    assert np.array_equal(clean_mask(two_parts(), pointing()), two_parts())
    assert np.array_equal(clean_mask(two_parts(), pointing([(1.5, 1.5)], [0])), two_parts())


def test_a_contradicted_click_gets_a_small_disk():
    mask = clean_mask(two_parts(), pointing([(7.5, 7.5), (20.5, 37.5), (10.5, 10.5)], [1, 1, 0]))
    assert mask[37, 20]
    assert mask[37, 21]
    assert not mask[10, 10]
    assert mask[7, 7]
    assert 1 < mask[36:, :25].sum() < 12


def test_neighbouring_clicks_of_both_signs_agree():
    mask = clean_mask(np.zeros((40, 60), bool), pointing([(20.5, 20.5), (21.5, 20.5)], [1, 0]))
    assert mask[20, 20]
    assert not mask[20, 21]


@pytest.mark.parametrize("corner", [(0, 0), (60, 40), (60, 0), (0, 40)])
def test_clicks_on_the_very_border_count_for_the_last_pixel(corner):
    mask = clean_mask(np.zeros((40, 60), bool), pointing([corner], [1]))
    assert mask[min(corner[1], 39), min(corner[0], 59)]


def test_the_mask_given_is_not_changed():
    mask = two_parts()
    clean_mask(mask, pointing([(40.5, 30.5), (8.5, 8.5)], [1, 0]))
    assert np.array_equal(mask, two_parts())
