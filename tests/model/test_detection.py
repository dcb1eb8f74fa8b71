"""Average precision is COCO's, panoptic quality that of its paper; what nobody labelled counts nowhere."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from model.analysis.detection import (
    THRESHOLDS,
    NumberedLabels,
    average_precision,
    matches,
    panoptic_quality,
)


def scene(rng, count=12, size=96, classes=3):
    """Disks of random classes: labels, numbers."""
    labels, numbers = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint32)
    rows, cols = np.mgrid[:size, :size]
    for number in range(1, count + 1):
        y, x, radius = rng.integers(0, size), rng.integers(0, size), rng.integers(3, 14)
        inside = (rows - y) ** 2 + (cols - x) ** 2 < radius**2
        labels[inside], numbers[inside] = rng.integers(1, classes), number * 7
    return labels, numbers


def disturbed(rng, labels, numbers):
    """Shifted, some objects missing, some of another class, with scores."""
    shift = tuple(int(each) for each in rng.integers(-3, 4, 2))
    labels, numbers = np.roll(labels, shift, (0, 1)).copy(), np.roll(numbers, shift, (0, 1)).copy()
    scores = np.zeros(labels.shape)
    for number in np.unique(numbers[numbers > 0]).tolist():
        inside = numbers == number
        scores[inside] = rng.random()
        if rng.random() < 0.2:
            labels[inside], numbers[inside] = 0, 0
        elif rng.random() < 0.2:
            labels[inside] = 3 - labels[inside]
    return labels, numbers, scores


def coco_stats(truths, guesses, num_classes):
    """AP at each threshold and class by pycocotools, [T, K]."""
    images = [
        {"id": index, "height": t[0].shape[0], "width": t[0].shape[1]} for index, t in enumerate(truths)
    ]
    annotations, results = [], []
    for index, (true, guess) in enumerate(zip(truths, guesses, strict=True)):
        for number in np.unique(true[1][true[1] > 0]).tolist():
            for class_id in np.unique(true[0][true[1] == number]).tolist():
                mask = (true[1] == number) & (true[0] == class_id)
                rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
                entry = {"id": len(annotations) + 1, "image_id": index, "category_id": class_id}
                annotations.append(
                    {
                        **entry,
                        "segmentation": rle,
                        "area": int(mask.sum()),
                        "iscrowd": 0,
                        "bbox": [0, 0, 1, 1],
                    }
                )
        for number in np.unique(guess[1][guess[1] > 0]).tolist():
            for class_id in np.unique(guess[0][guess[1] == number]).tolist():
                mask = (guess[1] == number) & (guess[0] == class_id)
                rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
                score = float(guess[2][mask].mean())
                results.append(
                    {"image_id": index, "category_id": class_id, "segmentation": rle, "score": score}
                )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": k, "name": str(k)} for k in range(1, num_classes)],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [T, R, K]
    return np.where((precision > -1).all(1), precision.mean(1), np.nan)


@pytest.mark.parametrize("seed", range(6))
def test_average_precision_is_that_of_pycocotools(seed):
    rng = np.random.default_rng(seed)
    truths = [scene(rng) for _ in range(4)]
    guesses = [disturbed(rng, *each) for each in truths]
    things = frozenset({1, 2})
    found = [
        matches(NumberedLabels(*true), NumberedLabels(*guess), 3, things)
        for true, guess in zip(truths, guesses, strict=True)
    ]
    ours = np.stack([average_precision([each[k] for each in found]) for k in (1, 2)], axis=1)
    expected = coco_stats(truths, guesses, 3)
    assert 0 < np.nanmean(expected) < 1
    assert ours == pytest.approx(expected, abs=1e-9)


def test_panoptic_quality_is_worked_out_by_hand():
    labels = np.zeros((10, 20), np.uint8)
    numbers = np.zeros((10, 20), np.uint32)
    labels[0:4, 0:4], numbers[0:4, 0:4] = 1, 5  # found but for a row
    labels[6:10, 0:4], numbers[6:10, 0:4] = 1, 6  # missed
    guess_labels, guess_numbers = np.zeros_like(labels), np.zeros_like(numbers)
    guess_labels[0:3, 0:4], guess_numbers[0:3, 0:4] = 1, 1
    guess_labels[0:2, 10:12], guess_numbers[0:2, 10:12] = 1, 2  # there is nothing
    found = matches(
        NumberedLabels(labels, numbers), NumberedLabels(guess_labels, guess_numbers), 2, frozenset({1})
    )
    quality = panoptic_quality([found[1]])
    assert (quality.sq, quality.rq) == pytest.approx((0.75, 1 / (1 + 0.5 + 0.5)))
    assert quality.pq == pytest.approx(0.375)
    background = panoptic_quality([found[0]])  # stuff: one segment of the image
    assert background.rq == 1
    both, true, guessed = 164, 200 - 32, 200 - 16
    assert background.pq == pytest.approx(both / (true + guessed - both))


def test_what_nobody_labelled_is_neither_right_nor_wrong():
    labels = np.full((8, 16), 255, np.uint8)
    labels[:, :8] = 0
    labels[0:4, 0:4] = 1
    numbers = (labels == 1).astype(np.uint32)
    guess = np.zeros_like(numbers)
    guess[0:4, 0:4], guess[4:8, 10:14] = 1, 2  # the second one lies on what is not labelled
    scores = np.where(guess == 2, 1.0, 0.5)
    predicted = NumberedLabels((guess > 0).astype(np.uint8), guess, scores)
    (_, found) = matches(NumberedLabels(labels, numbers), predicted, 2, frozenset({1}))
    assert average_precision([found]) == pytest.approx(np.ones(len(THRESHOLDS)))
    assert panoptic_quality([found]).pq == 1


def test_classes_that_are_nowhere_have_no_figure():
    empty = np.zeros((4, 4), np.uint8)
    nothing = NumberedLabels(empty, empty.astype(np.uint32))
    found = matches(nothing, nothing, 3, frozenset({1}))
    assert np.isnan(average_precision([found[1]])).all()
    assert np.isnan(panoptic_quality([found[1]]).pq)
    assert np.isnan(panoptic_quality([found[2]]).pq)
    guess = NumberedLabels(empty + 1, (empty + 1).astype(np.uint32))
    wrong = matches(nothing, guess, 2, frozenset({1}))[1]
    assert panoptic_quality([wrong]).pq == 0  # found where there is none


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_truth_is_perfect_and_figures_are_shares(seed):
    rng = np.random.default_rng(seed)
    labels, numbers = scene(rng, count=6, size=40)
    labels[rng.random(labels.shape) < 0.1] = 255
    truth = NumberedLabels(labels, np.where(labels == 255, 0, numbers))
    for class_id in (1, 2):
        perfect = matches(truth, truth, 3, frozenset({1, 2}))[class_id]
        if perfect.num_true:
            assert average_precision([perfect]) == pytest.approx(np.ones(len(THRESHOLDS)))
            assert panoptic_quality([perfect]).pq == pytest.approx(1)
        other, other_numbers, scores = disturbed(rng, *scene(rng, count=6, size=40))
        found = matches(truth, NumberedLabels(other, other_numbers, scores), 3, frozenset({1, 2}))[class_id]
        values = [*average_precision([found]), panoptic_quality([found]).pq]
        assert all(np.isnan(value) or 0 <= value <= 1 for value in values)
        assert found.num_matches + found.num_missed == found.num_true
