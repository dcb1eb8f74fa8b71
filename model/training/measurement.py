"""How well a network does on held-out pixels while it learns: its classes, and the objects that it tells apart."""

from __future__ import annotations

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

MOST_FOR_FIRST: Final = 0.15
"""Share of the time for the first measurement; images that it does not reach are measured by none."""


class Measurement:
    """Confusion of classes on held-out pixels; every time on those of the first time.

    Args:
        pictures: of the run.
        config: of the run.
        site: of the run.

    Attributes:
        cost: share of the clock that it takes; 0 before the first.
        images: how many were measured, of all processes; 0 before the first.
        quality: panoptic quality of the last time, mean of the classes that occur; NaN where no objects are learned.
    """

    def __init__(self, pictures: list[LabelledWindow], config: FineTuneConfig, site: Site) -> None:
        self.cost, self.images, self.quality = 0.0, 0, float("nan")
        self._pictures = [p for p in pictures if bool((p.held != IGNORED).any())]
        self._num_classes, self._site = config.num_classes, site

    @torch.no_grad()
    def confusion(self, network: nn.Module, clock: TrainingClock) -> NDArray[np.int64]:
        """Pixel counts [C, C] (see `model.analysis.metrics.confusion_matrix`) over all processes."""
        network.eval()
        begun, measured = clock.spent, 0
        counts = np.zeros((self._num_classes,) * 2, np.int64)
        segments = np.zeros((self._num_classes, 4))
        for picture in self._pictures:
            if measured and not self.images and clock.spent - begun > MOST_FOR_FIRST * clock.seconds:
                break
            image = picture.image[None].to(self._site.choice.device)
            guess = self._guess(network, image)
            counts += confusion_matrix(picture.held.numpy(), guess.labels, self._num_classes)
            if guess.instances is not None:
                segments += _segments(picture, guess, self._num_classes, network)
            measured += 1
        self._pictures = self._pictures[:measured]
        own = [len({p.sample for p in self._pictures}), (clock.spent - begun) / clock.seconds]
        images, cost = self._site.processes.total(torch.tensor(own), self._site.choice.device).tolist()
        self.images, self.cost = round(images), cost / self._site.processes.size
        total = self._site.processes.total(torch.from_numpy(counts), self._site.choice.device)
        every = self._site.processes.total(torch.from_numpy(segments), self._site.choice.device).cpu().numpy()
        self.quality = _panoptic_quality(np.asarray(every))
        return np.asarray(total.cpu().numpy())

    def _guess(self, network: Any, image: torch.Tensor) -> ClassPrediction:
        """Classes of an image [1, 3, H, W], and its objects where they are learned."""
        if not (isinstance(network, ObjectNetwork) and network.things):
            labels = self._site.logits(network, image)[0].argmax(0).to(torch.uint8).cpu().numpy()
            return ClassPrediction(labels, labels)
        with self._site.autocast():
            encoding = network.encode(image)
            labels = network.classify(encoding).logits[0].argmax(0).to(torch.uint8).cpu().numpy()
            numbers, classes = (each.cpu().numpy() for each in network.numbers(encoding))
        settled = numbers_by_class(labels, numbers.astype(np.uint32), classes, network.things)
        labels = without_specks(labels, settled, network.smallest)
        return ClassPrediction(labels, labels, instances=settled)


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
