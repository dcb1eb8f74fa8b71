"""How well a network does on held-out pixels while it learns: its classes, and the objects that it tells apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model.analysis.detection import NumberedLabels, matches
from model.analysis.metrics import confusion_matrix
from model.prediction.objects import numbers_by_class, without_specks
from model.prediction.outputs import ClassPrediction
from model.training.clock import TrainingClock
from model.training.learner import Site
from model.training.types import IGNORED, FineTuneConfig
from model.training.views import LabelledWindow
from model.zoo.objects import ObjectNetwork
from model.zoo.regions import LEAST_SCORE

SCORES_TRIED: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""How sure a network may have to be of an object to count it; the best of them on what was held back is kept."""

LEAST_GAIN: Final = 0.005
"""In panoptic quality, that is worth another score."""

MOST_FOR_FIRST: Final = 0.15
"""Share of the time for the first measurement; images that it does not reach are measured by none."""


class Measurement:
    """Confusion of classes on held-out pixels; every time on those of the first time.

    Where objects are learned, it also finds out how sure a network must be of an object to count it: with the score
    that gives the highest panoptic quality there are neither too many objects nor too few.

    Args:
        pictures: of the run.
        config: of the run.
        site: of the run.

    Attributes:
        cost: share of the clock that it takes; 0 before the first.
        images: how many were measured, of all processes; 0 before the first.
        quality: panoptic quality of the last time, mean of the classes that occur; NaN where no objects are learned.
        least_score: of an object, with which that was measured.
    """

    def __init__(self, pictures: list[LabelledWindow], config: FineTuneConfig, site: Site) -> None:
        self.cost, self.images, self.quality = 0.0, 0, float("nan")
        self.least_score = LEAST_SCORE
        self._pictures = [p for p in pictures if bool((p.held != IGNORED).any())]
        self._num_classes, self._site = config.num_classes, site

    @torch.no_grad()
    def confusion(
        self, network: nn.Module, clock: TrainingClock, *, is_choosing: bool = False
    ) -> NDArray[np.int64]:
        """Pixel counts [C, C] (see `model.analysis.metrics.confusion_matrix`) over all processes.

        Args:
            network: that is measured.
            clock: of the run.
            is_choosing: whether `least_score` may be another one than the network has.
        """
        network.eval()
        begun, measured = clock.spent, 0
        scores = _scores_for(network, is_choosing=is_choosing)
        counts = np.zeros((len(scores), self._num_classes, self._num_classes), np.int64)
        segments = np.zeros((len(scores), self._num_classes, 4))
        for picture in self._pictures:
            if measured and not self.images and clock.spent - begun > MOST_FOR_FIRST * clock.seconds:
                break
            image = picture.image[None].to(self._site.choice.device)
            for index, guess in enumerate(self._guesses(network, image, scores)):
                counts[index] += confusion_matrix(picture.held.numpy(), guess.labels, self._num_classes)
                segments[index] += _segments(picture, guess, self._num_classes, network)
            measured += 1
        self._pictures = self._pictures[:measured]
        own = [len({p.sample for p in self._pictures}), (clock.spent - begun) / clock.seconds]
        images, cost = self._site.processes.total(torch.tensor(own), self._site.choice.device).tolist()
        self.images, self.cost = round(images), cost / self._site.processes.size
        total = self._site.processes.total(torch.from_numpy(counts), self._site.choice.device)
        every = self._site.processes.total(torch.from_numpy(segments), self._site.choice.device).cpu().numpy()
        qualities = [_panoptic_quality(each) for each in np.asarray(every)]
        best = _best_index(qualities, scores)
        self.quality, self.least_score = qualities[best], scores[best]
        chosen: NDArray[np.int64] = np.asarray(total.cpu().numpy())[best]
        return chosen

    def _guesses(
        self, network: Any, image: torch.Tensor, scores: Sequence[float]
    ) -> Iterator[ClassPrediction]:
        """Classes of an image [1, 3, H, W], and its objects where they are learned, for each of the scores."""
        if not (isinstance(network, ObjectNetwork) and network.things):
            labels = self._site.logits(network, image)[0].argmax(0).to(torch.uint8).cpu().numpy()
            yield ClassPrediction(labels, labels)
            return
        with self._site.autocast():
            every = network.encode_from(image, min(scores))
        for score in scores:
            with self._site.autocast():
                encoding = network.surer(every, score)
                labels = network.classify(encoding).logits[0].argmax(0).to(torch.uint8).cpu().numpy()
                numbers, classes = (each.cpu().numpy() for each in network.numbers(encoding))
            settled = numbers_by_class(labels, numbers.astype(np.uint32), classes, network.things)
            labels = without_specks(labels, settled, network.smallest)
            yield ClassPrediction(labels, labels, instances=settled)


def _scores_for(network: nn.Module, *, is_choosing: bool) -> tuple[float, ...]:
    """Scores of an object that a measurement tries."""
    if not (isinstance(network, ObjectNetwork) and network.things):
        return (LEAST_SCORE,)
    return SCORES_TRIED if is_choosing else (network.least_score,)


def _best_index(qualities: Sequence[float], scores: Sequence[float]) -> int:
    """Index of the score with the highest quality; the usual one where no other is better by enough."""
    usual = min(range(len(scores)), key=lambda index: abs(scores[index] - LEAST_SCORE))
    best = max(range(len(scores)), key=lambda index: (np.nan_to_num(qualities[index], nan=-1.0), -index))
    return best if qualities[best] > qualities[usual] + LEAST_GAIN else usual


def _segments(
    picture: LabelledWindow, guess: ClassPrediction, num_classes: int, network: Any
) -> NDArray[np.float64]:
    """Sum of IoU, matches, false and missed segments of each class on held-out pixels, [C, 4]."""
    if picture.true_objects is None or guess.instances is None:
        return np.zeros((num_classes, 4))
    truth = NumberedLabels(picture.held.numpy(), picture.true_objects.numpy().astype(np.uint32))
    found = matches(truth, NumberedLabels(guess.labels, guess.instances), num_classes, network.things)
    return np.array([(m.iou_sum, m.num_matches, m.num_false, m.num_missed) for m in found])


def _panoptic_quality(segments: NDArray[np.float64]) -> float:
    """Mean over the classes that occur of sums of IoU, matches, false and missed segments [C, 4]; NaN for none."""
    iou_sum, right, false, missed = segments.T
    occurs = right + false + missed > 0
    if not occurs.any():
        return float("nan")
    return float((iou_sum[occurs] / (right + false / 2 + missed / 2)[occurs]).mean())
