"""How well objects were found: average precision and panoptic quality. NumPy only.

*Average precision* as COCO has it (Lin and others, "Microsoft COCO", 2014, arXiv:1405.0312, and its evaluation
code): predicted objects, the surest first over all images, are matched one to one with true ones of their class that
they overlap by at least t; precision is made monotonous and averaged at recalls 0, 0.01, ..., 1:

    AP_t = (1 / 101) * sum over r in {0, 0.01, ..., 1} of max over r' >= r of precision(r')

AP is the mean of AP_t over t = 0.5, 0.55, ..., 0.95.

*Panoptic quality* (Kirillov and others, "Panoptic Segmentation", 2019, arXiv:1801.00868): segments that overlap by
more than half are matches (there can be but one), and with TP matches, FP predicted and FN true segments without one

    PQ = SQ * RQ,   SQ = sum of IoU of the matches / TP,   RQ = TP / (TP + FP / 2 + FN / 2)

A thing is an object; of a class of stuff all pixels of an image are one segment. Pixels that are not labelled count
nowhere; a predicted segment that lies on them by more than half is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.analysis.metrics import UNLABELLED

THRESHOLDS: Final = tuple(np.linspace(0.5, 0.95, 10).round(2).tolist())
"""Overlaps at which average precision is worked out."""

RECALLS: Final = np.linspace(0, 1, 101)
MATCH: Final = 0.5
"""Overlap above which segments match for panoptic quality."""

Real = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NumberedLabels:
    """The objects of one image.

    Attributes:
        labels: class ids, uint8 [H, W]; `UNLABELLED` where nothing is known.
        instances: object numbers, any whole numbers [H, W], 0 for none.
        scores: how sure each pixel is, [H, W], of any scale; None: all alike. An object is as sure as the mean of its
            pixels.
    """

    labels: NDArray[np.uint8]
    instances: NDArray[np.unsignedinteger]
    scores: NDArray[np.generic] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatches:
    """What one image says of one class; images are put together by `average_precision` and `panoptic_quality`.

    Attributes:
        scores: of the predicted objects, [P], the surest first.
        is_hit: per threshold and predicted object, [T, P].
        is_counted: whether a predicted object without a match is wrong; one on pixels that nobody labelled is not,
            [P].
        num_true: objects that are there.
        iou_sum: of the segments that match.
        num_matches: TP.
        num_false: FP.
        num_missed: FN.
    """

    scores: Real
    is_hit: NDArray[np.bool_]
    is_counted: NDArray[np.bool_]
    num_true: int
    iou_sum: float
    num_matches: int
    num_false: int
    num_missed: int


@dataclass(frozen=True, slots=True)
class PanopticQuality:
    """Of a class; NaN where there is neither a true nor a predicted segment.

    Attributes:
        pq: panoptic quality, 0..1.
        sq: segmentation quality: mean IoU of the matches.
        rq: recognition quality: F1 of the matches.
    """

    pq: float
    sq: float
    rq: float


def matches(
    truth: NumberedLabels, predicted: NumberedLabels, num_classes: int, things: frozenset[int]
) -> list[ClassMatches]:
    """Compare an image, class by class.

    Args:
        truth: what is there.
        predicted: what was found.
        num_classes: C.
        things: classes that are counted; all others are stuff.

    Raises:
        ValueError: the shapes differ.
    """
    if truth.labels.shape != predicted.labels.shape:
        raise ValueError(f"truth is {truth.labels.shape} and prediction {predicted.labels.shape}")
    is_known = truth.labels != UNLABELLED
    return [_of_class(truth, predicted, is_known, k, is_thing=k in things) for k in range(num_classes)]


def average_precision(found: Sequence[ClassMatches]) -> Real:
    """AP_t of one class over all images, [T]; NaN where there is no true object.

    Args:
        found: of each image.
    """
    num_true = sum(each.num_true for each in found)
    if not num_true:
        return np.full(len(THRESHOLDS), np.nan)
    scores = np.concatenate([each.scores for each in found])
    hits = np.concatenate([each.is_hit for each in found], axis=1)
    counted = np.concatenate([each.is_counted for each in found])
    order = np.argsort(-scores, kind="mergesort")
    return np.array([_precision_at(hit[order], counted[order], num_true) for hit in hits])


def panoptic_quality(found: Sequence[ClassMatches]) -> PanopticQuality:
    """Of one class over all images."""
    true = sum(each.num_matches for each in found)
    wrong = sum(each.num_false for each in found) + sum(each.num_missed for each in found)
    if not true and not wrong:
        return PanopticQuality(np.nan, np.nan, np.nan)
    quality = sum(each.iou_sum for each in found) / true if true else 0.0
    recognised = true / (true + wrong / 2)
    return PanopticQuality(quality * recognised, quality, recognised)


def _precision_at(is_hit: NDArray[np.bool_], is_counted: NDArray[np.bool_], num_true: int) -> float:
    """Mean of the highest precision at or beyond each recall."""
    right = np.cumsum(is_hit)
    wrong = np.cumsum(~is_hit & is_counted)
    recall = right / num_true
    precision = right / np.maximum(right + wrong, np.finfo(float).eps)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(highest, 0.0)[np.minimum(places, len(highest))].mean())


def _of_class(
    truth: NumberedLabels,
    predicted: NumberedLabels,
    is_known: NDArray[np.bool_],
    class_id: int,
    *,
    is_thing: bool,
) -> ClassMatches:
    areas = truth.labels == class_id, predicted.labels == class_id
    if not areas[0].any() and not areas[1].any():
        return _matched(np.zeros((0, 0)), np.zeros(0), np.zeros(0, bool))
    true = _numbered(areas[0], truth.instances, is_thing=is_thing)
    guessed = _numbered(areas[1], predicted.instances, is_thing=is_thing)
    num_true, num_guessed = int(true.max(initial=0)), int(guessed.max(initial=0))
    sizes = np.bincount(guessed.ravel(), minlength=num_guessed + 1)[1:]
    pairs = true[is_known] * (num_guessed + 1) + guessed[is_known]
    shared = np.bincount(pairs, minlength=(num_true + 1) * (num_guessed + 1))
    shared = shared.reshape(num_true + 1, num_guessed + 1)
    seen = shared[:, 1:].sum(0)  # pixels of each guess that are labelled, [P]
    true_sizes = shared[1:].sum(1)  # [G]
    union = true_sizes[:, None] + seen[None] - shared[1:, 1:]
    iou = shared[1:, 1:] / np.maximum(union, 1)  # [G, P]
    is_counted = seen >= MATCH * sizes
    return _matched(iou, _scores_of(guessed, num_guessed, predicted.scores), is_counted)


def _matched(iou: Real, scores: Real, is_counted: NDArray[np.bool_]) -> ClassMatches:
    """Matches out of the overlaps [G, P] of true and guessed segments."""
    order = np.argsort(-scores, kind="mergesort")
    hits = np.array([_greedy(iou[:, order], threshold) for threshold in THRESHOLDS])
    best = iou > MATCH
    is_matched = best.any(0)
    return ClassMatches(
        scores=scores[order],
        is_hit=hits.reshape(len(THRESHOLDS), len(order)),
        is_counted=is_counted[order],
        num_true=iou.shape[0],
        iou_sum=float(iou[best].sum()),
        num_matches=int(is_matched.sum()),
        num_false=int((~is_matched & is_counted).sum()),
        num_missed=int((~best.any(1)).sum()),
    )


def _greedy(iou: Real, threshold: float) -> NDArray[np.bool_]:
    """Which guesses, the surest first, find a true object that is still free and overlaps by that much, [P]."""
    hits = np.zeros(iou.shape[1], bool)
    if not iou.shape[0]:
        return hits
    is_free = np.ones(iou.shape[0], bool)
    for guess in np.flatnonzero(iou.max(0) >= threshold).tolist():
        overlaps = np.where(is_free, iou[:, guess], -1.0)
        best = int(overlaps.argmax())
        if overlaps[best] >= threshold:
            hits[guess], is_free[best] = True, False
    return hits


def _numbered(
    area: NDArray[np.bool_], instances: NDArray[np.unsignedinteger], *, is_thing: bool
) -> NDArray[np.int64]:
    """NumberedLabels of a class, numbered from 1 without gaps, int64 [H, W]: its objects, or all of it."""
    if not is_thing:
        return area.astype(np.int64)
    inside = np.where(area, instances, 0)
    known, index = np.unique(inside, return_inverse=True)
    return index.reshape(area.shape).astype(np.int64) + (0 if 0 in known else 1)


def _scores_of(guessed: NDArray[np.int64], count: int, scores: NDArray[np.generic] | None) -> Real:
    """Mean score of the pixels of each segment, [P]."""
    if scores is None:
        return np.ones(count)
    totals = np.bincount(guessed.ravel(), weights=scores.astype(np.float64).ravel(), minlength=count + 1)
    sizes = np.bincount(guessed.ravel(), minlength=count + 1)
    return totals[1:] / np.maximum(sizes[1:], 1)
