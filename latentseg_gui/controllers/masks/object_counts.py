"""How many objects of each class there are: on the image that is looked at, and on all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks.current_table import CurrentTable
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.masks.object_table import object_table
from latentseg_gui.document.types import Rect

_REST_MS: Final = 300


class CountList(Protocol):
    """Where counts are shown."""

    def set_counts(self, here: Mapping[int, int], everywhere: Mapping[int, int]) -> None:
        """Objects by class id, of the image and of all images."""


@dataclass(frozen=True, slots=True)
class CountWork:
    """Counts the objects of one mask, in another thread."""

    unpack: Callable[[], Arrays]

    def __call__(self) -> dict[int, int]:
        """How many objects there are of each class."""
        labels, provenance, instances = self.unpack()
        shape = labels.shape[0], labels.shape[1]
        return object_table(labels, provenance, instances, at=Rect.whole(shape), width=shape[1]).counts()


class ObjectCounts(QObject):
    """Counts each image once for each state of its mask; those that are not looked at one after the other, beside."""

    def __init__(
        self,
        document: Document,
        current: CurrentTable,
        shown: CountList,
        *,
        jobs: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._current = current
        self._shown = shown
        self._jobs = jobs
        self._errors = errors
        self._known: dict[str, tuple[int, dict[int, int]]] = {}
        self._is_busy = False
        self._timer = QTimer(self, singleShot=True, interval=_REST_MS)
        self._timer.timeout.connect(self._go_on)
        current.changed.connect(self._on_current_counted)
        document.events.images_changed.connect(self._on_changed)
        document.events.mask_changed.connect(self._on_changed)
        document.events.current_changed.connect(self._on_changed)
        document.events.classes_changed.connect(self._show)

    def _on_changed(self, *_: object) -> None:
        self._timer.start()

    def _on_current_counted(self) -> None:
        image_id = self._document.images.current_id
        if (
            image_id is not None
            and self._document.masks.shape(image_id) is not None
            and self._current.is_current
        ):
            version = self._document.masks.layer(image_id).version
            self._known[image_id] = version, self._current.table.counts()
        self._show()

    def _go_on(self) -> None:
        """Counts the next image of which the count is not known."""
        document = self._document
        labelled = document.masks.labelled_ids()
        self._known = {each: count for each, count in self._known.items() if each in labelled}
        waiting = [each for each in labelled if each != document.images.current_id and self._is_old(each)]
        if waiting and not self._is_busy:
            self._count(waiting[0])
        self._show()

    def _is_old(self, image_id: str) -> bool:
        known = self._known.get(image_id)
        return known is None or known[0] != self._document.masks.layer(image_id).version

    def _count(self, image_id: str) -> None:
        layer = self._document.masks.layer(image_id)
        version = layer.version
        self._is_busy = True

        def on_counted(counts: dict[int, int]) -> None:
            self._is_busy = False
            self._known[image_id] = version, counts
            self._go_on()

        def on_failure(error: LatentsegError) -> None:
            self._is_busy = False
            self._known[image_id] = version, {}  # not again before the mask changes
            self._errors.report(error)

        self._jobs.submit(CountWork(layer.snapshot()), on_counted, key="count objects", on_failure=on_failure)

    def _show(self) -> None:
        things = self._document.classes.thing_ids
        current, everywhere = self._document.images.current_id, Counter[int]()
        for _, counts in self._known.values():
            everywhere.update(counts)
        here = self._known.get(current, (0, {}))[1] if current is not None else {}
        self._shown.set_counts(
            {each: here.get(each, 0) for each in things}, {each: everywhere[each] for each in things}
        )
