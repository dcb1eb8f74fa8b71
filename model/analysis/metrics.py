"""How good a segmentation is: everything is counted from one confusion matrix. NumPy only.

The convention, the same wherever a mean IoU is shown or decides something: *the mean goes over the classes that
are labelled in what is measured*. A class of which no pixel is labelled cannot be found there, so it has no IoU;
pixels that are taken for it all the same are missing from the classes that they belong to, and count there.
Pixels of several images are added up before anything is divided.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

UNLABELLED: Final = 255


def confusion_matrix(
    truth: NDArray[np.uint8], predicted: NDArray[np.uint8], num_classes: int, *, ignore: int = UNLABELLED
) -> NDArray[np.int64]:
    """Pixel counts [C, C]: rows are the true class, columns the predicted one.

    Args:
        truth: class ids of any shape; pixels equal to ``ignore`` are left out.
        predicted: class ids of the same shape.
        num_classes: C.
        ignore: the id that means "not labelled".

    Raises:
        ValueError: the shapes differ, or there is another class id.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"truth is {truth.shape} and prediction {predicted.shape}")
    counted = truth != ignore
    rows, cols = truth[counted].astype(np.int64), predicted[counted].astype(np.int64)
    if rows.size and max(int(rows.max()), int(cols.max())) >= num_classes:
        raise ValueError(f"there are class ids of {num_classes} and above")
    pairs = np.bincount(rows * num_classes + cols, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def is_labelled(confusion: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Per class [C], whether any pixel of what was measured is labelled so."""
    return np.asarray(confusion.sum(1) > 0)


def iou_per_class(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union [C], 0..1; NaN for classes of which no pixel is labelled."""
    hit = np.diag(confusion).astype(np.float64)
    union = confusion.sum(0) + confusion.sum(1) - hit
    return np.asarray(np.divide(hit, union, out=np.full(len(hit), np.nan), where=is_labelled(confusion)))


def dice_per_class(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Dice coefficient [C], 0..1; NaN for classes of which no pixel is labelled."""
    hit = np.diag(confusion).astype(np.float64)
    total = (confusion.sum(0) + confusion.sum(1)).astype(np.float64)
    return np.asarray(np.divide(2 * hit, total, out=np.full(len(hit), np.nan), where=is_labelled(confusion)))


def mean_iou(confusion: NDArray[np.int64]) -> float:
    """Mean of `iou_per_class` over the classes that are labelled, 0..1; NaN where none is."""
    ious = iou_per_class(confusion)
    return float(np.nanmean(ious)) if not np.isnan(ious).all() else float("nan")


def pixel_accuracy(confusion: NDArray[np.int64]) -> float:
    """Share of labelled pixels that are right; NaN where none is labelled."""
    total = int(confusion.sum())
    return float(np.trace(confusion)) / total if total else float("nan")


def mask_iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
