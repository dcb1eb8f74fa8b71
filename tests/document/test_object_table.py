"""The table of objects against a plain count, over random edits and their undo."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.masks.object_table import ObjectTable, TableUpdate, object_table, updated_table
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Rect

SHAPE = 60, 80


def whole_table(layer: MaskLayer) -> ObjectTable:
    numbers = layer.instances if layer.has_instances else None
    return object_table(layer.labels, layer.provenance, numbers, at=Rect.whole(SHAPE), width=SHAPE[1])


def plain_count(layer: MaskLayer) -> dict[tuple[int, int, int], tuple[int, int, int, int]]:
    """(first row, first column, pixels) of every object, with its box, found one by one."""
    labels, numbers = layer.labels, layer.instances
    is_thing = (labels != BACKGROUND) & (labels != UNLABELLED)
    areas = [is_thing & (numbers == number) for number in np.unique(numbers[is_thing & (numbers > 0)])]
    for class_id in np.unique(labels[is_thing & (numbers == 0)]):
        parts, count = ndimage.label((labels == class_id) & (numbers == 0))
        areas += [parts == part for part in range(1, count + 1)]
    found = {}
    for area in areas:
        rect, first = Rect.around(area), int(np.flatnonzero(area)[0])
        found[first // SHAPE[1], first % SHAPE[1], int(area.sum())] = (
            rect.row0,
            rect.col0,
            rect.row1,
            rect.col1,
        )
    return found


def as_count(table: ObjectTable) -> dict[tuple[int, int, int], tuple[int, ...]]:
    return {
        (*table.pixel(row), int(table.areas[row])): tuple(int(each) for each in table.boxes[row])
        for row in range(len(table))
    }


def random_edit(layer: MaskLayer, chance: np.random.Generator) -> Rect:
    row, col = int(chance.integers(0, 55)), int(chance.integers(0, 75))
    rect = Rect(row, col, row + int(chance.integers(1, 25)), col + int(chance.integers(1, 25))).clipped(SHAPE)
    where = chance.random(rect.shape) < chance.choice([0.3, 1.0])
    label = int(chance.choice([BACKGROUND, UNLABELLED, 1, 1, 2]))
    number = None if chance.random() < 0.4 else int(chance.choice([0, 1, 2, 7, 4_000_000_000]))
    if label in (BACKGROUND, UNLABELLED):
        number = 0
    layer.write(rect, where, label, int(chance.integers(0, 4)), number)
    return rect


@pytest.mark.parametrize("seed", range(12))
def test_a_table_kept_up_to_date_is_that_of_a_plain_count(seed: int) -> None:
    chance, layer = np.random.default_rng(seed), MaskLayer(SHAPE)
    table, earlier = whole_table(layer), []
    for _ in range(30):
        if earlier and chance.random() < 0.3:
            arrays, rect = earlier.pop()
            layer.replace(*arrays)
        else:
            numbers = layer.instances.copy() if layer.has_instances else None
            arrays = layer.labels.copy(), layer.provenance.copy(), numbers
            rect = random_edit(layer, chance)
            earlier.append((arrays, rect))
        numbers = layer.instances if layer.has_instances else None
        update = TableUpdate.of(table, layer.labels, numbers, rect)
        table = updated_table(table, update, layer.labels, layer.provenance, numbers)
        assert as_count(table) == plain_count(layer)
        fresh = whole_table(layer)
        for name in ("keys", "classes", "areas", "boxes", "pixels", "sources"):
            assert (getattr(table, name) == getattr(fresh, name)).all(), name


def test_what_most_pixels_say_is_the_source_and_counts_are_by_class() -> None:
    layer = MaskLayer(SHAPE)
    layer.write(Rect(0, 0, 4, 4), np.ones((4, 4), np.bool_), 1, 2, 5)
    layer.write(Rect(0, 0, 1, 4), np.ones((1, 4), np.bool_), 1, 3, 5)
    layer.write(Rect(10, 10, 12, 12), np.ones((2, 2), np.bool_), 2, 1)
    table = whole_table(layer)
    assert table.keys.tolist() == [-1 - (10 * SHAPE[1] + 10), 5]
    assert table.sources.tolist() == [1, 2]
    assert table.counts() == {1: 1, 2: 1}
    assert table.row_of(5) == 1
    assert table.row_of(6) is None
