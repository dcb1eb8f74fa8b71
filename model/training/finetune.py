"""A few corrected masks, a few seconds: better weights.

    job = finetune(network, samples, FineTuneConfig(num_classes=3, seconds=30))
    for progress in job: ...
    better = job.network

What learns follows from the speed. "live": the pixel path of the detail head alone, on features that are kept.
"quick": the experts' answers, the class head and the context path of the detail head; the backbone sees every
image once (and a few variations). "thorough": that, then a backbone that the classes have for themselves.
Clicks work as before in every case.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.analysis.metrics import is_labelled, mean_iou
from model.networks.detail_network import DetailNetwork
from model.networks.network import LatentExpertNetwork
from model.networks.protocols import Refittable
from model.networks.randomness import own_randomness, seed_for
from model.prediction.device import choose_device, free_cached_memory, is_out_of_memory
from model.prediction.outputs import ClassPrediction
from model.training.acquaintance import ask_known_objects
from model.training.clock import Clock, Span, TrainingClock, are_finite, with_time_left
from model.training.coverage import coverage_remarks, divided, painted_classes
from model.training.crf_loss import is_sparse
from model.training.cross import CrossValidated, FineTuningJob, Make, describe, is_better, slack_of
from model.training.distributed import ProcessGroup
from model.training.evidence import choose_variation
from model.training.feature_cache import FeatureStore
from model.training.full_images import learn_whole
from model.training.head_learning import HeadLearning
from model.training.live import LiveRefit
from model.training.measure import held_out_confusion, images_encoded
from model.training.objective import Objective, class_weights
from model.training.optimisers import speed_of, warm_up
from model.training.orientation import are_upright, rows_of
from model.training.outcome import no_step
from model.training.own_colours import weigh_colours
from model.training.plain import PlainTuning
from model.training.prepare import (
    count_votes,
    encode_again,
    encode_pictures,
    order_pictures,
    set_statistics,
)
from model.training.pseudo_labels import grow_strokes
from model.training.separation import learned_side, things_in
from model.training.session import DivergedError, TrainingSession
from model.training.timed import TimedJob
from model.training.types import FineTuneConfig, LabelledImage, Progress, checked_samples
from model.training.views import LabelledWindow, class_counts, pictures_of, scarcity_of, shared
from model.zoo.tutorial import as_predictable

__all__ = ["FeatureStore", "FineTuneConfig", "FineTuning", "LabelledImage", "Progress", "finetune"]

NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where on the clock, 0..1, the phases end."""

    variations: float
    crops: float
    whole: float

    def for_images(self, scarcity: float) -> _Plan:
        """More of the time for whole pictures where there are many: crops come from those that memory holds."""
        if self.whole <= self.crops:
            return self
        return replace(self, variations=self.variations * scarcity, crops=self.crops * scarcity)


_PLANS: Final = {
    "quick": _Plan(variations=0.2, crops=0.97, whole=0.97),
    "thorough": _Plan(variations=0.1, crops=0.3, whole=0.97),
}
LEAST_TIME: Final = 0.15
"""Share of the budget that is there to learn in, however long it took to get ready."""
LIVE_SLACK: Final = 0.01
LIVE_DOUBT: Final = 0.25
"""A refit may lose so much, and so much more over the root of the number of cells that are held out: a few
strokes say no more than that, and what was just corrected must show."""


def finetune(
    network: nn.Module,
    samples: Sequence[LabelledImage],
    config: FineTuneConfig | None = None,
    store: FeatureStore | None = None,
) -> FineTuningJob:
    """Start a job that improves a copy of ``network``; iterate over it to let it work.

    Args:
        network: stays as it is. Another than the latent-expert network learns as a whole (`PlainTuning`).
        samples: images with the pixels that are labelled.
        config: how.
        store: where features may be kept for the next run.

    Returns:
        The job: a `FineTuning` or `PlainTuning`, or one that cross-validates where ``config`` asks for that.

    Raises:
        ModelError: samples or config make no sense, or nobody knows how to teach such a network.
    """
    config = config or FineTuneConfig()
    network = as_predictable(network)
    make: Make = FineTuning if isinstance(network, Refittable) else PlainTuning
    if config.validation == "cross" and config.speed != "live":
        return CrossValidated(network, samples, config, make)
    return make(network, samples, config, store)


