"""Whether the weights in use decide by their experts: an even mix beside the learned one, on what the user labelled."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training.training_set import TrainingSet
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.experts.experts import MixCounted
from latentseg_gui.document.training.mix_worth import MixWorth
from latentseg_gui.document.training.runs import TrainingSample
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.experts.messages import CountEvenMix
from latentseg_gui.panels.experts.mix_note import MixNote
from model.analysis.metrics import mean_iou

IMAGES: Final = 8
"""On so many labelled images at most it is measured."""

Counts = NDArray[np.int64]


class MixWorthController(QObject):
    """Measures new versions by itself, in spare time, and any on request; what was measured stays with the version.

    Live refits come with every stroke, so those are measured on request only.
    """

    def __init__(
        self,
        document: Document,
        note: MixNote,
        experts: InspectController,
        *,
        weights: WeightsController,
        labelled: TrainingSet,
        engine: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._note = note
        self._experts = experts
        self._weights = weights
        self._labelled = labelled
        self._engine = engine
        self._version = ""
        self._waiting: deque[TrainingSample] = deque()
        self._sums: list[tuple[Counts, Counts]] = []
        self._is_measuring = False
        note.measuring_wanted.connect(self.measure)
        self.show()

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live; those that were fine-tuned are measured once."""
        self._end()
        self._version = weights.version
        version = self._weights.versions.get(weights.version)
        is_new = version is not None and version.images > 0 and not version.is_refit
        if is_new and version is not None and version.mix_worth is None and weights.can("experts"):
            self.measure()
        self.show()

    def measure(self) -> None:
        """Begins to measure the live weights on the labelled images that are in memory."""
        if self._is_measuring or not self._version or not self._labelled.image_ids:
            return
        self._is_measuring = True
        version = self._version
        self._labelled.ready(IMAGES, partial(self._on_samples, version), lambda _: self._end())
        self.show()

    def _on_samples(self, version: str, samples: tuple[TrainingSample, ...]) -> None:
        if not self._is_run_of(version):
            return
        self._waiting, self._sums = deque(samples), []
        self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._finish()
            return
        sample, classes = self._waiting.popleft(), self._document.classes
        self._engine.submit(
            CountEvenMix(sample.image_id, sample.pixels, sample.labels, len(classes)),
            self._on_counted,
            key="even mix",
            is_current=partial(self._is_run_of, self._version),
            is_fresh=lambda answer: answer.version == self._version,
            on_stale=self._end,
            on_failure=lambda _: self._end(),
            on_cancelled=self._end,
        )

    def _is_run_of(self, version: str) -> bool:
        return self._is_measuring and version == self._version

    def _on_counted(self, answer: MixCounted) -> None:
        classes = self._document.classes
        table = classes.number_table[self._experts.labels.table(classes)][: answer.learned.shape[1]]
        belongs = (table[:, None] == np.arange(len(classes))).astype(np.int64)
        if len(answer.learned) != len(classes):  # a class came or went meanwhile
            self._end()
            return
        self._sums.append((answer.learned @ belongs, answer.even @ belongs))
        self._next()

    def _finish(self) -> None:
        sums, version = self._sums, self._weights.versions.get(self._version)
        self._end()
        if not sums or version is None:
            return
        learned, even = (mean_iou(np.sum([pair[which] for pair in sums], axis=0)) for which in (0, 1))
        if np.isfinite(learned) and np.isfinite(even):
            self._weights.keep(replace(version, mix_worth=MixWorth(learned, even, len(sums), is_own=True)))
        self.show()

    def _end(self) -> None:
        self._is_measuring = False
        self._waiting.clear()
        self._sums = []
        self.show()

    def show(self) -> None:
        """Says what is known of the live weights, and whether there is something to measure with."""
        live, version = self._weights.live, self._weights.versions.get(self._version)
        known = None if version is None else version.mix_worth
        if known is None and live is not None and live.version == self._version:
            known = live.mix_worth
        self._note.set_worth(
            known,
            can_measure=bool(self._labelled.image_ids),
            is_measuring=self._is_measuring,
            has_experts=live is not None and live.can("experts"),
        )
