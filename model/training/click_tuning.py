"""Objects that were accepted or corrected teach clicks: the next one of their kind needs fewer.

    job = finetune_clicks(network, samples)
    for progress in job: ...
    if job.is_better: better = job.network

A copy of the click decoder learns, and answers clicks on what looks like the objects (`model.networks.taught_clicks`):
other clicks and classes are untouched, and encoded images stay so. Some of the objects are held out; the clicks that
they need decide.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from model.errors import ModelError
from model.networks.network import LatentExpertNetwork
from model.prediction.device import DeviceChoice, choose_device, free_cached_memory, is_out_of_memory
from model.prediction.predictor import Predictor
from model.training.click_examples import FEWEST_HELD_OUT, by_image, examples_of, held_apart
from model.training.click_learner import ClickLearner, teachable
from model.training.click_measure import GOALS, SLOPPINESS, ClickFigures, measure_clicks
from model.training.click_views import ClickView, views_of
from model.training.clock import Clock, TrainingClock, are_finite
from model.training.outcome import NotLearnedError
from model.training.timed import TimedJob
from model.training.types import LabelledImage, Progress

NAN: Final = float("nan")
MEASURED_FIRST: Final = 0.25
"""Share of the time in which the first measuring goes on to another object."""

PREPARED: Final = 0.55
"""Share of the time after which no more views are made."""

LEARNING_ENDS: Final = 0.75
"""Share of the time after which the last measuring begins."""

FEWEST_VIEWS: Final = 4
"""Are made however long they take."""

MOST_STEPS: Final = 20
"""Per view: more would only repeat what is known."""

IOU_COUNTS: Final = 0.01
"""Where as many clicks are needed as before, the mask after the first must be better by this much."""


@dataclass(frozen=True, slots=True)
class ClickTuneConfig:
    """How clicks learn.

    Attributes:
        seconds: time budget, for everything.
        seed: of every random choice.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
    """

    seconds: float = 25.0
    seed: int = 0
    device: str = "auto"


def finetune_clicks(
    network: nn.Module,
    samples: Sequence[LabelledImage],
    config: ClickTuneConfig | None = None,
) -> ClickTuning:
    """Start a job that teaches a copy of ``network`` to answer clicks on objects like those of the samples.

    Args:
        network: stays as it is.
        samples: images with objects (`model.training.click_examples.examples_of`).
        config: how.

    Raises:
        ModelError: there are too few objects, or the network does not answer clicks or is another than the
            latent-expert network.
    """
    if not isinstance(network, LatentExpertNetwork):
        raise ModelError(
            "This network cannot learn from clicks.", action="Use the latent-expert network for that."
        )
    return ClickTuning(network, samples, config or ClickTuneConfig())


class ClickTuning(TimedJob):
    """A running job. Every item is a `Progress`, and between items it can be left without harm.

    Attributes:
        network: what has learned; the one it started from where nothing was learned. On the CPU.
        before: clicks that the held-out objects needed.
        after: the same for `network`.
        num_learned: objects that it learned from.
        num_held: objects that it was measured on; fewer than were held out where measuring took long.
        num_objects: all objects of the samples.
        step: optimiser steps done.
        note: a sentence for the user where something went wrong; empty where it did not.
    """

    def __init__(
        self,
        network: LatentExpertNetwork,
        samples: Sequence[LabelledImage],
        config: ClickTuneConfig,
    ) -> None:
        if not 0 < config.seconds < math.inf:
            raise ModelError("The time is out of range.", action="Give more than 0 s; 25 is a good start.")
        examples = examples_of(samples)
        self._learned, held = held_apart(examples)
        self._held = by_image(held)
        self.num_objects = len(examples)
        self.network = network
        self.before, self.after = ClickFigures(), ClickFigures()
        self.num_learned, self.num_held = len(self._learned), len(self._held)
        self.step = 0
        self.note = ""
        self.clock: TrainingClock = Clock(config.seconds)
        self._config = config
        self._loss = NAN
        self._is_finishing = False
        self._iterator = self._run()

    @property
    def has_learned(self) -> bool:
        """Whether `network` is another than it started from."""
        return self.step > 0 and bool(self.after.ious)

    @property
    def is_better(self) -> bool:
        """Whether held-out objects need fewer clicks, or as many and the first gives a better mask."""
        if not self.has_learned or self.note:
            return False
        if abs(self.after.clicks - self.before.clicks) > 1e-9:
            return self.after.clicks < self.before.clicks
        return self.after.iou_after(1) > self.before.iou_after(1) + IOU_COUNTS

    def finish(self) -> None:
        """Learn no more; what was learned is still measured."""
        self._is_finishing = True

    def _run(self) -> Iterator[Progress]:
        try:
            yield from self._phases()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self.note = "Memory ran out, so clicks stay as they were. Use fewer or smaller images."
        if not self.has_learned and not self.note:
            raise NotLearnedError(
                f"Nothing was learned: making ready took all of the {self.clock.spent:.0f} s.",
                action="Give it more time, or fewer or smaller images.",
            )
        yield self._progress("done")

    def _phases(self) -> Iterator[Progress]:
        choice = choose_device(self._config.device)
        yield from self._measure(self.network, self.before, until=MEASURED_FIRST)
        # Both are measured on the same objects.
        self._held = self._held[: len(self.before.ious) // len(SLOPPINESS)]
        self.num_held = len(self._held)
        encoder = copy.deepcopy(self.network).to(choice.device).eval().requires_grad_(False)
        views: list[ClickView] = []
        for view in views_of(encoder, self._learned, np.random.default_rng(self._config.seed)):
            views.append(view)
            yield self._progress("preparing")
            if len(views) >= FEWEST_VIEWS and self.clock.fraction >= PREPARED:
                break
        learning = teachable(encoder, len(views))
        yield from self._learn(learning, views, choice)
        learned = learning.to("cpu").eval().requires_grad_(False)
        del views, encoder
        free_cached_memory(choice.device)
        if self.step and are_finite(learned.state_dict().values()):
            yield from self._measure(learned, self.after)
            self.network = learned

    def _learn(
        self, network: LatentExpertNetwork, views: Sequence[ClickView], choice: DeviceChoice
    ) -> Iterator[Progress]:
        """Go through the views in random order, again and again."""
        generator = torch.Generator().manual_seed(self._config.seed)
        learner = ClickLearner(network, choice, generator)
        start, most = self.clock.fraction, MOST_STEPS * len(views)
        order: list[int] = []
        while self.step < most and not self._is_finishing:
            now = self.clock.fraction
            if now >= LEARNING_ENDS and self.step:
                break
            in_time = (now - start) / max(LEARNING_ENDS - start, 1e-6)
            progress = min(1.0, max(in_time, self.step / most, 0.0))
            order = order or torch.randperm(len(views), generator=generator).tolist()
            self._loss = learner.step(views[order.pop()], progress)
            self.step += 1
            yield self._progress("learning")
        learner.remember(views)

    def _measure(
        self, network: LatentExpertNetwork, figures: ClickFigures, *, until: float = math.inf
    ) -> Iterator[Progress]:
        """Click on held-out objects; after a share of the time on no further one, but always on a few."""
        predictor, total = Predictor(network, self._config.device), len(self._held)
        in_time = (
            example
            for number, example in enumerate(self._held)
            if number < FEWEST_HELD_OUT or self.clock.fraction < until
        )
        yield self._progress("measuring", 0, total)
        for _ in measure_clicks(predictor, in_time, figures, seed=self._config.seed):
            yield self._progress("measuring", len(figures.ious) // len(SLOPPINESS), total)

    def _progress(self, phase: str, done: int = 0, total: int = 0) -> Progress:
        fraction = self.clock.fraction
        if self.step and phase == "measuring":  # the last: objects are counted, whatever the clock says
            fraction = LEARNING_ENDS + (1 - LEARNING_ENDS) * done / max(total, 1)
        else:
            fraction = 1.0 if phase == "done" else min(fraction, LEARNING_ENDS)
        return Progress(self.step, fraction, self._loss, NAN, self.clock.spent, phase, done, total)


def in_words(job: ClickTuning) -> str:
    """What came of a job that has ended, in a sentence."""
    was, now = (figures.clicks_until(GOALS[0]) for figures in (job.before, job.after))
    return (
        f"Clicks learned from {job.num_learned} of {job.num_objects} objects: {now:.1f} instead of {was:.1f} clicks "
        f"on {job.num_held} others"
    )
