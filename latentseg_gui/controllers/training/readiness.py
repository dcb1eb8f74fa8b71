"""What keeps training from beginning: what only the user can do, and what comes by itself."""

from __future__ import annotations

from PySide6.QtCore import QObject

from latentseg_gui.controllers.training.background import BackgroundQuestion
from latentseg_gui.controllers.training.training_set import TrainingSet
from latentseg_gui.controllers.training.weights import WeightsController


class Readiness(QObject):
    """Says in a sentence what is missing.

    Args:
        samples: what would be trained on.
        background: whether classes can be told apart.
        weights: what would be trained.
        parent: owner of this QObject.

    Attributes:
        held: what learns already in the process for training, as a sentence; "" where nothing does.
    """

    def __init__(
        self,
        samples: TrainingSet,
        background: BackgroundQuestion,
        weights: WeightsController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._samples = samples
        self.background = background
        self._weights = weights
        self.held = ""

    @property
    def no_model(self) -> str:
        """That there is no model, and none comes by itself; "" where there is one, or one is being loaded."""
        if not self._weights.has_failed:
            return ""
        return self.tr(
            "The model could not be loaded, so nothing can learn. Open weights, or start it again."
        )

    def lacking(self) -> str:
        """What only the user can put right; "" where nothing is."""
        if failed := self.no_model:
            return failed
        coming = self._samples.coming.sentence
        if not self._samples.image_ids and not coming:
            return self.tr("Paint or accept a mask on at least one image first.")
        return self.background.obstacle() if self._samples.counts.is_complete and not coming else ""

    def awaited(self, *, needs_classes: bool = True) -> str:
        """What is missing and comes by itself; "" where nothing is.

        Args:
            needs_classes: whether it matters which classes are labelled.
        """
        if self.held:
            return self.held
        if self._weights.live is None and not self._weights.has_failed:
            return self.tr("The model is still being loaded.")
        if coming := self._samples.coming.sentence:
            return coming
        is_open = self.background.obstacle() or self.background.is_open
        is_known = self._samples.counts.is_complete or not is_open
        return "" if is_known or not needs_classes else self.tr("Labels are still being counted.")
