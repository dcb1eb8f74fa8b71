"""Questions about masks: small ones are answered at once, those about large ones beside the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from PySide6.QtCore import QObject

from latentseg_gui.commands.masks.class_work import FrozenMasks
from latentseg_gui.commands.source import FrozenMask, MaskSource, MasksSource
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document

LARGE: Final = 1_200_000
"""What may have to look at more pixels than this does not run in the window's thread."""

Found = TypeVar("Found")


def is_much(pixels: float) -> bool:
    """Whether to look at so many pixels takes too long for the window's thread."""
    return pixels > LARGE


class MaskLooks(QObject):
    """Looks things up in masks as they are now.

    Args:
        document: whose masks.
        jobs: of a thread beside the window.
        errors: tells the user.
        parent: owner of this QObject.
    """

    def __init__(
        self, document: Document, jobs: Jobs, errors: ErrorSink, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._errors = errors

    def is_large(self, image_id: str, weight: float = 1.0) -> bool:
        """Whether an edit of the image takes too long for the window's thread.

        Args:
            image_id: the image.
            weight: how much longer than a mere look it takes per pixel.
        """
        shape = self._document.masks.shape(image_id)
        return shape is not None and is_much(shape[0] * shape[1] * weight)

    def look_at_all(
        self, query: Callable[[MasksSource], Found], take: Callable[[Found, bool], None], key: str
    ) -> None:
        """Looks something up in all masks, beside the window if they are large; nothing waits for it.

        Args:
            query: answers from what it is given, and from nothing else.
            take: is handed the answer, and whether it is still that of the masks as they are now.
            key: a later question of the same key takes the place of one that still waits.
        """
        frozen = FrozenMasks.of(self._document)
        if not is_much(frozen.pixels):
            take(query(self._document), True)
            return

        def on_found(found: Found) -> None:
            take(found, frozen.is_current(self._document))

        self._jobs.submit(partial(query, frozen), on_found, key=key)

    def look(
        self,
        image_id: str,
        query: Callable[[MaskSource], Found],
        take: Callable[[Found], None],
        *,
        weight: float = 1.0,
        key: str = "look",
        lost: Callable[[], None] | None = None,
    ) -> None:
        """Looks something up in a mask, beside the window where the image is large; the latest question counts.

        Args:
            image_id: the image.
            query: answers from what it is given, and from nothing else.
            take: is handed the answer; not called if the mask has changed meanwhile.
            weight: see `is_large`.
            key: a later question of the same key takes the place of one that still waits.
            lost: called instead of ``take`` where the mask has changed.
        """
        if not self.is_large(image_id, weight):
            take(query(self._document))
            return
        frozen = FrozenMask.frozen(self._document, image_id)
        is_current = partial(frozen.is_current, self._document)
        self._jobs.submit(partial(query, frozen), take, key=key, is_current=is_current, on_stale=lost)
