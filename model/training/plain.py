"""Learning for every network but the default one: squares of varied pictures, and all weights take part.

The default network learns on features that are kept; others have none, so a step is a whole pass. What decides
whether it was worth it is the same: pixels that were held back.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, cast

import numpy as np
import torch
from torch import nn

from model.analysis.metrics import is_labelled, mean_iou
from model.errors import ModelError
from model.networks.protocols import Teachable
from model.networks.randomness import own_randomness, seed_for
from model.prediction.device import choose_device, free_cached_memory, is_out_of_memory
from model.prediction.outputs import ClassPrediction
from model.training.clock import Clock, TrainingClock, are_finite
from model.training.coverage import coverage_remarks, divided
from model.training.crf_loss import is_sparse
from model.training.cross import describe, is_better, slack_of
from model.training.distributed import ProcessGroup
from model.training.learner import Learner, Site
from model.training.measurement import Measurement
from model.training.object_targets import (
    marked,
    smallest_of,
    things_for,
    with_object_numbers,
)
from model.training.objective import Objective, class_weights
from model.training.optimisers import warm_up
from model.training.orientation import are_upright, rows_of
from model.training.outcome import no_step
from model.training.session import DivergedError
from model.training.squares import Squares
from model.training.timed import TimedJob
from model.training.types import FineTuneConfig, LabelledImage, Progress, checked_samples
from model.training.views import class_counts, pictures_of, scarcity_of, shared
from model.zoo.objects import ObjectNetwork

NAN: Final = float("nan")
CHECKS: Final = (0.5, 0.75, 1.0)
"""Shares of the time to learn after which the network is measured; the best of them is handed out."""

LEARNING_SHARE: Final = 0.95
"""Of the whole time, at most; the rest is for the last measurement."""

MOST_FOR_CHECK: Final = 0.06
"""A measurement that takes more of the time than this is made at the middle and the end only."""


class PlainTuning(TimedJob):
    """A running job; see `model.training.finetune.FineTuning`, whose attributes it has.

    Args:
        network: a `Teachable`; it stays as it is.
        samples: images with labels.
        config: how. ``speed`` and ``parts`` are about the default network and have no effect here.
        store: has no effect: no features are kept.

    Raises:
        ModelError: samples or config make no sense, or it cannot be taught in this way.
    """

    def __init__(
        self,
        network: nn.Module,
        samples: Sequence[LabelledImage],
        config: FineTuneConfig,
        store: object = None,
    ) -> None:
        samples = checked_samples(samples, config)
        _refuse(network, config)
        warm_up()
        self.config = config
        self.metric_before = self.metric_after = self.loss = NAN
        self.note = ""
        self.remarks = coverage_remarks(samples)
        if config.parts != "auto":
            self.remarks.append(
                f'"{config.parts}" is a part of the latent-expert network; here everything learned.'
            )
        self.unmeasured: tuple[int, ...] = ()
        self.has_learned = False
        self.shown: ClassPrediction | None = None
        self.step = 0
        self._site = Site(choose_device(config.device), ProcessGroup())
        self.clock = Clock(config.seconds)
        self.network = _started(network, config, self._site.choice.device)
        samples = self._tell_apart(samples)
        division = divided(samples, config)
        self.held_cells, self.learned_cells = division.held_cells, division.learned_cells
        self._num_held, self._num_samples = division.num_held, len(samples)
        self.validated_on = describe(self._num_held, self._num_held)
        self.is_comparable = sum(each is not None for each in config.kept_of(_classes_of(network))) > 1
        pictures = [marked(each) for each in pictures_of(samples, division.held)]
        counts = class_counts(pictures, config.num_classes)
        self._weights = (counts > 0).float() if is_sparse(pictures) else class_weights(counts)
        self._pictures = shared(pictures, self._site.processes)
        self._squares = Squares(
            self._pictures,
            config,
            torch.Generator().manual_seed(config.seed + self._site.processes.rank),
            scarcity=scarcity_of(len(samples)),
            is_upright=are_upright([rows_of(each.labels) for each in samples]),
        )
        self._is_finishing = False
        self._best = NAN
        self._iterator = self._run()

    def _tell_apart(self, samples: list[LabelledImage]) -> list[LabelledImage]:
        """The samples as the network learns from them: with a number for every object, or with none."""
        things: frozenset[int] = frozenset()
        if isinstance(self.network, ObjectNetwork):
            things = things_for(self.network, samples)
            if things:
                with own_randomness(
                    seed_for("branch of objects", self.config.seed), self._site.choice.device
                ):
                    smallest = smallest_of(samples, things)
                    self.network = self.network.telling_apart(things, smallest)
            things = self.network.things
        return with_object_numbers(samples, things) if things else [replace(s, objects=None) for s in samples]

    @property
    def clock(self) -> TrainingClock:
        """The time budget; may be replaced before the first item."""
        return self._clock

    @clock.setter
    def clock(self, clock: TrainingClock) -> None:
        self._clock = self._site.processes.clock(clock)

    @property
    def is_better(self) -> bool:
        """Whether the new weights should take the place of the old ones."""
        return self.has_learned and is_better(self, slack_of(self.held_cells))

    def finish(self) -> None:
        """End at the next item with the best weights so far."""
        self._is_finishing = True

    def _run(self) -> Iterator[Progress]:
        try:
            for phase, metric in self._phases():
                yield self._progress(phase, metric)
        except DivergedError as error:
            self.note = f"{error.what} {error.action}"
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.note = "Memory ran out; the last good weights are used. Use fewer or smaller images."
        free_cached_memory(self._site.choice.device)
        if not (self.has_learned or self.note or self._is_finishing):
            raise no_step(self.clock.spent, self._num_samples)
        yield self._progress("done", self.metric_after)

    def _phases(self) -> Iterator[tuple[str, float]]:
        self._site.processes.agree(self.clock, self._site.choice.device)
        network = copy.deepcopy(self.network).to(self._site.choice.device)
        self._site.processes.align(network)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        measure = Measurement(self._pictures, self.config, self._site)
        if self.is_comparable:
            self.metric_before = self._measured(measure, network)
            yield "measuring", self.metric_before
        objective = Objective(self.config.loss, self._weights.to(self._site.choice.device))
        learner = Learner(network, self._squares, objective, self.config, self._site)
        for share in CHECKS:
            if share not in (CHECKS[0], CHECKS[-1]) and measure.cost > MOST_FOR_CHECK:
                continue
            yield from self._learn(learner, share, measure)
            if self.step:
                learner.average.swap()
                self._site.processes.align(
                    network
                )  # what layers have counted differs, as in batch normalisation
                yield "measuring", self._keep_if_better(measure, network)
                learner.average.swap()
            if self._is_finishing:
                return

    def _learn(self, learner: Learner, share: float, measure: Measurement) -> Iterator[tuple[str, float]]:
        """Steps, until a share of the time to learn is over."""
        whole = min(LEARNING_SHARE, max(CHECKS[0], 1 - measure.cost))
        while self.clock.fraction < share * whole and not self._is_finishing:
            self.loss = learner.step(self.step, self.clock, whole)
            self.step += 1
            yield "learning", NAN

    def _keep_if_better(self, measure: Measurement, network: nn.Module) -> float:
        """Make the present weights those of the job, if they are good and the best so far; their mean IoU.

        Where objects are learned, the best are those of the highest panoptic quality.
        """
        if not are_finite(network.state_dict().values()):
            return NAN
        metric = self._measured(measure, network, is_choosing=True)
        quality = metric if math.isnan(measure.quality) else measure.quality
        if math.isnan(quality) or math.isnan(self._best) or quality > self._best:
            self.metric_after, self._best = metric, quality
            self.network = copy.deepcopy(network).to("cpu").eval().requires_grad_(False)
            if isinstance(self.network, ObjectNetwork) and self.network.things:
                self.network.least_score = measure.least_score
            self.has_learned = True
        return metric

    def _measured(self, measure: Measurement, network: nn.Module, *, is_choosing: bool = False) -> float:
        """Mean IoU (see `model.analysis.metrics`) on the held-out pixels; NaN if there are none."""
        confusion = measure.confusion(network, self.clock, is_choosing=is_choosing)
        self._site.processes.agree(self.clock, self._site.choice.device)
        self.validated_on = describe(min(measure.images, self._num_held), self._num_held)
        self.unmeasured = tuple(np.flatnonzero(~is_labelled(confusion)).tolist())
        return mean_iou(confusion)

    def _progress(self, phase: str, metric: float = NAN) -> Progress:
        return Progress(self.step, self.clock.fraction, self.loss, metric, self.clock.spent, phase)


def _refuse(network: nn.Module, config: FineTuneConfig) -> None:
    """Raise ModelError where a network cannot learn, or not in this way."""
    if config.speed == "live":
        raise ModelError(
            "Only the latent-expert network learns while you correct.",
            action="Switch live learning off and train for longer, or use weights of the latent-expert network.",
        )
    if not isinstance(network, Teachable):
        raise ModelError(
            f"A network of the kind {type(network).__name__} cannot be fine-tuned.",
            action="Start from the weights that come with the program, or choose another network.",
        )


def _classes_of(network: nn.Module) -> int:
    config: Any = network.config
    return int(config.num_classes)


def _started(network: nn.Module, config: FineTuneConfig, device: torch.device) -> nn.Module:
    """A copy of ``network`` with the classes of the run."""
    taught: Any = network
    with own_randomness(seed_for("first weights", config.seed), device):
        made = taught.with_classes(config.kept_of(_classes_of(network)))
    return cast(nn.Module, made.to("cpu", torch.float32).eval())
