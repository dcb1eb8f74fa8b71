"""What else a click may mean: the whole that the object belongs to, or a part of it; asked for, then taken in turn."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet, proposal_iou
from latentseg_gui.inference.messages import SegmentObject

Key = tuple[str, PromptSet]
Meaning = tuple[int, MaskProposal]
"""Its number for the engine (`SegmentObject.continues`), and the object."""

_SAME: Final = 0.95
"""Of objects that agree by a larger IoU, only the first is worth showing."""


class MeaningsController(QObject):
    """Shows another meaning of the clicks as the proposal; further clicks go on from the one that was chosen."""

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        predict: PredictController,
        *,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._predict = predict
        self._engine = engine
        self._errors = errors
        self._known: dict[Key, tuple[Meaning, ...]] = {}
        self._chosen: dict[Key, int] = {}
        self._asked: Key | None = None
        predict.forgotten.connect(self._known.clear)
        canvas.meaning_requested.connect(self.turn)
        document.events.prompts_changed.connect(self._on_prompts_changed)
        document.events.current_changed.connect(self._on_current_changed)

    def turn(self, steps: int = 1) -> None:
        """Shows the next meaning of the clicks on the current image, or one before; asks for them at first."""
        image_id = self._document.images.current_id
        if image_id is None or self._document.prompts.proposal(image_id) is None:
            return
        key = image_id, self._document.prompts.of(image_id)
        if key[1].is_empty or key == self._asked:
            return
        if key in self._known:
            self._choose(key, self._chosen[key] + steps)
            return
        self._ask(key, steps)

    def goes_on_from(self, image_id: str, prompts: PromptSet) -> int:
        """The number of the meaning that was chosen of all but the last click; 0 for the likeliest."""
        earlier = image_id, replace(prompts, points=prompts.points[:-1])
        known = self._known.get(earlier)
        return 0 if known is None else known[self._chosen[earlier]][0]

    def meant_by(self, answer: MaskProposal) -> MaskProposal:
        """What to show for an answer: the meaning that was chosen of the same clicks, else the answer itself."""
        key = answer.image_id, answer.prompts
        known = self._known.get(key)
        if known is None or known[0][1].version != answer.version:
            self._known.pop(key, None)
            return answer
        self._say(key)
        return known[self._chosen[key]][1]

    def _ask(self, key: Key, steps: int) -> None:
        image_id, prompts = key
        self._asked = key
        self._canvas.status.set_pending(True, self.tr("searching for other meanings…"), is_brief=True)

        def is_fresh(answer: MaskProposal) -> bool:
            return self._predict.is_fresh(image_id, answer.version)

        self._engine.submit(
            SegmentObject(
                image_id, prompts, with_candidates=True, continues=self.goes_on_from(image_id, prompts)
            ),
            partial(self._on_answered, steps),
            key="meanings",
            is_current=lambda: self._document.images.has(image_id) and key == self._present(image_id),
            is_fresh=is_fresh,
            on_stale=self._forget_question,
            on_failure=self._on_failed,
        )

    def _present(self, image_id: str) -> Key:
        return image_id, self._document.prompts.of(image_id)

    def _on_answered(self, steps: int, answer: MaskProposal) -> None:
        if answer.is_refining:
            return
        self._forget_question()
        key = answer.image_id, answer.prompts
        is_here = answer.image_id == self._document.images.current_id
        if is_here:
            self._canvas.status.set_pending(False)
        known = _distinct((replace(answer, candidates=()), *answer.candidates))
        if len(known) > 1:
            self._known[key], self._chosen[key] = known, 0
            self._choose(key, steps)
        elif is_here:
            self._errors.inform(
                self.tr("The model sees one meaning only. Click where something is missing or too much.")
            )

    def _choose(self, key: Key, index: int) -> None:
        known = self._known[key]
        self._chosen[key] = index % len(known)
        self._document.prompts.set_proposal(key[0], known[self._chosen[key]][1])
        self._say(key)

    def _say(self, key: Key) -> None:
        if key[0] != self._document.images.current_id:
            return
        known, index = self._known[key], self._chosen[key]
        text = self.tr("{0} of {1} · quality {2:.0f} %")
        self._canvas.status.set_note(text.format(index + 1, len(known), 100 * known[index][1].score))

    def _forget_question(self) -> None:
        self._asked = None

    def _on_failed(self, error: LatentsegError) -> None:
        self._forget_question()
        self._canvas.status.set_pending(False)
        self._errors.report(error)

    def _on_prompts_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id:
            self._canvas.status.set_note("")
        if self._document.prompts.is_idle(image_id):
            for key in [key for key in self._known if key[0] == image_id]:
                del self._known[key]

    def _on_current_changed(self, image_id: str | None) -> None:
        self._canvas.status.set_note("")
        key = None if image_id is None else self._present(image_id)
        if key in self._known:
            self._say(key)


def _distinct(found: tuple[MaskProposal, ...]) -> tuple[Meaning, ...]:
    """Objects with their numbers, without the empty and those that are as good as one before."""
    kept: list[Meaning] = []
    for number, each in enumerate(found):
        is_new = all(proposal_iou(each, other) < _SAME for _, other in kept)
        if number == 0 or (is_new and not each.rect.is_empty):
            kept.append((number, each))
    return tuple(kept)