class FineTuning(TimedJob):
    """A running job. Every item is a `Progress`, and between items it can be left without harm.

    Attributes:
        network: the best weights so far, by the held-out pixels; on the CPU once the job is over.
        metric_before: mean IoU of the network it started from on those pixels; NaN where it knew
            other classes or nothing could be held back.
        metric_after: the same for `network`: what is handed out is always what was measured.
        note: a sentence for the user where something went wrong; empty where it did not.
        remarks: sentences about what was left out of learning or measuring.
        validated_on: what the metrics were measured on, in words; empty where they were not.
        unmeasured: classes of which no pixel was among those that were measured.
        has_learned: whether `network` is another than it started from.
        held_cells: per sample the cells that it is measured on, as the bits of a number.
        learned_cells: the same for those that it learns from.
        shown: what the new network says of the sample that `FineTuneConfig.shown` names; None where
            that was not to be had for nothing.
    """

    def __init__(
        self,
        network: LatentExpertNetwork,
        samples: Sequence[LabelledImage],
        config: FineTuneConfig,
        store: FeatureStore | None = None,
    ) -> None:
        samples = checked_samples(samples, config)
        warm_up()
        self.config = config
        self.metric_before = NAN
        self.metric_after = NAN
        self.note = ""
        self.remarks = coverage_remarks(samples)
        self.unmeasured: tuple[int, ...] = ()
        self.has_learned = False
        self.shown: ClassPrediction | None = None
        self._store = store
        self._is_finishing = False
        choice, things = choose_device(config.device), things_in(samples)
        kept = config.kept_of(network.config.num_classes)
        with own_randomness(seed_for("first weights", config.seed), choice.device):
            self.network = _started(network, kept, object_side=learned_side(samples) if things else 0)
        self._is_comparable = sum(source is not None for source in kept) > 1
        held = self._hold_out(samples)
        pictures, processes = pictures_of(samples, held, brightens=self.network.separates), ProcessGroup()
        sparse = config.speed != "live" and is_sparse(pictures)
        weights = _weights(pictures, config.num_classes, are_strokes=sparse)
        self._session = TrainingSession(
            network=copy.deepcopy(self.network).to(choice.device),
            config=config,
            choice=choice,
            clock=processes.clock(Clock(config.seconds)),
            objective=Objective(config.loss, weights.to(choice.device)),
            pictures=shared(pictures, processes),
            generator=torch.Generator().manual_seed(config.seed + processes.rank),
            processes=processes,
            is_sparse=sparse,
            is_upright=config.speed != "live" and are_upright([rows_of(each.labels) for each in samples]),
            scarcity=scarcity_of(len(samples)),
            painted=painted_classes(samples) if sparse else frozenset(),
            things=things,
        )
        self._head = HeadLearning(self._session)
        self._num_samples = len(samples)
        self._session.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        processes.align(self._session.network)
        self._confusion: Callable[[], NDArray[np.int64]] = partial(held_out_confusion, self._session)
        self._iterator = self._run()

    def _hold_out(self, samples: Sequence[LabelledImage]) -> list[NDArray[np.bool_]]:
        """Per sample where its labels are held back, bool [H, W]; notes which cells these and the others are."""
        division = divided(samples, self.config)
        self._num_held = division.num_held
        self.validated_on = describe(self._num_held, self._num_held)
        self.held_cells, self.learned_cells = division.held_cells, division.learned_cells
        return division.held

    @property
    def is_better(self) -> bool:
        """Whether the new weights should take the place of the old ones."""
        if self.config.speed == "live":
            cells = max(1, sum(each.bit_count() for each in self.held_cells))
            return is_better(self, LIVE_SLACK + LIVE_DOUBT / math.sqrt(cells))
        return is_better(self, slack_of(self.held_cells))

    @property
    def step(self) -> int:
        """Optimiser steps done."""
        return self._session.step

    @property
    def is_comparable(self) -> bool:
        """Whether the network it starts from knows at least two of the classes."""
        return self._is_comparable

    @property
    def clock(self) -> TrainingClock:
        """The time budget; may be replaced before the first item."""
        return self._session.clock

    @clock.setter
    def clock(self, clock: TrainingClock) -> None:
        self._session.clock = self._session.processes.clock(clock)

    def finish(self) -> None:
        """End at the next item with the best weights so far."""
        self._is_finishing = True

    def _run(self) -> Iterator[Progress]:
        try:
            for phase in self._phases():
                yield self._progress(phase)
                if self._is_finishing:
                    self._keep_if_better()
                    break
        except DivergedError as error:
            self.note = f"{error.what} {error.action}"
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.note = "Memory ran out; the last good weights are used. Use fewer or smaller images."
        self._session.views.clear()
        free_cached_memory(self._session.choice.device)
        if not (self.has_learned or self.note or self._is_finishing):
            raise no_step(self.clock.spent, self._num_samples)
        yield self._progress("done", self.metric_after)

    def _phases(self) -> Iterator[str]:
        session, speed = self._session, speed_of(self.config)
        if speed == "live":
            yield from self._refit()
            return
        plan = _PLANS[speed].for_images(session.scarcity)
        order_pictures(session)
        if session.is_sparse:
            yield from grow_strokes(session)
        yield from encode_pictures(session, self._store, bounded=True)
        self._say_what_is_seen(learns_from_all=plan.whole > plan.crops)
        if self._is_comparable:
            self.metric_before = self._measure()
        if session.network.head.is_fresh:
            set_statistics(session)
            count_votes(session)
        yield from choose_variation(session)
        yield from weigh_colours(session)
        yield from ask_known_objects(session)
        self._leave_time_to_learn()
        yield from self._head.learn(variations=plan.variations, end=plan.crops)
        self._keep_if_better()
        if plan.whole > plan.crops:
            yield from self._learn_whole(plan.whole)

    def _leave_time_to_learn(self) -> None:
        """A slow machine may take all of the time to get ready; then some is added."""
        session = self._session
        if session.processes.size > 1:  # they have to agree on when to end
            return
        clock = with_time_left(session.clock, LEAST_TIME)
        if clock is not session.clock:
            session.clock = clock
            self.remarks.append(
                "Getting the images ready took most of the time, so a little was added to learn in. "
                "More time, or fewer or smaller images, would give better weights."
            )

    def _refit(self) -> Iterator[str]:
        """Teach the pixel path alone; see `LiveRefit`."""
        session = self._session
        yield from encode_pictures(session, self._store)
        if session.network.head.is_fresh:
            set_statistics(session)
        live = LiveRefit(session, self._store)
        self._confusion = live.confusion
        if self._is_comparable:
            self.metric_before = self._measure()
        yield "refitting"
        # What had to be made ready, once per picture, is not taken from the time to learn.
        if session.processes.size == 1:
            session.clock = Span(session.clock, session.clock.spent, session.clock.seconds)
        yield from live.learn(1.0)
        self._keep_if_better()
        if self.config.shown:
            self.shown = live.predict(self.config.shown)

    def _learn_whole(self, end: float) -> Iterator[str]:
        """Give the classes a backbone of their own and teach it."""
        session = self._session
        measured = not math.isnan(self.metric_after)
        with own_randomness(0, session.choice.device):
            session.network = self.network.give_classes_a_backbone().to(session.choice.device)
        session.views.clear()
        yield from learn_whole(session, end)
        yield from encode_again(session)
        self._keep_if_better()
        if measured:
            self.validated_on += (
                "; the better of two stages was chosen by the same pixels, which flatters a little"
            )

    def _say_what_is_seen(self, *, learns_from_all: bool) -> None:
        """Note where time or memory did not suffice for all images."""
        session, count = self._session, self._num_samples
        measured = images_encoded(session, count, is_held=True)
        self.validated_on = describe(measured, self._num_held)
        learned = images_encoded(session, count, is_held=False)
        if learned < count and not learns_from_all:
            self.remarks.append(
                f"Time and memory sufficed for {learned} of {count} images; give it more time to learn from all."
            )

    def _measure(self) -> float:
        """Mean IoU (`model.analysis.metrics`) of the present network on the held-out pixels; NaN if there are none."""
        confusion = self._confusion()
        self.unmeasured = tuple(np.flatnonzero(~is_labelled(confusion)).tolist())
        return mean_iou(confusion)

    def _keep_if_better(self) -> None:
        """Make the present weights those of the job, if they are good and the best so far."""
        session = self._session
        self._head.join()
        if session.step == 0 or not are_finite(session.network.state_dict().values()):
            return
        metric = self._measure()
        if math.isnan(metric) or math.isnan(self.metric_after) or metric > self.metric_after:
            self.metric_after = metric
            self._adopt()

    def _adopt(self) -> None:
        """Hand out a copy of the present weights."""
        network = copy.deepcopy(self._session.network).to("cpu").eval()
        self.network = network.requires_grad_(False)
        self.has_learned = True

    def _progress(self, phase: str, metric: float = NAN) -> Progress:
        session = self._session
        return Progress(session.step, self.clock.fraction, session.loss, metric, self.clock.spent, phase)


def _started(
    network: LatentExpertNetwork, kept: Sequence[int | None], *, object_side: int = 0
) -> DetailNetwork:
    """A copy of ``network`` to start from, which can learn to tell objects of that side apart; none where it is 0."""
    if object_side:
        return _started(network, kept).give_separation(object_side)
    if isinstance(network, DetailNetwork) and list(kept) == list(range(network.config.num_classes)):
        return copy.deepcopy(network).eval()  # nothing to make anew, and that takes time
    return DetailNetwork.of(network, kept).eval()


def _weights(pictures: list[LabelledWindow], num_classes: int, *, are_strokes: bool) -> Tensor:
    """Of the classes [C]; strokes say which classes there are, but not how common they are."""
    counts = class_counts(pictures, num_classes)
    return (counts > 0).float() if are_strokes else class_weights(counts)
