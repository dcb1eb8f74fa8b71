"""Experts against classes over the whole list: images that nobody looked at are encoded on request."""

from __future__ import annotations

from collections import deque
from functools import partial
from uuid import uuid4

import numpy as np
from PySide6.QtCore import QObject

from latentseg_gui.controllers.experts.changes import ExpertChangesController
from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.experts.patches import ExpertPatchesController
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.experts.experts import ExpertShares
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.inference.messages import MeasureShares
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.panels.experts.panel import ExpertsPanel


class ExpertFolderController(JobSource):
    """Measures one image after the other, behind everything that the user waits for; it can be stopped.

    What was measured stays, so that a run that was stopped goes on where it was.
    """

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        experts: tuple[InspectController, ExpertChangesController, ExpertPatchesController],
        *,
        engine: Jobs,
        readers: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._sections = panel.view.comparisons.affinity, panel.view.patches
        self._inspect, self._changes, self._patches = experts
        self._engine = engine
        self._readers = readers
        self._errors = errors
        self._name = ""
        self._version = ""
        self._waiting: deque[str] = deque()
        self._total = 0
        self._unreadable = 0
        for section in self._sections:
            section.folder_wanted.connect(self.start)
            section.stop_wanted.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        """Whether images are being measured."""
        return bool(self._name)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live: their experts explain something else."""
        if self.is_running and weights.version != self._version:
            self._end()
            self._errors.inform(
                self.tr("The weights have changed: measuring the folder was stopped. Start it again.")
            )

    def start(self) -> None:
        """Measures the images that were not looked at with these weights."""
        version = self._inspect.labels.version
        if self.is_running or not version:
            return
        unseen = {*self._changes.missing(version), *self._patches.missing()}
        self._waiting = deque(each for each in self._document.images.ids if each in unseen)
        self._total, self._unreadable, self._version = len(self._waiting), 0, version
        if not self._waiting:
            self._errors.inform(self.tr("Every image of the list was looked at already."))
            return
        self._name = f"experts#{uuid4().hex}"
        self.began.emit(self._name, self.tr("Experts of all images"))
        self._next()

    def cancel(self) -> None:
        """Stops; the image that is being measured is left out."""
        if self.is_running:
            self._end()

    def cancel_named(self, full_name: str) -> None:
        """Stops the run of this name; other names are not ours."""
        if self.is_running and full_name == self._name:
            self._end()

    def _next(self) -> None:
        done = self._total - len(self._waiting)
        for section in self._sections:
            section.set_progress(done, self._total)
        self.progressed.emit(self._name, done / self._total)
        while self._waiting and not self._document.images.has(self._waiting[0]):
            self._waiting.popleft()
        if not self._waiting:
            self._finish()
            return
        image_id, path = self._waiting[0], self._document.images.path(self._waiting[0])
        record = self._document.records.of(image_id)
        if record is not None:
            self._measure(record)
        elif path is None:
            self._skip()
        else:
            self._readers.submit(
                partial(read_image, path, image_id=image_id, frame=self._document.images.frame(image_id)),
                self._measure,
                key=f"experts read {image_id}",
                priority=Priority.ALL_EXPERTS,
                is_current=partial(self._is_run_of, self._name),
                on_failure=self._on_failed,
                on_cancelled=self.cancel,
            )

    def _measure(self, record: ImageRecord) -> None:
        self._engine.submit(
            MeasureShares(record.image_id, record.pixels),
            self._on_measured,
            key=f"experts measure {record.image_id}",
            is_current=partial(self._is_run_of, self._name),
            is_fresh=lambda answer: answer.version == self._version,
            on_stale=partial(self.cancel_named, self._name),
            on_failure=self._on_failed,
            on_cancelled=self.cancel,
        )

    def _is_run_of(self, name: str) -> bool:
        return name == self._name

    def _on_measured(self, answer: ExpertShares) -> None:
        classes = self._document.classes.numbered
        table = self._inspect.labels.table(classes)[: answer.shares.shape[1]]
        belongs = table[:, None] == np.arange(len(classes))
        shares = (answer.shares @ belongs.astype(np.float32)).astype(np.float32)
        if self._document.images.has(answer.image_id):
            self._changes.add(answer.image_id, answer.version, shares)
            self._patches.add(answer.patches)
        self._waiting.popleft()
        self._next()

    def _on_failed(self, _: LatentsegError) -> None:
        self._skip()

    def _skip(self) -> None:
        """Goes on without an image that cannot be read or measured."""
        self._unreadable += 1
        self._waiting.popleft()
        self._next()

    def _finish(self) -> None:
        total, unreadable = self._total, self._unreadable
        self._end()
        text = self.tr("{0} images were added to what is known of the experts.").format(total - unreadable)
        if unreadable:
            text = f"{text} {self.tr('{0} could not be measured.').format(unreadable)}"
        self._errors.inform(text)

    def _end(self) -> None:
        name, self._name = self._name, ""
        self._waiting.clear()
        for section in self._sections:
            section.set_progress(0, 0)
        self.ended.emit(name)
