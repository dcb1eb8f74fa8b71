"""What a click here would give, before it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.meanings import MeaningsController
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import (
    MaskProposal,
    PromptPoint,
    PromptSet,
    as_shown,
    lost_at,
)
from latentseg_gui.inference.messages import SegmentObject
from latentseg_gui.inference.request import Priority


class HoverController(QObject):
    """Shows a preview while the mouse rests; the document never hears of it.

    Where nothing is clicked, it is the object that a click would give; on the proposal, the part that a right click
    would take away. First what is known at once; where a click would look closer, a mouse that stays is shown what
    comes of that.
    """

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        predict: PredictController,
        meanings: MeaningsController,
        *,
        engine: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._predict = predict
        self._engine = engine
        self._is_on = False
        self._meanings = meanings
        self._wanted: SegmentObject | None = None
        self._job: int | None = None
        self._wanted_on = PromptSet()
        self._ask_closer: Callable[[], None] | None = None
        self._stays = False
        self._is_shown = False
        canvas.hover_rested.connect(self._on_hover_rested)
        canvas.hover_stayed.connect(self._on_hover_stayed)
        canvas.cursor_moved.connect(self._on_cursor_moved)
        canvas.cursor_left.connect(self.drop)

    def set_enabled(self, is_on: bool) -> None:
        """Switches the preview on or off."""
        self._is_on = is_on
        self.drop()

    def _on_hover_rested(self, x: float, y: float) -> None:
        image_id = self._document.images.current_id
        if not self._is_on or image_id is None or self._canvas.pointer.tool is not ToolName.CLICK:
            return
        if not self._predict.is_encoded(image_id):
            return
        prompts = self._document.prompts.of(image_id)
        if self._document.prompts.is_idle(image_id):
            self._ask(image_id, replace(prompts, points=(PromptPoint((x, y), True),)), self._on_proposed)
        elif self._is_inside(image_id, (x, y)) and not self._canvas.prompts.is_near((x, y)):
            begun = as_shown(prompts, self._document.prompts.proposal(image_id))
            points = (*prompts.points, PromptPoint((x, y), False))
            self._ask(image_id, replace(begun, points=points), partial(self._on_less, (x, y)))

    def _on_hover_stayed(self, x: float, y: float) -> None:
        self._stays = True
        if self._ask_closer is not None:
            self._ask_closer()

    def _ask(self, image_id: str, prompts: PromptSet, show: Callable[[MaskProposal], None]) -> None:
        """Asks what is known at once, and then, if the mouse stays, what a closer look gives."""
        continues = self._meanings.goes_on_from(image_id, prompts)
        request = SegmentObject(image_id, prompts, is_preview=True, continues=continues)
        self._wanted_on = self._document.prompts.of(image_id)

        def on_answer(answer: MaskProposal) -> None:
            show(answer)
            if not answer.is_refining:
                return
            self._ask_closer = partial(self._submit, replace(request, looks_closer=True), show)
            if self._stays:
                self._ask_closer()

        self._submit(request, on_answer)

    def _submit(self, request: SegmentObject, on_answer: Callable[[MaskProposal], None]) -> None:
        self._wanted, self._ask_closer = request, None
        self._job = self._engine.submit(
            request,
            on_answer,
            key="hover",
            priority=Priority.HOVER,
            is_current=partial(self._is_wanted, request),
        )

    def _is_wanted(self, request: SegmentObject) -> bool:
        is_here = request is self._wanted and request.image_id == self._document.images.current_id
        return is_here and self._document.prompts.of(request.image_id) == self._wanted_on

    def _is_inside(self, image_id: str, xy: tuple[float, float]) -> bool:
        """Whether a place lies in what is proposed, for good, to what is pointed at."""
        proposal = self._document.prompts.proposal(image_id)
        if proposal is None or proposal.is_refining:
            return False
        is_answered = proposal.prompts == self._document.prompts.of(image_id)
        return is_answered and proposal.has(rc_from_xy(xy))

    def _on_proposed(self, answer: MaskProposal) -> None:
        if not answer.rect.is_empty:
            self._is_shown = True
            self._canvas.proposal.set(answer.rect, answer.mask, is_preview=True)

    def _on_less(self, xy: tuple[float, float], answer: MaskProposal) -> None:
        """Shows what a right click would take away; nothing where that is not known without a zoom."""
        if answer.is_refining:
            return
        proposal = self._document.prompts.proposal(answer.image_id)
        lost = None if proposal is None else lost_at(proposal, answer, rc_from_xy(xy))
        if proposal is not None and lost is not None:
            self._is_shown = True
            self._canvas.proposal.set_losing(proposal.rect, proposal.mask, lost)

    def _on_cursor_moved(self, x: float, y: float) -> None:
        self.drop()

    def drop(self) -> None:
        """Shows what was clicked again, as when the pointer moves on or another tool is taken."""
        self._wanted, self._ask_closer, self._stays = None, None, False
        if self._job is not None:
            self._engine.recall(self._job)  # a closer look that nobody waits for would keep clicks waiting
            self._job = None
        if not self._is_shown:
            return
        self._is_shown = False
        image_id = self._document.images.current_id
        proposal = None if image_id is None else self._document.prompts.proposal(image_id)
        if proposal is None or proposal.rect.is_empty:
            self._canvas.proposal.set(None, None)
        else:
            self._canvas.proposal.set(proposal.rect, proposal.mask)
