"""A few corrected masks, a few seconds: better weights.

    job = finetune(network, samples, FineTuneConfig(num_classes=3, seconds=30))
    for progress in job: ...
    better = job.network

The backbone stays as it is and sees every image once (and a few variations); what learns are the
experts' answers, the class head and a detail head at full resolution. Clicks work as before.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from model.detail_network import DetailNetwork
from model.device import choose_device, free_cached_memory, is_out_of_memory
from model.errors import ModelError
from model.finetuning import phases
from model.finetuning.clock import Budget, Clock, are_finite, snapshot
from model.finetuning.heldout import hold_out
from model.finetuning.objective import Objective, class_weights
from model.finetuning.session import DivergedError, Session
from model.finetuning.types import IGNORED, FineTuneConfig, LabelledImage, Progress, check
from model.finetuning.views import Picture, features_of, pictures_of, view_of
from model.network import LatentExpertNetwork

__all__ = ["FineTuneConfig", "FineTuning", "LabelledImage", "Progress", "finetune"]

NAN: Final = float("nan")
COPIES: Final = 6


@dataclass(frozen=True, slots=True)
class _Shares:
    """Where on the clock, 0..1, the phases end."""

    views: float
    pixels: float
    crops: float
    finish: float = 1.0


_PLANS: Final = {
    "live": _Shares(views=0.0, pixels=1.0, crops=1.0),
    "quick": _Shares(views=0.2, pixels=0.35, crops=0.85),
    "thorough": _Shares(views=0.2, pixels=0.3, crops=0.85),
}


def finetune(
    network: LatentExpertNetwork, samples: Sequence[LabelledImage], config: FineTuneConfig | None = None
) -> FineTuning:
    """Start a job that improves a copy of ``network``; iterate over it to let it work.

    Args:
        network: stays as it is.
        samples: images with the pixels that somebody vouched for.
        config: how.

    Raises:
        ModelError: samples or config make no sense.
    """
    return FineTuning(network, samples, config or FineTuneConfig())


class FineTuning:
    """A running job. Every item is a `Progress`, and between items it can be left without harm.

    Attributes:
        network: the best weights so far, by the held-out pixels; on the CPU once the job is over.
        metric_before: mean IoU of the network it started from on those pixels; NaN where it knew
            other classes or nothing could be held back.
        metric_after: the same for `network`.
        note: a sentence for the user; empty where nothing needs to be said.
    """

    def __init__(
        self, network: LatentExpertNetwork, samples: Sequence[LabelledImage], config: FineTuneConfig
    ) -> None:
        check(list(samples), config)
        self.config = config
        self.metric_before = NAN
        self.metric_after = NAN
        self.note = ""
        self._is_finishing = False
        choice = choose_device(config.device)
        kept = _kept(network, config)
        self.network = DetailNetwork.of(network, kept).eval()
        self._is_comparable = sum(source is not None for source in kept) > 1
        held = hold_out([s.labels for s in samples], config.num_classes, config.held_out, config.seed)
        pictures = pictures_of(list(samples), held)
        self._session = Session(
            network=copy.deepcopy(self.network).to(choice.device),
            config=config,
            choice=choice,
            clock=Clock(config.seconds),
            objective=Objective(config.loss, _weights(pictures, config.num_classes).to(choice.device)),
            pictures=pictures,
            generator=torch.Generator().manual_seed(config.seed),
        )
        self._session.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._iterator = self._run()

    @property
    def is_better(self) -> bool:
        """Whether the new weights should take the place of the old ones."""
        if math.isnan(self.metric_before) or math.isnan(self.metric_after):
            return self._session.step > 0 and not self.note
        return self.metric_after > self.metric_before

    @property
    def clock(self) -> Budget:
        """The time budget; may be replaced before the first item."""
        return self._session.clock

    @clock.setter
    def clock(self, clock: Budget) -> None:
        self._session.clock = clock

    @property
    def seconds(self) -> float:
        """Time spent."""
        return self.clock.spent

    def __iter__(self) -> Iterator[Progress]:
        return self._iterator

    def pause(self) -> None:
        """Hold the clock; simply do not ask for the next item."""
        self.clock.hold()

    def resume(self) -> None:
        """Let the clock run on."""
        self.clock.resume()

    def finish(self) -> None:
        """End at the next item with the best weights so far."""
        self._is_finishing = True

    def _run(self) -> Iterator[Progress]:
        try:
            for phase in self._phases():
                yield self._progress(phase)
                if self._is_finishing:
                    break
            self._keep_if_better()
        except DivergedError as error:
            self.note = f"{error.what} {error.action}"
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.note = "Memory ran out; the last good weights are used. Use fewer or smaller images."
        self._session.views.clear()
        free_cached_memory(self._session.choice.device)
        yield self._progress("done", self.metric_after)

    def _phases(self) -> Iterator[str]:
        session, plan = self._session, _PLANS[self.config.speed]
        for picture in session.pictures:
            features = features_of(session.network, picture, session.choice.device, session.dtype)
            session.views.append(view_of(picture, features, session.generator))
            yield "encoding"
        if self._is_comparable:
            self.metric_before = phases.held_out_metric(session)
        if not bool(session.network.head.context.last.weight.any()):
            phases.set_statistics(session)
        if self.config.augmentation > 0:
            yield from phases.encode_views(session, plan.views, COPIES)
        yield from phases.learn_pixels(session, plan.pixels)
        self._keep_if_better()
        yield from phases.learn_crops(session, plan.crops)
        self._keep_if_better()

    def _keep_if_better(self) -> None:
        """Make the present weights those of the job, if they are good and the best so far."""
        session = self._session
        if session.step == 0 or not are_finite(session.network.state_dict().values()):
            return
        metric = phases.held_out_metric(session)
        if math.isnan(metric) or math.isnan(self.metric_after) or metric > self.metric_after:
            self.metric_after = metric
            self.network.load_state_dict(snapshot(session.network))

    def _progress(self, phase: str, metric: float = NAN) -> Progress:
        session = self._session
        return Progress(session.step, self.clock.fraction, session.loss, metric, self.clock.spent, phase)


def _kept(network: LatentExpertNetwork, config: FineTuneConfig) -> Sequence[int | None]:
    """Per class which class of ``network`` it goes on from."""
    if config.classes_kept:
        return config.classes_kept
    have = network.config.num_classes
    return [index if index < have else None for index in range(config.num_classes)]


def _weights(pictures: list[Picture], num_classes: int) -> Tensor:
    counts = torch.zeros(num_classes, dtype=torch.long)
    for picture in pictures:
        counts += torch.bincount(picture.train[picture.train != IGNORED].long(), minlength=num_classes)
    if not bool(counts.any()):
        raise ModelError("There is nothing to learn from yet.", action="Paint a few strokes more.")
    return class_weights(counts)
