"""What `PlainTuning` does to a network again and again: one step of learning, one measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model.analysis.detection import NumberedLabels, matches
from model.analysis.metrics import confusion_matrix
from model.networks.randomness import own_randomness, seed_for
from model.prediction.device import DeviceChoice, free_cached_memory, is_out_of_memory
from model.prediction.objects import settled_numbers, without_specks
from model.prediction.outputs import ClassPrediction
from model.training.clock import Average, Budget, rate_at
from model.training.distributed import Team
from model.training.object_loss import loss_with_objects
from model.training.objective import Objective
from model.training.optimisers import Groups, make_optimiser, rate_factor
from model.training.session import MAX_GRADIENT, DivergedError
from model.training.squares import Squares
from model.training.types import IGNORED, FineTuneConfig
from model.training.views import Picture
from model.zoo.encoders import encoders_in
from model.zoo.objects import ObjectNetwork

BATCH: Final = 2
"""Squares of a step: in so little time, steps are worth more than steady gradients."""

RATE: Final = 1e-3

ENCODER_SHARE: Final = 0.3
"""Of the rate, for a pretrained encoder: it knows more than a few pictures can tell it."""

MOST_FOR_FIRST: Final = 0.15
"""Share of the time for the first measurement; images that it does not reach are measured by none."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run takes place, and with which other processes."""

    choice: DeviceChoice
    team: Team

    def autocast(self) -> torch.autocast:
        """Compute in the number format of the device."""
        dtype = self.choice.dtype
        return torch.autocast(self.choice.device.type, dtype=dtype, enabled=dtype != torch.float32)

    def logits(self, network: Any, images: torch.Tensor) -> torch.Tensor:
        """Class logits [B, C, H, W] of images [B, 3, H, W] in 0..1."""
        encode = network.encode_for_classes if isinstance(network, ObjectNetwork) else network.encode
        with self.autocast():
            logits: torch.Tensor = network.classify(encode(images)).logits
        return logits


class Learner:
    """A network, its optimiser, and the average of its weights.

    Args:
        network: that learns, on the device of ``site``.
        squares: what it learns from.
        objective: of the classes.
        config: of the run.
        site: of the run.
    """

    def __init__(
        self, network: nn.Module, squares: Squares, objective: Objective, config: FineTuneConfig, site: Site
    ) -> None:
        self._network, self._squares, self._objective = network, squares, objective
        self._seed, self._site = config.seed, site
        named = dict(network.requires_grad_(True).named_parameters())
        self._parameters = list(named.values())
        rate = (config.learning_rate or RATE) * rate_factor(config.optimiser)
        groups = _groups(network, rate)
        self._rates = [rate for rate, _ in groups]
        self._optimiser = make_optimiser(config.optimiser, groups)
        self._batch = BATCH
        self.average = Average(named)

    def step(self, number: int, clock: Budget, end: float) -> float:
        """One step; its loss.

        Args:
            number: of the step; what layers draw follows from it.
            clock: of the run.
            end: share of the clock at which learning ends.

        Raises:
            DivergedError: loss or gradient are no numbers; the weights are as before.
        """
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * rate_at(clock.fraction / end)
        self._network.train()
        team = self._site.team
        what = f"layers {number} {team.rank}"
        with own_randomness(seed_for(what, self._seed), self._site.choice.device):
            loss = self._gradient()
        self._network.eval()
        loss = team.average(self._parameters, loss, clock)
        learned = [p for p in self._parameters if p.grad is not None]
        norm = float(nn.utils.clip_grad_norm_(learned, MAX_GRADIENT))
        if not (abs(loss) < float("inf") and norm < float("inf")):
            raise DivergedError(
                "Training left the range of numbers.",
                action="The last good weights are used; try a smaller rate.",
            )
        self._optimiser.step()
        self.average.update()
        return loss

    def _gradient(self) -> float:
        """The loss of a batch, which is halved where memory ends; its gradient is left in the parameters."""
        while True:
            self._optimiser.zero_grad(set_to_none=True)
            try:
                loss = self._loss()
                loss.backward()  # type: ignore[no-untyped-call]
                return float(loss.detach())
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self._batch == 1:
                    raise
            self._batch //= 2
            free_cached_memory(self._site.choice.device)

    def _loss(self) -> torch.Tensor:
        """The loss of a batch."""
        device = self._site.choice.device
        if isinstance(self._network, ObjectNetwork) and self._network.regions is not None:
            squares = [self._squares.square() for _ in range(self._batch)]
            with self._site.autocast():
                return loss_with_objects(
                    self._network, self._network.regions, squares, self._objective, device
                )
        images, labels = (each.to(device) for each in self._squares.batch(self._batch))
        return self._objective(self._site.logits(self._network, images), labels)


def _groups(network: nn.Module, rate: float) -> Groups:
    """All parameters with their rates; those of a pretrained encoder with a lower one."""
    slow = {id(parameter) for encoder in encoders_in(network) for parameter in encoder.parameters()}
    parts: tuple[dict[str, nn.Parameter], dict[str, nn.Parameter]] = ({}, {})
    for name, parameter in network.named_parameters():
        parts[id(parameter) in slow][name] = parameter
    return [(rate, parts[0]), *([(rate * ENCODER_SHARE, parts[1])] if parts[1] else [])]


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

    def __init__(self, pictures: list[Picture], config: FineTuneConfig, site: Site) -> None:
        self.cost, self.images, self.quality = 0.0, 0, float("nan")
        self._pictures = [p for p in pictures if bool((p.held != IGNORED).any())]
        self._num_classes, self._site = config.num_classes, site

    @torch.no_grad()
    def confusion(self, network: nn.Module, clock: Budget) -> NDArray[np.int64]:
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
        images, cost = self._site.team.total(torch.tensor(own), self._site.choice.device).tolist()
        self.images, self.cost = round(images), cost / self._site.team.size
        total = self._site.team.total(torch.from_numpy(counts), self._site.choice.device)
        every = self._site.team.total(torch.from_numpy(segments), self._site.choice.device).cpu().numpy()
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
        settled = settled_numbers(labels, numbers.astype(np.uint32), classes, network.things)
        labels = without_specks(labels, settled, network.smallest)
        return ClassPrediction(labels, labels, instances=settled)


def _segments(
    picture: Picture, guess: ClassPrediction, num_classes: int, network: Any
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
