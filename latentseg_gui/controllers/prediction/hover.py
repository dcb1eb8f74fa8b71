"""What a click here would give, before it is made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.tools import ToolName
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptPoint
from latentseg_gui.inference.messages import SegmentObject
from latentseg_gui.inference.request import Priority


class HoverController(QObject):
    """Shows a preview while the mouse rests and nothing is clicked; the document never hears of it."""

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        predict: PredictController,
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
        self._wanted: SegmentObject | None = None
        self._is_shown = False
        canvas.hover_rested.connect(self._on_hover_rested)
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
        if not self._document.prompts.is_idle(image_id):
            return  # what was clicked stands, and is not exchanged for what might be
        preview = replace(prompts, points=(PromptPoint((x, y), True),))
        request = SegmentObject(image_id, preview, is_preview=True)
        self._wanted = request
        self._engine.submit(
            request,
            self._on_proposed,
            key="hover",
            priority=Priority.HOVER,
            is_current=partial(self._is_wanted, request),
        )

    def _is_wanted(self, request: SegmentObject) -> bool:
        is_here = request is self._wanted and request.image_id == self._document.images.current_id
        return is_here and self._document.prompts.is_idle(request.image_id)

    def _on_proposed(self, answer: MaskProposal) -> None:
        if not answer.rect.is_empty:
            self._is_shown = True
            self._canvas.proposal.set(answer.rect, answer.mask, is_preview=True)

    def _on_cursor_moved(self, x: float, y: float) -> None:
        self.drop()

    def drop(self) -> None:
        """Shows what was clicked again, as when the pointer moves on or another tool is taken."""
        self._wanted = None
        if not self._is_shown:
            return
        self._is_shown = False
        image_id = self._document.images.current_id
        proposal = None if image_id is None else self._document.prompts.proposal(image_id)
        if proposal is None or proposal.rect.is_empty:
            self._canvas.proposal.set(None, None)
        else:
            self._canvas.proposal.set(proposal.rect, proposal.mask)
