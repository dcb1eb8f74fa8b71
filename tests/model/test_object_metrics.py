"""Objects found and counted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.analysis.object_metrics import ObjectTally, overlaps_of


def strips(*edges, width=40):
    """A row of objects between edges, numbered 5, 6, ..."""
    numbers = np.zeros((4, width), np.int64)
    for number, (first, last) in enumerate(edges, 5):
        numbers[:, first:last] = number
    return numbers


def test_the_same_objects_with_other_numbers_are_all_found():
    tally = ObjectTally()
    truth = strips((0, 10), (12, 20))
    tally.add(truth, np.where(truth == 5, 900, np.where(truth == 6, 3, 0)))
    assert tally.f1(0.5) == tally.f1(0.75) == 1.0
    assert tally.count_off == 0


def test_what_is_roughly_there_is_found_at_the_lower_bar_only():
    tally = ObjectTally()
    tally.add(strips((0, 10)), strips((0, 6)))
    assert (tally.f1(0.5), tally.f1(0.75)) == (1.0, 0.0)


def test_joined_and_split_objects_cost_and_errors_of_counts_do_not_cancel():
    tally = ObjectTally()
    tally.add(strips((0, 10), (10, 20)), strips((0, 20)))
    tally.add(strips((0, 20)), strips((0, 10), (10, 20)))
    assert tally.f1(0.5) == 0.0
    assert tally.count_off == pytest.approx(2 / 3)


def test_nothing_has_no_score():
    tally = ObjectTally()
    tally.add(np.zeros((3, 3), np.int32), np.zeros((3, 3), np.int32))
    assert math.isnan(tally.f1(0.5))
    assert math.isnan(tally.count_off)
    with pytest.raises(ValueError, match="truth is"):
        overlaps_of(np.zeros((3, 3), np.int32), np.zeros((3, 4), np.int32))


def test_tallies_of_processes_add_up():
    one, other = ObjectTally(), ObjectTally()
    one.add(strips((0, 10)), strips((0, 10)))
    other.add(strips((0, 10)), strips())
    one += other
    assert (one.true, one.predicted, one.off, one.found[0.5]) == (2, 1, 1, 1)
