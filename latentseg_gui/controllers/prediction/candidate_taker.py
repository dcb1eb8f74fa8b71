"""Makes objects of candidates: one step of the history, whatever was there keeps its pixels."""

from __future__ import annotations

from PySide6.QtCore import QObject

from latentseg_gui.commands.masks.carrying import CarriedObject, put_down
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.prediction.proposals import accept_candidates
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.candidates import ObjectCandidate
from latentseg_gui.document.types import BACKGROUND, Provenance


class CandidateTaker(QObject):
    """Accepts candidates of the image that is looked at."""

    def __init__(self, document: Document, edits: EditQueue, errors: ErrorSink, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._edits = edits
        self._errors = errors

    def take(self, candidates: tuple[ObjectCandidate, ...], class_id: int) -> bool:
        """Makes objects of candidates.

        Args:
            candidates: the best first.
            class_id: of the objects; -1 for the class in use.

        Returns:
            Whether that was possible.
        """
        image_id = self._document.readable_id
        class_id = class_id if class_id >= 0 else self._document.active_class
        followed = _followed(candidates)
        if image_id is None:
            return False
        if class_id == BACKGROUND and not followed:
            self._errors.inform(self.tr("Background has no objects: choose another class first."))
            return False

        def make(source: MaskSource, class_id: int) -> MaskPatch | None:
            if followed:
                return put_down(source, image_id, followed, self.tr("Accept tracked objects"))
            return accept_candidates(source, image_id, candidates, class_id)

        self._edits.do(
            image_id,
            self.tr("Accept proposals"),
            make,
            otherwise=self._nothing_free,
            class_id=class_id,
            weight=2.0,
        )
        return True

    def _nothing_free(self) -> None:
        self._errors.inform(
            self.tr("Nothing was changed: what lies there belongs to objects or locked classes already.")
        )


def _followed(candidates: tuple[ObjectCandidate, ...]) -> list[CarriedObject]:
    """Objects that have followed others, with the classes of those; none where the candidates are of a search."""
    return [
        CarriedObject(each.class_id, each.rect, each.mask, Provenance.CLICKED)
        for each in candidates
        if each.class_id is not None
    ]
