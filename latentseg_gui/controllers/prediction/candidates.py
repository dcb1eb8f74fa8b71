"""Objects that nobody clicked on: searched for in slices, shown as they are found, taken by click or all at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.masks.objects import object_at
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.controllers.prediction.candidate_taker import CandidateTaker
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.candidates import (
    SIMILARITY,
    CandidatesFound,
    ObjectCandidate,
    ObjectLooks,
    chosen,
)
from latentseg_gui.document.prediction.kept_candidates import CandidateShelf
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Rect
from latentseg_gui.inference.messages import FindCandidates
from latentseg_gui.panels.candidates import CandidatesPanel

_MOST_SHADES: Final = 250
"""Numbers that neighbours on the canvas are told apart by."""

Examples = tuple[tuple[Rect, Mask], ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which candidates are shown."""

    smallest: int = 0
    similarity: float = SIMILARITY
    class_id: int = -1
    largest: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchDone:
    """A search of the image that is looked at, once it is complete.

    Attributes:
        image_id: of the image.
        version: of the weights.
        looks: what it looked for; empty for everything.
    """

    image_id: str
    version: str
    looks: tuple[ObjectLooks, ...]


class CandidatesController(JobSource):
    """Candidates of the image that is looked at; those of other images wait until one comes back to them.

    Signals:
        searched: a `SearchDone`.
        stopped: the user wants no more of any search.
        kept_changed: on how many other images candidates wait.

    Attributes:
        shown: those that the sliders let through, the best first.
    """

    searched = Signal(object)
    stopped = Signal()
    kept_changed = Signal(int)

    def __init__(
        self,
        document: Document,
        edits: EditQueue,
        objects: ObjectsController,
        canvas: CanvasView,
        panel: CandidatesPanel,
        *,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.shown: tuple[ObjectCandidate, ...] = ()
        self._document = document
        self._edits = edits
        self._objects = objects
        self._canvas = canvas
        self._panel = panel
        self._engine = engine
        self._errors = errors
        self._request: FindCandidates | None = None
        self._count, self._name = 0, ""
        self._found: tuple[ObjectCandidate, ...] = ()
        self._gone: set[tuple[Rect, int]] = set()
        self._looks: tuple[ObjectLooks, ...] = ()
        self._has_examples = False
        self._choice = _Choice()
        self._taker = CandidateTaker(document, edits, errors, self)
        self._shelf, self._image_id = CandidateShelf(), document.images.current_id
        document.events.current_changed.connect(self._on_other_image)
        document.events.images_changed.connect(self._on_images_changed)
        document.events.classes_changed.connect(self._show_classes)
        canvas.candidate_pointed_at.connect(self.point_at)
        panel.filter_requested.connect(self.choose)
        panel.all_requested.connect(self.propose_all)
        panel.alike_requested.connect(self.more_alike)
        panel.accept_requested.connect(self.accept_all)
        panel.drop_requested.connect(self.clear)
        panel.stop_requested.connect(self.stop)
        panel.stop_requested.connect(self.stopped)
        panel.set_similarity(SIMILARITY)
        self._show_classes()

    @property
    def has_looks(self) -> bool:
        """Whether it is known what to look for where nothing is chosen."""
        return bool(self._looks)

    @property
    def is_searching(self) -> bool:
        """Whether more may be found."""
        return self._request is not None

    def propose_all(self) -> None:
        """Looks for everything on the image."""
        self._begin((), ())

    def more_alike(self) -> None:
        """Looks for what is like the chosen objects; with none chosen, like the examples of the last time."""
        image_id, pixels = self._document.images.current_id, self._objects.chosen
        if image_id is None or self._document.records.of(image_id) is None:
            return
        if pixels:
            query = partial(_areas, image_id=image_id, pixels=pixels)
            begin = partial(self._begin, looks=(), of_image=image_id)
            self._edits.look(image_id, query, begin, key="examples")
        elif self._looks:
            self._begin((), self._looks)
        else:
            self._errors.inform(self.tr("Choose one or a few objects first, with the tool Select."))

    def point_at(self, x: float, y: float, is_taken: bool) -> None:
        """Accepts the smallest candidate at a place of the image, or drops it."""
        rc = rc_from_xy((x, y))
        here = [each for each in self.shown if each.has(rc)]
        if not here:
            return
        candidate = min(here, key=lambda each: each.pixels)
        if is_taken and not self._taker.take((candidate,), self._choice.class_id):
            return
        self._gone.add((candidate.rect, candidate.pixels))
        self._show()

    def accept_all(self) -> None:
        """Makes objects of all that are shown, as one step; of those that overlap, of the best."""
        if self.shown and self._taker.take(self.shown, self._choice.class_id):
            self.clear()

    @property
    def kept_ids(self) -> tuple[str, ...]:
        """The other images on which candidates wait, in the order of the list."""
        kept = self._shelf.image_ids
        return tuple(each for each in self._document.images.ids if each in kept)

    def keep(self, image_id: str, candidates: tuple[ObjectCandidate, ...], *, has_examples: bool) -> None:
        """Takes candidates of any image: they are shown as soon as it is looked at."""
        self._shelf.put(image_id, candidates, has_examples=has_examples)
        if image_id == self._image_id and not self._found and not self.is_searching:
            self._show_kept()
        self.kept_changed.emit(len(self._shelf.image_ids))

    def offer(self, candidates: tuple[ObjectCandidate, ...]) -> None:
        """Shows candidates that somebody else has found, besides those that are there."""
        self.stop()
        self._found, self._has_examples = (*self._found, *candidates), False
        self._show()

    def clear(self) -> None:
        """Drops everything, and ends the search."""
        self.stop()
        self._found, self._gone = (), set()
        self._show()

    def stop(self) -> None:
        """Ends the search; what is found stays."""
        if self._request is not None:
            self._request = None
            self.ended.emit(self._name)
            self._show()

    def cancel_named(self, full_name: str) -> None:
        """Cancels the job if this is its name (of `JobSource`)."""
        if full_name == self._name:
            self.stop()

    def choose(self, smallest: int, similarity: float, class_id: int, largest: float = 1.0) -> None:
        """Shows only candidates of a size, a similarity and a predicted class.

        Args:
            smallest: in pixels.
            similarity: the least, 0..1.
            class_id: -1 for any.
            largest: as a share of the image, 0..1.
        """
        self._choice = _Choice(smallest, similarity, class_id, largest)
        self._show()

    def _on_other_image(self, image_id: str | None) -> None:
        before, self._image_id = self._image_id, image_id
        if before is not None and self._open_ones():
            self._shelf.put(before, self._open_ones(), has_examples=self._has_examples)
        self.clear()
        self._show_kept()
        self.kept_changed.emit(len(self._shelf.image_ids))

    def _on_images_changed(self) -> None:
        self._shelf.keep_only(self._document.images.ids)
        self.kept_changed.emit(len(self._shelf.image_ids))

    def _show_kept(self) -> None:
        """Shows what was kept of the image that is looked at."""
        kept = None if self._image_id is None else self._shelf.take(self._image_id)
        if kept is not None:
            self._found, self._has_examples = kept.candidates, kept.has_examples
            self._show()

    def _open_ones(self) -> list[ObjectCandidate]:
        """Those that were neither taken nor dropped, shown or not."""
        return [each for each in self._found if (each.rect, each.pixels) not in self._gone]

    def _begin(self, examples: Examples, looks: tuple[ObjectLooks, ...], of_image: str = "") -> None:
        image_id = self._document.readable_id
        if image_id is None or of_image not in ("", image_id):  # examples are areas of one image
            return
        self.clear()
        self._count += 1
        self._name = f"candidates#{self._count}"
        self._has_examples = bool(examples or looks)
        self._request = FindCandidates(image_id, self._name, examples, looks)
        title = self.tr("More like this") if self._has_examples else self.tr("All objects")
        self.began.emit(self._name, title)
        self._ask(self._request)
        self._show()

    def _ask(self, request: FindCandidates) -> None:
        self._engine.submit(
            request,
            partial(self._on_found, request),
            key="candidates",
            is_current=lambda: request is self._request,
            on_failure=self._on_failed,
            on_cancelled=partial(self._on_lost, request),
        )

    def _on_found(self, request: FindCandidates, answer: CandidatesFound) -> None:
        self._found = answer.candidates
        if answer.looks:
            self._looks = answer.looks
        if answer.is_complete:
            self.stop()
            self.searched.emit(SearchDone(request.image_id, answer.version, answer.looks))
        else:
            self.progressed.emit(self._name, answer.fraction)
            self._ask(request)
        self._show()

    def _on_failed(self, error: LatentsegError) -> None:
        self.stop()
        self._errors.report(error)

    def _on_lost(self, request: FindCandidates) -> None:
        if request is self._request:
            self.stop()

    def _show(self) -> None:
        open_ones = self._open_ones()
        least = self._choice.similarity if self._has_examples else 0.0
        most = self._largest()
        kept = chosen(open_ones, smallest=self._choice.smallest, largest=most, least_similarity=least)
        self.shown = _of_class(self._document, kept, self._choice.class_id)
        self._canvas.candidates.set(*_drawn(self.shown))
        self._panel.show_state(
            len(self.shown),
            len(open_ones),
            is_searching=self.is_searching,
            has_examples=self._has_examples,
        )

    def _show_classes(self) -> None:
        classes = self._document.classes
        ids = [each for each in classes.ids if each not in (BACKGROUND, UNLABELLED)]
        self._panel.set_classes([classes[each].name for each in ids], ids)
        if self._choice.class_id not in (-1, *ids):
            self.choose(self._choice.smallest, self._choice.similarity, -1, self._choice.largest)

    def _largest(self) -> float:
        """Pixels of the largest candidate that is shown."""
        record = self._document.current_record
        if record is None:
            return float("inf")
        rows, cols = record.pixels.shape[:2]
        return self._choice.largest * float(rows * cols)


def _of_class(
    document: Document, candidates: tuple[ObjectCandidate, ...], wanted: int
) -> tuple[ObjectCandidate, ...]:
    """Those of which most is predicted as a class; all of them for -1."""
    image_id = document.images.current_id
    prediction = None if image_id is None else document.predictions.of(image_id)
    if wanted < 0:
        return candidates
    if prediction is None:
        return ()
    said = prediction.said
    return tuple(
        each
        for each in candidates
        if 2 * np.count_nonzero(said[each.rect.slices][each.mask] == wanted) > each.pixels
    )


def _areas(source: MaskSource, image_id: str, pixels: tuple[tuple[int, int], ...]) -> Examples:
    """Box and mask of the objects at some pixels; of two pixels in one object, once."""
    areas = {each[0]: each for each in (object_at(source, image_id, rc) for rc in pixels)}
    return tuple(areas.values())


def _drawn(candidates: tuple[ObjectCandidate, ...]) -> tuple[Rect | None, NDArray[np.uint8] | None]:
    """Candidates as numbers 1..250 in one box, smaller ones above larger ones; (None, None) of none."""
    box = Rect(0, 0, 0, 0)
    for each in candidates:
        box = box.union(each.rect)
    if box.is_empty:
        return None, None
    numbers = np.zeros(box.shape, np.uint8)
    for index, each in enumerate(sorted(candidates, key=lambda one: -one.pixels)):
        rect = each.rect
        part = numbers[
            rect.row0 - box.row0 : rect.row1 - box.row0, rect.col0 - box.col0 : rect.col1 - box.col0
        ]
        part[each.mask] = index % _MOST_SHADES + 1
    return box, numbers
