"""The document: one truth for the window, without Qt and without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks import MaskStore
from latentseg_gui.document.renumbering import ClassNumbers, Renumbering
from latentseg_gui.document.types import MaskProposal, Prediction, PromptSet


class Document(MaskStore):
    """Images, their masks, and what is shown over them without being part of them.

    Three layers never blur: the mask (truth, changed by commands), the proposal (transient, from
    clicks), and the prediction (derived, from the model). Not safe to share between threads.
    """

    def __init__(self, classes: ClassTable | None = None, *, id_prefix: str = "image") -> None:
        super().__init__(id_prefix)
        self._classes = classes or ClassTable.default()
        self._active_class = min(1, len(self._classes) - 1)
        self.numbers = ClassNumbers()

    @property
    def classes(self) -> ClassTable:
        """The classes; index is class id."""
        return self._classes

    def set_classes(self, classes: ClassTable) -> None:
        """Take another table; called by commands, which also see to the masks."""
        if classes == self._classes:
            return
        self._take_classes(classes, self._active_class)

    def remap_classes(
        self, classes: ClassTable, table: NDArray[np.uint8], ready: Renumbering | None = None
    ) -> None:
        """Take another table whose ids differ; called by commands only.

        Args:
            classes: the new table.
            table: new id by old id, uint8 [256]; `UNLABELLED` stays itself. Predictions follow it
                (what would become unlabelled there becomes background) and count as stale.
            ready: what was worked out before; the rest is worked out here.
        """
        ready = ready or Renumbering({}, {})
        self.remap_masks(table, ready.masks)
        for image_id, entry in self._entries.items():
            if entry.prediction is not None:
                entry.prediction = ready.prediction(image_id, entry.prediction, table, len(classes))
        self.numbers.note(self._classes, classes, table)
        self._take_classes(classes, int(table[self._active_class]))
        self.mark_predictions_stale()

    @property
    def active_class(self) -> int:
        """The class that tools paint with."""
        return self._active_class

    @active_class.setter
    def active_class(self, class_id: int) -> None:
        if not 0 <= class_id < len(self._classes):
            raise LatentsegError(f"There is no class number {class_id}.", action="Choose one of the list.")
        if class_id != self._active_class:
            self._active_class = class_id
            self.events.active_class_changed.emit(class_id)

    def set_error(self, image_id: str, error: LatentsegError | None) -> None:
        """Remember why an image cannot be read; None when it can."""
        self._entry(image_id).error = error
        self._check_status(image_id)

    def error(self, image_id: str) -> LatentsegError | None:
        """Why the image cannot be read, or None."""
        return self._entry(image_id).error

    def mark_saved(self, revision: int | None = None) -> None:
        """What the document was at ``revision`` (None: what it is now) has been saved.

        From now on changes of the list of images count as something to save too.
        """
        self._is_kept = True
        if revision is None or revision == self.revision:
            self._set_dirty(False)

    def mark_dirty(self) -> None:
        """There is something to save after all (a save failed, work was recovered)."""
        self._set_dirty(True)

    def prediction(self, image_id: str) -> Prediction | None:
        """What the model says of the image."""
        return self._entry(image_id).prediction

    def is_prediction_stale(self, image_id: str) -> bool:
        """Whether the prediction was made by weights that are no longer in use."""
        return self._entry(image_id).is_stale

    def set_prediction(self, prediction: Prediction) -> None:
        """Take a prediction.

        Raises:
            LatentsegError: if it does not have the size of the image.
        """
        image_id = prediction.image_id
        if prediction.labels.shape != self.layer(image_id).shape:
            raise LatentsegError(f"The prediction does not have the size of “{self.name(image_id)}”.")
        entry = self._entry(image_id)
        entry.prediction, entry.is_stale = prediction, False
        self.events.prediction_changed.emit(image_id)
        self._check_status(image_id)

    def clear_prediction(self, image_id: str) -> None:
        """Forget the prediction of an image."""
        entry = self._entry(image_id)
        if entry.prediction is not None:
            entry.prediction, entry.is_stale = None, False
            self.events.prediction_changed.emit(image_id)
            self._check_status(image_id)

    def mark_predictions_stale(self, *, version: str = "") -> None:
        """The weights have changed: every prediction is from before, but for those of ``version``."""
        for image_id, entry in self._entries.items():
            if entry.prediction is not None and not entry.is_stale and entry.prediction.version != version:
                entry.is_stale = True
                self.events.prediction_changed.emit(image_id)
                self._check_status(image_id)

    def proposal(self, image_id: str) -> MaskProposal | None:
        """The object that the clicks so far make; not part of the mask."""
        return self._entry(image_id).proposal

    def set_proposal(self, image_id: str, proposal: MaskProposal | None) -> None:
        """Show a proposal, or none."""
        entry = self._entry(image_id)
        if proposal is not entry.proposal:
            entry.proposal = proposal
            self.events.proposal_changed.emit(image_id)

    def prompts(self, image_id: str) -> PromptSet:
        """The clicks and the box on the image so far."""
        return self._entry(image_id).prompts

    def set_prompts(self, image_id: str, prompts: PromptSet) -> None:
        """Replace clicks and box."""
        entry = self._entry(image_id)
        if prompts != entry.prompts:
            entry.prompts = prompts
            self.events.prompts_changed.emit(image_id)

    def _take_classes(self, classes: ClassTable, active_class: int) -> None:
        """Change table and active class together, so that no listener sees one without the other."""
        active_before = self._active_class
        self._classes = classes
        self._active_class = min(active_class, len(classes) - 1)
        self._set_dirty(True)
        self.events.classes_changed.emit()
        if self._active_class != active_before:
            self.events.active_class_changed.emit(self._active_class)
