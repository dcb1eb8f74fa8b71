"""What clicks attend to, computed only while somebody looks at it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.experts.maps import PromptAttention
from latentseg_gui.document.prediction.proposals import PromptSet
from latentseg_gui.inference.messages import ComputePromptAttention
from latentseg_gui.panels.experts.panel import ExpertsPanel
from latentseg_gui.panels.experts.sources import CLICKS


class ClickMapsController(QObject):
    """Feeds the panel's maps of clicks; a proposal that is shown is always answered first."""

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        *,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._sources = panel.sources
        self._engine = engine
        self._errors = errors
        document.events.current_changed.connect(self._on_current_changed)
        document.events.prompts_changed.connect(self._on_prompts_changed)
        document.events.proposal_changed.connect(self._on_proposal_changed)
        self._sources.clicks_wanted.connect(self._compute)

    def _on_current_changed(self, image_id: str | None) -> None:
        self._sources.offer_clicks(False)
        if image_id is not None:
            self._on_proposal_changed(image_id)

    def _on_prompts_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id and self._document.prompts.of(image_id).is_empty:
            self._sources.offer_clicks(False)

    def _on_proposal_changed(self, image_id: str) -> None:
        if image_id != self._document.images.current_id:
            return
        proposal = self._document.prompts.proposal(image_id)
        if proposal is None or proposal.prompts.is_empty or self._document.prompts.of(image_id).is_empty:
            return
        self._sources.offer_clicks(True)
        if self._sources.chosen == CLICKS:
            self._compute()

    def _compute(self) -> None:
        image_id = self._document.images.current_id
        if image_id is None or self._document.prompts.of(image_id).is_empty:
            return
        prompts = self._document.prompts.of(image_id)
        self._engine.submit(
            ComputePromptAttention(image_id, prompts),
            self._on_maps,
            key="prompt attention",
            is_current=partial(self._is_asked, image_id, prompts),
            on_failure=self._on_failed,
        )

    def _is_asked(self, image_id: str, prompts: PromptSet) -> bool:
        return image_id == self._document.images.current_id and prompts == self._document.prompts.of(image_id)

    def _on_maps(self, answer: PromptAttention) -> None:
        self._sources.set_clicks(answer)

    def _on_failed(self, error: LatentsegError) -> None:
        self._sources.offer_clicks(False)
        self._errors.inform(str(error))
