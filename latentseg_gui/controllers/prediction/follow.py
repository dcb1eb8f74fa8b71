"""The objects of the image before as questions about this one: where is each of them now?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from typing_extensions import override

from latentseg_gui.commands.masks.carrying import CarriedObject
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs, JobSource
from latentseg_gui.controllers.masks.carrying import CarryController
from latentseg_gui.controllers.prediction.candidates import CandidatesController
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.candidates import ObjectCandidate
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.messages import SegmentObject
from latentseg_gui.inference.request import Priority

_ROUND_IT: Final = 0.12
"""How much wider than the object its box is, on each side: it may have moved."""

_LEAST: Final = 3.0


@dataclass(slots=True)
class _Errand:
    """Objects that are asked about on an image, one after the other."""

    image_id: str
    name: str
    objects: tuple[CarriedObject, ...]
    next: int = 0


class FollowController(JobSource):
    """Asks the click decoder by a box for each object; the answers are candidates like those of a search."""

    def __init__(
        self,
        document: Document,
        carry: CarryController,
        predict: PredictController,
        candidates: CandidatesController,
        *,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._carry = carry
        self._predict = predict
        self._candidates = candidates
        self._engine = engine
        self._errors = errors
        self._errand: _Errand | None = None
        self._count = 0
        document.events.current_changed.connect(self.stop)
        predict.encoded.connect(self._on_encoded)

    @property
    def is_following(self) -> bool:
        """Whether objects are still asked about."""
        return self._errand is not None

    def begin(self) -> None:
        """Looks for the objects of the image before on this one."""
        self._carry.look_at_image_before(self._begin)

    def stop(self, *_: object) -> None:
        """Ends the search; what is found stays until it is accepted or dropped."""
        if self._errand is not None:
            name, self._errand = self._errand.name, None
            self.ended.emit(name)

    @override
    def cancel_named(self, full_name: str) -> None:
        if self._errand is not None and full_name == self._errand.name:
            self.stop()

    def _begin(self, objects: tuple[CarriedObject, ...]) -> None:
        image_id = self._document.readable_id
        if image_id is None:
            return
        self.stop()
        self._candidates.clear()
        self._count += 1
        self._errand = _Errand(image_id, f"follow#{self._count}", objects)
        self.began.emit(self._errand.name, self.tr("Tracking objects"))
        if self._predict.is_encoded(image_id):
            self._ask()
        else:
            self._predict.encode(image_id)

    def _on_encoded(self, image_id: str) -> None:
        if self._errand is not None and self._errand.image_id == image_id and self._errand.next == 0:
            self._ask()

    def _ask(self) -> None:
        errand = self._errand
        if errand is None:
            return
        shape = self._document.masks.shape(errand.image_id)
        while errand.next < len(errand.objects):
            carried = errand.objects[errand.next]
            box = _box(carried.rect, shape or (0, 0))
            errand.next += 1
            if box is not None:
                self._submit(errand, carried, PromptSet(box=box))
                return
        self.stop()

    def _submit(self, errand: _Errand, carried: CarriedObject, prompts: PromptSet) -> None:
        self._engine.submit(
            SegmentObject(errand.image_id, prompts),
            lambda answer: self._on_answer(errand, carried, answer),
            key="follow",
            priority=Priority.NORMAL,
            is_current=lambda: errand is self._errand,
            is_fresh=lambda answer: self._predict.is_fresh(answer.image_id, answer.version),
            on_stale=lambda: self._on_lost(errand),
            on_failure=self._on_failed,
            on_cancelled=lambda: self._on_lost(errand),
        )

    def _on_answer(self, errand: _Errand, carried: CarriedObject, answer: MaskProposal) -> None:
        if answer.is_refining:
            return
        pixels = int(answer.mask.sum())
        if pixels:
            found = ObjectCandidate(answer.rect, answer.mask, answer.score, 1.0, pixels, carried.class_id)
            self._candidates.offer((found,))
        self.progressed.emit(errand.name, errand.next / len(errand.objects))
        self._ask()

    def _on_failed(self, error: LatentsegError) -> None:
        self.stop()
        self._errors.report(error)

    def _on_lost(self, errand: _Errand) -> None:
        if errand is self._errand:
            self.stop()


def _box(rect: Rect, shape: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """A box (x0, y0, x1, y1) round a rectangle, inside the image; None where it lies outside."""
    rows, cols = rect.shape
    more_y, more_x = max(_LEAST, _ROUND_IT * rows), max(_LEAST, _ROUND_IT * cols)
    x0, y0 = max(0.0, rect.col0 - more_x), max(0.0, rect.row0 - more_y)
    x1, y1 = min(float(shape[1]), rect.col1 + more_x), min(float(shape[0]), rect.row1 + more_y)
    return (x0, y0, x1, y1) if x1 - x0 >= 1 and y1 - y0 >= 1 else None
