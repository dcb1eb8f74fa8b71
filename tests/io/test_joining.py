"""Files with an object each become one mask."""

import numpy as np

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks.joining import joined_reading
from latentseg_gui.io.masks.values import ImportContext, ImportedMask

SHAPE = (20, 30)
CLASSES = ClassTable.from_names(("background", "cell", "nucleus"))


def part(class_id, rows, cols, unknown=None):
    def read(context):
        labels = np.zeros(SHAPE, np.uint8)
        if unknown is not None:
            labels[unknown] = UNLABELLED
        labels[rows, cols] = class_id
        return ImportedMask(labels, context.classes)

    return f"part {class_id}", read


def test_a_small_object_lies_over_a_large_one_whichever_file_comes_first():
    cell = part(1, slice(2, 18), slice(2, 28))
    nucleus = part(2, slice(8, 12), slice(10, 16))
    for order in ([cell, nucleus], [nucleus, cell]):
        mask = joined_reading(order)(ImportContext(SHAPE, CLASSES))
        assert (mask.labels[8:12, 10:16] == 2).all()
        assert (mask.labels == 2).sum() == 4 * 6
        assert (mask.labels == 1).sum() == 16 * 26 - 4 * 6
        assert len(np.unique(mask.instances)) == 3, "nothing, and two objects"


def test_what_one_file_does_not_know_another_one_may():
    unsure = part(1, slice(0, 4), slice(0, 4), unknown=np.s_[10:20, 10:20])
    sure = part(2, slice(12, 16), slice(12, 16))
    mask = joined_reading([unsure, sure])(ImportContext(SHAPE, CLASSES))
    assert (mask.labels[12:16, 12:16] == 2).all()
    assert mask.labels[10, 10] == UNLABELLED


def test_an_object_that_is_wholly_covered_is_told_of():
    mask = joined_reading([part(1, slice(2, 6), slice(2, 6)), part(2, slice(2, 6), slice(2, 6))])(
        ImportContext(SHAPE, CLASSES)
    )
    assert any(note.startswith("1 of these objects") for note in mask.notes)
