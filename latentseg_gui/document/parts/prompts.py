"""What the user points at, and the objects that the model makes of it."""

from __future__ import annotations

from latentseg_gui.document.parts.entries import Entries
from latentseg_gui.document.prediction.proposals import MaskProposal, PointedObject, PromptSet


class Prompts:
    """Clicks, boxes and proposals by image; transient, never part of the masks."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.events = entries.events

    def of(self, image_id: str) -> PromptSet:
        """The clicks and the box on the image so far."""
        return self._entries.get(image_id).prompts

    def set(self, image_id: str, prompts: PromptSet) -> None:
        """Replace clicks and box."""
        entry = self._entries.get(image_id)
        if prompts != entry.prompts:
            entry.prompts = prompts
            self.events.prompts_changed.emit(image_id)

    def is_idle(self, image_id: str) -> bool:
        """Whether nothing is clicked on the image, no object is taken up, and none waits to be accepted."""
        prompts = self.of(image_id)
        return prompts.is_empty and prompts.taken_up is None and not self.earlier(image_id)

    def earlier(self, image_id: str) -> tuple[PointedObject, ...]:
        """Objects that were pointed at before the present one, and are not accepted yet; oldest first."""
        return self._entries.get(image_id).earlier

    def set_earlier(self, image_id: str, objects: tuple[PointedObject, ...]) -> None:
        """Replace the objects that wait to be accepted."""
        entry = self._entries.get(image_id)
        if objects != entry.earlier:
            entry.earlier = objects
            self.events.earlier_changed.emit(image_id)

    def proposal(self, image_id: str) -> MaskProposal | None:
        """The object that the clicks so far make; not part of the mask."""
        return self._entries.get(image_id).proposal

    def set_proposal(self, image_id: str, proposal: MaskProposal | None) -> None:
        """Show a proposal, or none."""
        entry = self._entries.get(image_id)
        if proposal is not entry.proposal:
            entry.proposal = proposal
            self.events.proposal_changed.emit(image_id)
