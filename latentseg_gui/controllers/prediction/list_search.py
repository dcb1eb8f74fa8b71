"""The same search on all images of the list, one after the other, while the window is used."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.prediction.candidates import CandidatesController, SearchDone
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.candidates import CandidatesFound
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.inference.messages import FindCandidates
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.images.reading import read_image

_FEW = 3


@dataclass(slots=True)
class _Run:
    """Images that are still to be searched, and what became of the others.

    Attributes:
        name: under which it is announced.
        like: the search that is repeated.
        total: images in all.
        waiting: those that are still to come.
        found: how many have proposals.
        refused: what could not be searched, and why.
        job_id: of the search that is under way.
    """

    name: str
    like: SearchDone
    total: int
    waiting: deque[str]
    found: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    job_id: int | None = None

    @property
    def done(self) -> int:
        """Images that were dealt with, but for the one that is under way."""
        return self.total - len(self.waiting) - 1


class ListSearch(JobSource):
    """What is found waits at its image until that is looked at."""

    def __init__(
        self,
        document: Document,
        candidates: CandidatesController,
        *,
        engine: Jobs,
        files: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._candidates = candidates
        self._engine = engine
        self._files = files
        self._errors = errors
        self._is_on = False
        self._run: _Run | None = None
        candidates.searched.connect(self._on_searched)
        candidates.stopped.connect(lambda: self.stop())

    @property
    def is_running(self) -> bool:
        """Whether images are still searched."""
        return self._run is not None

    def set_on(self, is_on: bool) -> None:
        """Whether a search goes on to the other images of the list."""
        self._is_on = is_on
        if not is_on:
            self.stop()

    def stop(self, why: str = "") -> None:
        """Ends it, perhaps for a reason that the user does not know; what is found on other images stays."""
        run, self._run = self._run, None
        if run is None:
            return
        if run.job_id is not None:
            self._engine.cancel(run.job_id)
        self.ended.emit(run.name)
        text = self.tr("{0}: {1} of {2} other images were searched. What was found is kept.")
        self._errors.inform(text.format(why or self.tr("Stopped"), run.done, run.total))

    def cancel_named(self, full_name: str) -> None:
        """Cancels the job if this is its name (of `JobSource`)."""
        if self._run is not None and full_name == self._run.name:
            self.stop()

    def _on_searched(self, search: SearchDone) -> None:
        """The search on the image that is looked at is complete."""
        others = [each for each in self._document.images.ids if each != search.image_id]
        if not self._is_on or not others:
            return
        self.stop()
        self._run = _Run(f"candidates of all#{uuid4().hex}", search, len(others), deque(others))
        self._next()

    def _next(self) -> None:
        """The next image; the end where there is none."""
        run = self._run
        if run is None:
            return
        run.job_id = None
        while run.waiting:
            image_id = run.waiting.popleft()
            if self._document.images.has(image_id):
                self._tell(run)
                self._read(run, image_id)
                return
        self._run = None
        self.ended.emit(run.name)
        self._sum_up(run)

    def _tell(self, run: _Run) -> None:
        title = self.tr("More like this") if run.like.looks else self.tr("All objects")
        text = self.tr("{0}: image {1} of {2}").format(title, run.done + 1, run.total)
        self.began.emit(run.name, text)
        self.progressed.emit(run.name, run.done / run.total)

    def _read(self, run: _Run, image_id: str) -> None:
        record, path = self._document.records.of(image_id), self._document.images.path(image_id)
        if record is not None or path is None:
            if record is None:
                self._refuse(run, image_id, LatentsegError("it has no file and is not in memory"))
                return
            self._ask(run, image_id, record.pixels)
            return

        def on_read(record: ImageRecord) -> None:
            self._ask(run, image_id, record.pixels)

        self._files.submit(
            partial(read_image, path, frame=self._document.images.frame(image_id)),
            on_read,
            key=f"{run.name} {image_id}",
            priority=Priority.SPARE_TIME,
            is_current=lambda: run is self._run,
            on_failure=partial(self._refuse, run, image_id),
        )

    def _ask(self, run: _Run, image_id: str, pixels: NDArray[np.uint8]) -> None:
        def on_found(answer: CandidatesFound) -> None:
            if answer.version != run.like.version:
                self.stop(self.tr("The weights have changed, so the search was stopped"))
            elif answer.is_complete:
                self._take(run, image_id, answer)
            else:
                self.progressed.emit(run.name, (run.done + answer.fraction) / run.total)
                self._ask(run, image_id, pixels)

        run.job_id = self._engine.submit(
            FindCandidates(image_id, run.name, looks=run.like.looks, pixels=pixels),
            on_found,
            key="candidates of all",
            priority=Priority.SPARE_TIME,
            is_current=lambda: run is self._run,
            on_failure=partial(self._refuse, run, image_id),
            on_cancelled=partial(self._refuse, run, image_id, LatentsegError("the model was stopped")),
        )

    def _take(self, run: _Run, image_id: str, answer: CandidatesFound) -> None:
        run.found += bool(answer.candidates)
        self._candidates.keep(image_id, answer.candidates, has_examples=bool(run.like.looks))
        self._next()

    def _refuse(self, run: _Run, image_id: str, error: LatentsegError) -> None:
        if run is self._run:
            run.refused.append((self._document.images.name(image_id), str(error)))
            self._next()

    def _sum_up(self, run: _Run) -> None:
        if not run.refused and not run.found:
            self._errors.inform(self.tr("Nothing was found on the other images of the list."))
            return
        if not run.refused:
            text = self.tr("{0} of {1} other images have proposals; each shows them when it is opened.")
            self._errors.inform(text.format(run.found, run.total))
            return
        few = "; ".join(f"{name}: {reason}" for name, reason in run.refused[:_FEW])
        what = self.tr("{0} of {1} images could not be searched: {2}")
        self._errors.report(
            LatentsegError(
                what.format(len(run.refused), run.total, few),
                action=self.tr("What was found on the others is kept; open an image to see it."),
                detail="\n".join(f"{name}: {reason}" for name, reason in run.refused),
            )
        )


class SameEverywhere(QObject):
    """Looks for the like of the last examples on every image that is opened, while that is switched on."""

    def __init__(self, document: Document, candidates: CandidatesController, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._candidates = candidates
        self._is_on = False

    def set_on(self, is_on: bool) -> None:
        """Switches it on or off."""
        self._is_on = is_on

    def on_encoded(self, image_id: str) -> None:
        """An image is ready for questions."""
        is_idle = not self._candidates.is_searching and not self._candidates.shown
        is_here = image_id == self._document.images.current_id
        if self._is_on and self._candidates.has_looks and is_idle and is_here:
            self._candidates.more_alike()
