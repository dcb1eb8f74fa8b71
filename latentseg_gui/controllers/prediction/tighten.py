"""The shape of a proposal before it is accepted: live, and never of the mask."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.prediction.tightening import Tightening, tightened


class TightenController(QObject):
    """Puts the tightened proposal in the place of each one that the model gives; it ends with the object."""

    reset = Signal()
    """Proposals are as the model gives them again."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._tightening = Tightening()
        self._given: MaskProposal | None = None
        self._made: MaskProposal | None = None
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._tighten)
        document.events.proposal_changed.connect(self._on_proposal_changed)
        document.events.current_changed.connect(self._on_current_changed)

    def use(self, tightening: Tightening) -> None:
        """Gives the proposal that is shown another shape, as soon as nothing else is to be done."""
        self._tightening = tightening
        self._soon.start(0)

    def _on_proposal_changed(self, image_id: str) -> None:
        if image_id != self._document.images.current_id:
            return
        proposal = self._document.prompts.proposal(image_id)
        if proposal is not None and proposal is self._made:
            return
        self._given = proposal
        if proposal is None:
            self._forget()
        elif not self._tightening.is_neutral:
            self._tighten()

    def _on_current_changed(self, image_id: str | None) -> None:
        self._forget()
        self._given = None if image_id is None else self._document.prompts.proposal(image_id)

    def _forget(self) -> None:
        self._soon.stop()
        self._made = None
        if not self._tightening.is_neutral:
            self._tightening = Tightening()
            self.reset.emit()

    def _tighten(self) -> None:
        given = self._given
        record = self._document.records.of(given.image_id) if given is not None else None
        if given is None or record is None or given.image_id != self._document.images.current_id:
            return
        self._made = tightened(given, self._tightening, record.pixels)
        self._document.prompts.set_proposal(given.image_id, self._made)
