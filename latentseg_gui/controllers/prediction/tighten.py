"""The shape of a proposal before it is accepted: live, and never of the mask."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.prediction.tightening import Tightening, tightened


class TightenController(QObject):
    """Puts the tightened proposal in the place of each one that the model gives; it ends with the object.

    Nothing is tightened until nothing is left: nobody would see what clicks correct, or that accepting it deletes.
    An object that was taken up keeps its new shape: clicks start from that (`PointingController`).
    """

    changed = Signal(object)
    """Proposals are made tighter or wider by this `Tightening`, which did not come by way of `use`."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._tightening = self._lasting = Tightening()
        self._given: MaskProposal | None = None
        self._made: MaskProposal | None = None
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._tighten)
        document.events.proposal_changed.connect(self._on_proposal_changed)
        document.events.prompts_changed.connect(self._on_prompts_changed)
        document.events.current_changed.connect(self._on_current_changed)

    def use(self, tightening: Tightening) -> None:
        """Gives the proposal that is shown another shape, as soon as nothing else is to be done."""
        self._tightening = tightening
        self._soon.start(0)

    def settle(self) -> None:
        """Does at once what was asked for: a click or Enter right behind it is about the shape that was meant."""
        if self._soon.isActive():
            self._soon.stop()
            self._tighten()

    def shift(self, pixels: int) -> bool:
        """Moves the border of the proposal outwards, inwards where negative; False where there is none."""
        return self._change(self._tightening.shifted(pixels))

    def toggle_edges(self) -> bool:
        """Snaps the border of the proposal to edges of the picture, or no longer; False where there is none."""
        return self._change(replace(self._tightening, follows_edges=not self._tightening.follows_edges))

    def _change(self, tightening: Tightening) -> bool:
        if self._given is None or self._given.image_id != self._document.images.current_id:
            return False
        self.use(tightening)
        self.changed.emit(tightening)
        return True

    def _on_prompts_changed(self, image_id: str) -> None:
        """What was taken up has the shape that is shown from now on: clicks have begun."""
        taken = self._document.prompts.of(image_id).taken_up
        if taken is not None and self._made is not None and taken.mask is self._made.mask:
            self._given = self._made
            self._forget()

    def _on_proposal_changed(self, image_id: str) -> None:
        if image_id != self._document.images.current_id:
            return
        proposal = self._document.prompts.proposal(image_id)
        if proposal is not None and proposal is self._made:
            return
        self._given, self._lasting = proposal, Tightening()
        if proposal is None:
            self._forget()
        elif not self._tightening.is_neutral:
            self._tighten()

    def _on_current_changed(self, image_id: str | None) -> None:
        self._forget()
        self._given = None if image_id is None else self._document.prompts.proposal(image_id)

    def _forget(self) -> None:
        self._soon.stop()
        self._made, self._lasting = None, Tightening()
        if not self._tightening.is_neutral:
            self._tightening = Tightening()
            self.changed.emit(self._tightening)

    def _tighten(self) -> None:
        given = self._given
        record = self._document.records.of(given.image_id) if given is not None else None
        if given is None or record is None or given.image_id != self._document.images.current_id:
            return
        made = tightened(given, self._tightening, record.pixels)
        if given.mask.any() and not made.mask.any():
            self._tightening = self._lasting
            self.changed.emit(self._lasting)
            return
        self._made, self._lasting = made, self._tightening
        self._document.prompts.set_proposal(given.image_id, self._made)
