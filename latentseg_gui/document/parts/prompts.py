"""What the user points at, and the objects that the model makes of it."""

from __future__ import annotations

from latentseg_gui.document.parts.entries import Entries
from latentseg_gui.document.prediction.proposals import MaskProposal, PromptSet


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
        """Whether nothing is clicked on the image, and no object is taken up."""
        prompts = self.of(image_id)
        return prompts.is_empty and prompts.taken_up is None

    def proposal(self, image_id: str) -> MaskProposal | None:
        """The object that the clicks so far make; not part of the mask."""
        return self._entries.get(image_id).proposal

    def set_proposal(self, image_id: str, proposal: MaskProposal | None) -> None:
        """Show a proposal, or none."""
        entry = self._entries.get(image_id)
        if proposal is not entry.proposal:
            entry.proposal = proposal
            self.events.proposal_changed.emit(image_id)
