"""Metrics against their definitions on pictures small enough to count by hand."""

import math

import numpy as np
import pytest

from model.analysis.metrics import (
    confusion_matrix,
    dice_per_class,
    iou_per_class,
    mask_iou,
    mean_iou,
    pixel_accuracy,
)

TRUTH = np.array([[0, 0, 1], [1, 2, 255]], np.uint8)
PREDICTED = np.array([[0, 1, 1], [1, 0, 2]], np.uint8)


def test_counts_leave_out_what_is_not_labelled():
    matrix = confusion_matrix(TRUTH, PREDICTED, 4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert iou_per_class(matrix)[:3].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert math.isnan(iou_per_class(matrix)[3])
    assert dice_per_class(matrix)[:3].tolist() == pytest.approx([0.5, 0.8, 0])
    assert mean_iou(matrix) == pytest.approx(1 / 3)
    assert pixel_accuracy(matrix) == pytest.approx(3 / 5)


def test_nothing_labelled_is_not_zero_but_unknown():
    matrix = confusion_matrix(np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8), 2)
    assert matrix.sum() == 0
    assert math.isnan(mean_iou(matrix))
    assert math.isnan(pixel_accuracy(matrix))


def test_what_cannot_be_compared_raises():
    with pytest.raises(ValueError, match="class ids"):
        confusion_matrix(TRUTH, PREDICTED, 2)
    with pytest.raises(ValueError, match="prediction"):
        confusion_matrix(TRUTH, PREDICTED[:1], 3)


def test_masks():
    one, other = TRUTH == 0, PREDICTED == 0
    assert mask_iou(one, other) == pytest.approx(1 / 3)
    assert mask_iou(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1
