"""Cross-validation over a few images: each is judged by a network that has not learned from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from model.analysis.metrics import confusion_matrix, is_labelled, mean_iou
from model.prediction.outputs import ClassPrediction
from model.prediction.predictor import Predictor
from model.training.clock import Clock, Span, TrainingClock
from model.training.feature_cache import FeatureStore
from model.training.timed import Steered, TimedJob
from model.training.types import IGNORED, FineTuneConfig, LabelledImage, Progress, checked_samples

NAN: Final = float("nan")
MAX_FOLDS: Final = 5
FOLDS_SHARE: Final = 0.5
"""Of the time; the rest is for the network that learns from all images."""


class FineTuningJob(Steered, Protocol):
    """A running fine-tuning; see `model.training.finetune.FineTuning`."""

    metric_before: float
    metric_after: float
    note: str
    validated_on: str
    remarks: list[str]
    unmeasured: tuple[int, ...]
    shown: ClassPrediction | None

    @property
    def has_learned(self) -> bool:
        """Whether `network` is another than it started from."""

    @property
    def held_cells(self) -> Sequence[int]:
        """Per sample the cells that it is measured on, as the bits of a number; see `model.analysis.cells.cells_of`."""

    @property
    def learned_cells(self) -> Sequence[int]:
        """The same for those that it learns from."""

    @property
    def network(self) -> nn.Module:
        """The best weights so far."""

    @property
    def clock(self) -> TrainingClock:
        """The time budget; may be replaced before the first item."""

    @clock.setter
    def clock(self, clock: TrainingClock) -> None: ...

    @property
    def step(self) -> int:
        """Optimiser steps done."""

    @property
    def is_better(self) -> bool:
        """Whether the new weights should take the place of the old ones."""

    @property
    def is_comparable(self) -> bool:
        """Whether the network it starts from knows at least two of the classes."""

    @property
    def seconds(self) -> float:
        """Time spent."""


Make = Callable[[Any, Sequence[LabelledImage], FineTuneConfig, FeatureStore | None], FineTuningJob]


FEW_CELLS: Final = 12
DOUBT: Final = 0.1
"""Where no more cells than that are held out, a longer run may lose this much over their number, or draw: what
has learned from more strokes is the better bet then. Otherwise it must gain."""


def slack_of(held_cells: Sequence[int]) -> float:
    """How much worse a longer run may be by so few held-out cells as these, which are given per sample."""
    cells = max(1, sum(each.bit_count() for each in held_cells))
    return DOUBT / cells if cells <= FEW_CELLS else 0.0


def is_better(job: FineTuningJob, slack: float = 0.0) -> bool:
    """Whether the metrics speak for the new weights; without metrics, whether it went well.

    Args:
        job: that has ended.
        slack: how much worse still counts as good; with more than 0 a draw counts, too.
    """
    if math.isnan(job.metric_before) or math.isnan(job.metric_after):
        return job.step > 0 and not job.note
    if slack > 0:
        return job.step > 0 and not job.note and job.metric_after >= job.metric_before - slack
    return job.metric_after > job.metric_before


def describe(images: int, of: int) -> str:
    """Where pixels were held out, in words.

    Args:
        images: of how many images some are measured; "" for 0.
        of: how many have some.
    """
    if not images:
        return ""
    counted = f"{images} of {of}" if images < of else f"{images}"
    return f"held-out pixels of {counted} image{'s' if of > 1 else ''}"


def _words_of(final: FineTuningJob) -> str:
    """What is known of the network that learned from all images itself."""
    if math.isnan(final.metric_after):
        return "; the weights that learned from all images were not measured by themselves"
    return f"; the weights that learned from all images have {final.metric_after:.2f} on {final.validated_on}"


class CrossValidated(TimedJob):
    """Leaves every image out in turn, and then learns from all; a job like `FineTuning`.

    With more than `MAX_FOLDS` images, several are left out at a time. With a single one there is
    nothing to leave out, and held-out pixels decide as usual.

    Args:
        network: stays as it is.
        samples: images with the pixels that are labelled.
        config: how.
        make: starts an ordinary job.

    Attributes:
        network: learned from all images.
        metric_before: mean IoU of the network given, on all pixels labelled by hand.
        metric_after: the same of the networks that had not seen the image in question.
        note: a sentence for the user where something went wrong.
        remarks: sentences about what was left out.
        unmeasured: classes of which nothing could be measured.
        validated_on: how the metrics came about.
        shown: always None.
    """

    def __init__(
        self,
        network: nn.Module,
        samples: Sequence[LabelledImage],
        config: FineTuneConfig,
        make: Make,
    ) -> None:
        self.config = replace(config, validation="held-out")
        self.clock = Clock(config.seconds)
        self.metric_before = self.metric_after = NAN
        self.note = self.validated_on = ""
        self.remarks: list[str] = []
        self.unmeasured: tuple[int, ...] = ()
        self.shown: ClassPrediction | None = None
        self._given = network
        self._make = make
        self._is_finishing = False
        self._final = make(network, samples, self.config, None)  # refuses what makes no sense
        self._running = self._final
        self._start = self._final.network
        self._samples = [
            each for each in checked_samples(samples, config) if bool((each.labels != IGNORED).any())
        ]
        count = min(MAX_FOLDS, len(self._samples))
        self._folds = [list(range(first, len(self._samples), count)) for first in range(count)]
        self._iterator = self._run()

    @property
    def held_cells(self) -> Sequence[int]:
        """Cells that the final run is measured on; other images than one are judged as a whole."""
        return self._final.held_cells

    @property
    def learned_cells(self) -> Sequence[int]:
        """Cells that the final run learns from."""
        return self._final.learned_cells

    @property
    def network(self) -> nn.Module:
        """The network that learned from all images."""
        return self._final.network

    @property
    def step(self) -> int:
        """Optimiser steps of the final run."""
        return self._final.step

    @property
    def has_learned(self) -> bool:
        """Whether the final run has made new weights."""
        return self._final.has_learned

    @property
    def is_better(self) -> bool:
        """Whether the new weights should take the place of the old ones: they, and those of the judges, gain."""
        return is_better(self) and self._final.is_better

    @property
    def is_comparable(self) -> bool:
        """Whether the network given knows at least two of the classes."""
        return self._final.is_comparable

    def finish(self) -> None:
        """End at the next item; without figures where images have still to be judged."""
        self._is_finishing = True
        self._running.finish()

    def _run(self) -> Iterator[Progress]:
        seconds = self.clock.seconds
        if len(self._folds) > 1:
            each = seconds * FOLDS_SHARE / len(self._folds)
            yield from self._judge(each)
            if self._is_finishing:
                self.note = "Finished before every image was judged; the weights in use stay."
                yield self._progress(self._final, "done", NAN)
                return
        final = self._running = self._final
        start = self.clock.spent
        final.clock = Span(self.clock, start, max(seconds - start, 0.25 * seconds))
        for progress in final:
            if progress.phase != "done":
                yield self._progress(final, progress.phase, NAN, progress.loss)
        self.note, self.remarks = final.note, final.remarks
        if len(self._folds) < 2:
            self.metric_before, self.metric_after = final.metric_before, final.metric_after
            self.validated_on = f"{final.validated_on}; cross-validation needs two images"
            self.unmeasured = final.unmeasured
        else:
            self.validated_on += _words_of(final)
        yield self._progress(final, "done", self.metric_after)

    def _judge(self, each: float) -> Iterator[Progress]:
        """Let every fold be judged by a network that learned from the others."""
        size, left_out = self.config.num_classes, 0
        before, after = np.zeros((size, size), np.int64), np.zeros((size, size), np.int64)
        figures = []
        for number, fold in enumerate(self._folds, start=1):
            others = [sample for index, sample in enumerate(self._samples) if index not in fold]
            job = self._running = self._make(
                self._given, others, replace(self.config, held_out=0.0, seconds=each), None
            )
            job.clock = Span(self.clock, self.clock.spent, each)
            phase = f"judging {number} of {len(self._folds)}"
            for progress in job:
                yield self._progress(job, phase, NAN, progress.loss)
                if self._is_finishing:
                    return
            known = np.unique(np.concatenate([np.unique(sample.labels) for sample in others]))
            one = np.zeros_like(after)
            for index in fold:
                labels = self._samples[index].by_hand
                truth = np.where(np.isin(labels, known), labels, IGNORED)
                left_out += int((truth != labels).sum())
                one += self._confusion(job.network, self._samples[index].image, truth)
                if self.is_comparable:
                    before += self._confusion(self._start, self._samples[index].image, truth)
                yield self._progress(job, phase, NAN)
            after += one
            figures.append(mean_iou(one))
        self.metric_after = mean_iou(after)
        self.metric_before = mean_iou(before) if self.is_comparable else NAN
        self.unmeasured = tuple(np.flatnonzero(~is_labelled(after)).tolist())
        self.validated_on = self._words(figures, left_out)

    def _words(self, figures: list[float], left_out: int) -> str:
        parts = ", ".join("-" if math.isnan(figure) else f"{figure:.2f}" for figure in figures)
        words = f"{len(self._samples)} images, each by a network that had not seen it ({parts})"
        if left_out:
            words += f"; {left_out:,} pixels of classes that only one image has could not be judged"
        return words

    def _confusion(
        self, network: nn.Module, image: NDArray[np.uint8], truth: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        predictor = Predictor(network, self.config.device)
        predictor.set_image(image)
        labels = predictor.predict_classes().labels
        return confusion_matrix(truth.astype(np.uint8), labels, self.config.num_classes)

    def _progress(self, job: FineTuningJob, phase: str, metric: float, loss: float = NAN) -> Progress:
        return Progress(job.step, self.clock.fraction, loss, metric, self.clock.spent, phase)
