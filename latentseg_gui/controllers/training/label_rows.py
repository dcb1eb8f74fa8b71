"""Which classes masks have at which height: of many images it tells whether they have an up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from latentseg_gui.controllers.jobs import Jobs, OnFailure
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.label_rows import LabelsByRow, labels_by_row
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.inference.request import Priority

OnRows = Callable[[tuple[LabelsByRow, ...]], None]


@dataclass(frozen=True, slots=True)
class _Wish:
    number: int
    on_rows: OnRows
    on_failure: OnFailure


class LabelRows:
    """Counts masks beside the window, one job per mask, and again only those that have changed.

    Args:
        document: whose masks.
        readers: of a thread.
    """

    def __init__(self, document: Document, readers: Jobs) -> None:
        self._document = document
        self._readers = readers
        self._known: dict[str, tuple[int, LabelsByRow]] = {}
        self._asked = 0

    def ready(self, image_ids: Sequence[str], on_rows: OnRows, on_failure: OnFailure) -> None:
        """Hands over the counts of these images; who asks again meanwhile is answered instead."""
        self._asked += 1
        self._known = {key: value for key, value in self._known.items() if self._document.images.has(key)}
        self._count(_Wish(self._asked, on_rows, on_failure), tuple(image_ids), ())

    def _count(self, wish: _Wish, waiting: tuple[str, ...], counted: tuple[LabelsByRow, ...]) -> None:
        for position, image_id in enumerate(waiting):
            if not self._document.images.has(image_id):
                continue
            version, rows = self._known.get(image_id, (-1, None))
            if rows is None or version != self._document.masks.layer(image_id).version:
                self._ask(wish, image_id, waiting[position + 1 :], counted)
                return
            counted = (*counted, rows)
        wish.on_rows(counted)

    def _ask(
        self, wish: _Wish, image_id: str, waiting: tuple[str, ...], counted: tuple[LabelsByRow, ...]
    ) -> None:
        layer = self._document.masks.layer(image_id)

        def on_counted(rows: LabelsByRow) -> None:
            self._known[image_id] = version, rows
            self._count(wish, waiting, (*counted, rows))

        version = layer.version
        self._readers.submit(
            partial(_rows, layer.snapshot()),
            on_counted,
            key="rows of labels",
            priority=Priority.SPARE_TIME,
            is_current=lambda: wish.number == self._asked,
            on_failure=wish.on_failure,
        )


def _rows(unpack: Callable[[], Arrays]) -> LabelsByRow:
    """In another thread; what classes are above the last one that occurs needs no room."""
    counts = labels_by_row(unpack()[0])
    last = int(np.flatnonzero(counts.any(0)).max(initial=0))
    return counts[:, : last + 1].copy()
