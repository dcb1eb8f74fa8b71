"""Masks of many images into the document, one small job after the other: progress, cancel, one step each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import set_classes
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.transfer.import_plans import ImportPair, Refusal
from latentseg_gui.controllers.transfer.import_work import ImportedStep, ImportMode, ImportWork
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.object_marks import NO_MARKS
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks import ImportContext
from latentseg_gui.io.masks.values import Reading, Tally

_BACKGROUND_ONLY = ClassTable.from_names(["background"])
_AGAIN_MS = 50
_TRIES = 5
_TELL_S = 0.15
"""How often the status bar hears of it: drawing it takes longer than a small mask."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What is to be taken over.

    Attributes:
        pairs: masks and their images.
        mode: what becomes of masks that are there already.
        is_rest_background: whether pixels outside all objects are background; else they stay without label. None:
            they are, but nobody was asked.
        reading: see `ImportContext`.
        is_turned: see `ImportContext`.
    """

    pairs: tuple[ImportPair, ...]
    mode: ImportMode = ImportMode.SKIP
    is_rest_background: bool | None = None
    reading: Reading | None = None
    is_turned: bool = False


@dataclass(slots=True)
class ImportReport:
    """How a run ended.

    Attributes:
        total: masks that were asked for.
        made: masks that were taken over.
        same: masks after which nothing is different.
        skipped: images left alone, because they have a mask.
        new_classes: names that only the files knew.
        notes: what could not be represented: (image, note).
        refused: what could not be taken over, and why.
        is_cancelled: whether it was stopped before its end.
        objects: how many came in of those that files list; None where none lists any.
        locked: locked objects that were left as they were.
        locked_classes: names of locked classes of which pixels were left as they were.
    """

    total: int
    made: int = 0
    same: int = 0
    skipped: int = 0
    new_classes: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    is_cancelled: bool = False
    objects: Tally | None = None
    locked: int = 0
    locked_classes: set[str] = field(default_factory=set)

    @property
    def done(self) -> int:
        """Masks that were dealt with, one way or the other."""
        return self.made + self.same + self.skipped + len(self.refused)


class ImportRun(JobSource):
    """One run. Reading and comparing happen in a background thread; the window only applies steps.

    Args:
        name: under which it is announced.
        order: what is to be taken over.
        document: into which.
        history: that keeps a step per image.
        edits: whose turn is respected.
        readers: where masks are read.
        is_painting: whether a stroke is in progress, in the middle of which nothing may change.
        parent: owner of this QObject.
    """

    finished = Signal(object)
    """Carries an `ImportReport`."""

    def __init__(
        self,
        name: str,
        order: ImportOrder,
        document: Document,
        history: History,
        *,
        edits: EditQueue,
        readers: Jobs,
        is_painting: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.name = name
        self.report = ImportReport(len(order.pairs))
        self._order = order
        self._document = document
        self._history = history
        self._edits = edits
        self._readers = readers
        self._is_painting = is_painting
        self._queue = deque(order.pairs)
        self._tries = 0
        self._is_over = False
        self._told = 0.0

    def start(self) -> None:
        """Begins."""
        self._next()

    def cancel_named(self, full_name: str) -> None:
        """Stops it, if it is the one that is meant."""
        if full_name == self.name:
            self.cancel()

    def cancel(self) -> None:
        """Stops after the mask that is being read; what was taken over stays, and can be undone."""
        self.report.is_cancelled = self.report.is_cancelled or bool(self._queue)
        self._queue.clear()

    def abandon(self) -> None:
        """The window ends."""
        self._is_over = True
        self._queue.clear()

    def _next(self) -> None:
        """The next mask that is to be read; the end where there is none."""
        self._tries = 0
        while self._queue and not self._is_over:
            pair = self._queue.popleft()
            self._tell()  # who hears of it may stop the run
            if not self._document.images.has(pair.image_id):
                self._refuse(pair, self.tr("the image was taken off the list"))
            elif self._document.masks.shape(pair.image_id) not in (None, pair.shape):
                self._refuse(pair, self.tr("the image has another size now"))
            elif self._order.mode is ImportMode.SKIP and self._has_labels(pair):
                self.report.skipped += 1
            else:
                self._read(pair)
                return
        if not self._is_over:
            self._is_over = True
            self.ended.emit(self.name)
            self.finished.emit(self.report)

    def _read(self, pair: ImportPair) -> None:
        document = self._document
        layer = None if document.masks.shape(pair.image_id) is None else document.masks.layer(pair.image_id)
        order = self._order
        context = ImportContext(
            shape=pair.shape,
            classes=self._base().numbered,
            image_name=pair.name,
            default_class=max(1, document.classes.number_of(document.active_class)),
            outside=UNLABELLED if order.is_rest_background is False else BACKGROUND,
            is_outside_chosen=order.is_rest_background is not None,
            reading=order.reading,
            orientation=pair.orientation,
            is_turned=order.is_turned,
        )
        is_touched = layer is not None and layer.is_touched
        work = ImportWork(
            pair,
            context,
            self._base(),
            order.mode,
            layer.snapshot() if layer is not None and is_touched else None,
            NO_MARKS if layer is None else layer.marks,
            -1 if layer is None else layer.version,
            pair.image_id == document.images.current_id,
            self.tr("Import mask of {0}").format(pair.name),
        )
        self._readers.submit(
            work,
            self._on_read,
            key=f"{self.name} {pair.image_id}",
            is_current=lambda: not self._is_over,
            on_failure=partial(self._on_failed, pair),
        )

    def _on_failed(self, pair: ImportPair, error: LatentsegError) -> None:
        self._refuse(pair, str(error))
        self._next()

    def _on_read(self, step: ImportedStep) -> None:
        self._edits.then(partial(self._take, step))

    def _take(self, step: ImportedStep) -> None:
        """Applies a step, unless something else has changed what it was made for; then it is made again."""
        pair = step.work.pair
        if self._is_over:
            return
        if step.work.is_looked_at and self._is_painting():
            QTimer.singleShot(_AGAIN_MS, self, partial(self._take, step))
        elif not self._document.images.has(pair.image_id):
            self._queue.appendleft(pair)  # says so
            self._next()
        elif self._is_outdated(step.work):
            self._tries += 1
            if self._tries < _TRIES:
                self._read(pair)
                return
            self._refuse(pair, self.tr("its mask was changed again and again meanwhile"))
            self._next()
        else:
            self._apply(step)
            self._next()

    def _is_outdated(self, work: ImportWork) -> bool:
        document, image_id = self._document, work.pair.image_id
        shape = document.masks.shape(image_id)
        version = -1 if shape is None else document.masks.layer(image_id).version
        # A mask that nobody has touched is the same whether its size was known or not.
        is_blank = shape is None or not document.masks.layer(image_id).is_touched
        marks = NO_MARKS if shape is None else document.masks.layer(image_id).marks
        is_same = marks == work.marks and (version == work.version or (work.before is None and is_blank))
        now, then = self._base(), work.classes
        is_same_table = now.named_ids == then.named_ids and now.locked_ids == then.locked_ids
        is_moved = work.is_looked_at != (image_id == document.images.current_id)
        return (
            not is_same or not is_same_table or is_moved or (shape is not None and shape != work.pair.shape)
        )

    def _apply(self, step: ImportedStep) -> None:
        pair, before = step.work.pair, step.work.classes
        self.report.notes += [(pair.name, note) for note in step.notes]
        self.report.locked += step.locked
        self.report.locked_classes |= set(step.locked_classes)
        if step.tally is not None:
            self.report.objects = (self.report.objects or Tally(0, 0)) + step.tally
        if len(step.classes) > len(before):
            self.report.new_classes += step.classes.names[len(before) :]
            added = self._with_new(step)
            self._history.do(set_classes(self._document, added, self.tr("Classes of the imported mask")))
        if step.patch is None or step.applied is None:
            self.report.same += 1
            return
        self._document.masks.expect_shape(pair.image_id, pair.shape)
        self._history.do(step.patch, partial(step.applied.apply, self._document))
        self.report.made += 1

    def _with_new(self, step: ImportedStep) -> ClassTable:
        """The table as it is now, with the new classes at its end: colours may have changed meanwhile."""
        classes = self._base()
        for entry in step.classes.classes[len(step.work.classes) :]:
            classes = classes.added(entry.name)
        return classes

    def _base(self) -> ClassTable:
        """The classes that masks are read with; the one that is there from the start does not count while unused."""
        document = self._document
        is_used = document.masks.labelled_ids() or any(
            document.predictions.of(each) for each in document.images.ids
        )
        is_default = document.classes == ClassTable.default()
        return _BACKGROUND_ONLY if is_default and not is_used else document.classes

    def _has_labels(self, pair: ImportPair) -> bool:
        return (
            self._document.masks.shape(pair.image_id) is not None
            and self._document.masks.layer(pair.image_id).num_labelled > 0
        )

    def _refuse(self, pair: ImportPair, reason: str) -> None:
        self.report.refused.append(Refusal(pair.candidate.label, reason))

    def _tell(self) -> None:
        if self._told and time.monotonic() - self._told < _TELL_S:
            return
        self._told = time.monotonic()
        text = self.tr("Importing mask {0} of {1}").format(self.report.done + 1, self.report.total)
        self.began.emit(self.name, text)
        self.progressed.emit(self.name, self.report.done / max(1, self.report.total))


def summary_of(notes: Sequence[tuple[str, str]]) -> list[str]:
    """Notes of many images, equal ones together: how often, and their numbers added up."""
    groups: dict[tuple[str, ...], list[list[int]]] = {}
    for _, note in notes:
        words = tuple("\0" if word.isdigit() else word for word in note.split(" "))
        numbers = [int(word) for word in note.split(" ") if word.isdigit()]
        groups.setdefault(words, []).append(numbers)
    lines = []
    for words, rows in groups.items():
        sums = iter([sum(column) for column in zip(*rows, strict=True)])
        text = " ".join(str(next(sums)) if word == "\0" else word for word in words)
        lines.append(text if len(rows) == 1 else f"{len(rows)} masks: {text}")
    return lines
