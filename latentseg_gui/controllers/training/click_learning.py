"""Accepted objects teach clicks: offered when there are ten, done beside the window, taken over if it is better."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink, Offers
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks.current_table import CurrentTable
from latentseg_gui.controllers.training.finetune import FineTuneController
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.controllers.waiting import WaitingStart
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.training.learning import CLICK_SECONDS, LATENT_EXPERT
from latentseg_gui.document.training.runs import (
    ClicksLearned,
    FineTuneProgress,
    FineTuneResult,
    TrainingSample,
)
from latentseg_gui.document.types import Provenance
from latentseg_gui.inference.training.click_request import LearnClicks
from latentseg_gui.io.project.manifest import CLICKS_ONLY, knows_classes
from latentseg_gui.io.storage import make_folder

OFFERED_AT: Final = 10
"""Objects; it is offered again whenever there are twice as many."""


class ClickLearningController(QObject):
    """Lets clicks learn from what was accepted, one run at a time, in the training process.

    Args:
        document: the truth.
        table: knows the objects of the image that is looked at.
        weights: takes what was learned as a version.
        finetune: knows what is labelled, and waits meanwhile.
        training: where it learns.
        errors: tells the user.
        offers: asks the user.
        folder: for files of weights.
        parent: owner of this QObject.

    Attributes:
        seconds: that the next run may take.
    """

    def __init__(
        self,
        document: Document,
        table: CurrentTable,
        weights: WeightsController,
        finetune: FineTuneController,
        *,
        training: Jobs,
        errors: ErrorSink,
        offers: Offers,
        folder: Path,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._table = table
        self._weights = weights
        self._finetune = finetune
        self._training = training
        self._errors = errors
        self._offers = offers
        self._folder = folder
        self._job: int | None = None
        self._reading: object | None = None
        self._number = 0
        self.seconds = CLICK_SECONDS
        self._counts: dict[str, int] = {}
        self._next_offer = OFFERED_AT
        self.waiting = WaitingStart(
            self.tr("Learning clicks"),
            self.tr("Clicks learn when that is done."),
            start=self.start,
            looks=finetune.state_changed,
            labels=finetune.samples.coming,
            document=document,
            errors=errors,
            parent=self,
        )

    @property
    def is_running(self) -> bool:
        """Whether clicks learn."""
        return self._job is not None or self._reading is not None

    def count_accepted(self) -> None:
        """Offers to learn from what was accepted: once for ten objects, and again for every doubling."""
        image_id = self._document.images.current_id
        if image_id is None or not self._table.is_current:
            return
        table = self._table.table
        is_accepted = (table.keys > 0) & np.isin(table.sources, (Provenance.CLICKED, Provenance.PAINTED))
        self._counts[image_id] = int(np.count_nonzero(is_accepted))
        if self.accepted < self._next_offer or self._obstacle() or self._awaited():
            return
        self._next_offer = 2 * self.accepted
        what = self.tr("Clicks can learn from your {0} objects.").format(self.accepted)
        action = self.tr(
            "Objects like them then need fewer clicks. It takes half a minute in the background, and you can go "
            "back to the version before."
        )
        self._offers.suggest(LatentsegError(what, action=action), self.tr("Learn clicks"), self.start)

    @property
    def accepted(self) -> int:
        """Accepted objects on the images that were looked at and are still there."""
        return sum(count for image_id, count in self._counts.items() if self._document.images.has(image_id))

    def start(self) -> None:
        """Begins, once nothing is missing that comes by itself; says why where it cannot."""
        if obstacle := self._obstacle():
            self.waiting.stop()
            self._errors.inform(obstacle)
        elif not self.waiting.waits_for(self._awaited()):
            self._begin()

    def cancel(self) -> None:
        """Ends it, or takes back the one that waits; clicks stay as they were."""
        if self.waiting.sentence:
            self.waiting.stop()
        elif self._job is not None:
            self._training.cancel(self._job)
        elif self.is_running:
            self._on_cancelled()
            self._finetune.samples.stop()

    def _begin(self) -> None:
        self._next_offer = max(self._next_offer, 2 * self.accepted)
        self._reading = reading = object()
        self._finetune.hold(self.tr("Clicks are learning."))
        self._finetune.samples.collect(
            self._submit,
            self._on_failed,
            is_current=lambda: self._reading is reading,
            on_dropped=self._on_cancelled,
        )

    def _awaited(self) -> str:
        return self._finetune.awaited(needs_classes=False)

    def _obstacle(self) -> str:
        """Why it cannot begin, as a sentence; empty where it can."""
        live = self._weights.live
        if self.is_running:
            return self.tr("Clicks are learning already.")
        if failed := self._finetune.readiness.no_model:
            return failed
        if live is not None and live.network != LATENT_EXPERT:
            return self.tr("{0} does not answer clicks, so there is nothing that could learn.").format(
                live.title
            )
        if not self._finetune.samples.image_ids and not self._finetune.samples.coming.sentence:
            return self.tr("Accept a few objects first: clicks learn from them.")
        return ""

    def _submit(self, samples: tuple[TrainingSample, ...]) -> None:
        self._reading = None
        version = self._next_name()
        try:
            make_folder(self._folder)
        except LatentsegError as error:
            self._on_failed(error)
            return
        request = LearnClicks(
            weights=self._weights.coming_path,
            version=version,
            samples=samples,
            output=self._folder / f"{version}.safetensors",
            seconds=self.seconds,
        )
        self._job = self._training.submit(
            request,
            partial(self._on_learned, len(samples)),
            title=self.tr("Clicks learn"),
            key="learn clicks",
            on_progress=self._on_progress,
            on_failure=self._on_failed,
            on_cancelled=self._on_cancelled,
        )

    def _on_progress(self, progress: object) -> None:
        """Says what is done meanwhile: measuring takes its time, too."""
        if self._job is None or not isinstance(progress, FineTuneProgress):
            return
        if progress.total:
            words = self.tr("Clicks learn: {0} of {1} objects measured")
            self._training.retitle(self._job, words.format(progress.done, progress.total))
        else:
            self._training.retitle(self._job, self.tr("Clicks learn"))

    def _next_name(self) -> str:
        """A name that no version has; it says where nothing but clicks has learned, and so no class is known."""
        live = self._weights.live
        if live is None or knows_classes(live.version):
            return self._weights.next_name()
        self._number += 1  # never one that was removed: its file may still be told of
        while f"{CLICKS_ONLY} {self._number}" in self._weights.versions:
            self._number += 1
        return f"{CLICKS_ONLY} {self._number}"

    def _on_learned(self, images: int, learned: ClicksLearned) -> None:
        self._end()
        if not learned.is_better:
            words = self.tr("{0}: that is no better, so clicks stay as they were. {1}")
            self._errors.inform(words.format(learned.words, learned.note).strip())
            return
        result = FineTuneResult(
            weights=learned.weights,
            version=learned.version,
            metric_before=math.nan,
            metric_after=math.nan,
            is_better=True,
            seconds=learned.seconds,
            validated_on=learned.words,
        )
        self._weights.adopt(result, images=images, is_live=True)
        words = self.tr("{0}. “{1}” is in use now; the panel Training goes back to the version before.")
        self._errors.inform(words.format(learned.words, learned.version))

    def _on_failed(self, error: LatentsegError) -> None:
        self._end()
        action = " ".join(part for part in (error.action, self.tr("Clicks stay as they were.")) if part)
        self._errors.report(LatentsegError(error.what, action=action, detail=error.detail))

    def _on_cancelled(self) -> None:
        self._end()
        self._errors.inform(self.tr("Learning was cancelled; clicks stay as they were."))

    def _end(self) -> None:
        self._job = self._reading = None
        self._finetune.hold("")
