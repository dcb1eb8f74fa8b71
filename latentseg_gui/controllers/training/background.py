"""What background is, where nobody has labelled any: asked before a fine-tuning, and remembered for live refits."""

from __future__ import annotations

from PySide6.QtCore import QObject

from latentseg_gui.controllers.interfaces import Dialogs
from latentseg_gui.controllers.training.training_set import TrainingSet
from latentseg_gui.document.types import BACKGROUND

_REST, _NONE = "rest", "none"


class BackgroundQuestion(QObject):
    """Knows whether labels say what background is, and asks where they do not.

    Args:
        samples: what would be trained on.
        dialogs: None where nobody can be asked.
        parent: that deletes it.
    """

    def __init__(
        self, samples: TrainingSet, dialogs: Dialogs | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._samples = samples
        self._dialogs = dialogs
        self._answer = ""
        self._is_asking = False

    @property
    def is_open(self) -> bool:
        """Whether objects are labelled, no background is, and something is left that could be it."""
        classes = self._samples.classes
        return bool(classes) and BACKGROUND not in classes and self._samples.has_rest

    @property
    def is_answered(self) -> bool:
        """Whether the user has said so already, in a way that fits the labels."""
        return self._answer == _REST or (self._answer == _NONE and len(self._samples.classes) > 1)

    @property
    def is_rest(self) -> bool:
        """Whether the rest of the images is to be taken as background."""
        return self.is_open and self._answer == _REST

    def obstacle(self) -> str:
        """Why classes cannot be told apart, as a sentence; empty where they can, or where the user can be asked."""
        classes = self._samples.classes
        if len(classes) > 1 or (self.is_open and self._dialogs is not None):
            return ""
        if classes == {BACKGROUND}:
            return self.tr(
                "All that is labelled is background. Label an object too: click it, or paint it with its class."
            )
        return self.tr(
            "Label at least two classes: the object, and some background too (key 0 and the brush)."
        )

    def obstacle_of_refit(self) -> str:
        """The same for what starts by itself, and therefore does not ask, nor begins while the user is asked."""
        if self._is_asking:
            return self.tr("You are being asked what background is.")
        if self.is_open and not self.is_answered:
            return self.tr(
                "Nothing says what background is: label some (key 0 and the brush), or start a fine-tuning and "
                "take the rest of the images as background."
            )
        return ""

    def ask(self) -> bool:
        """Asks where the labels leave it open; False where the user does not want to start."""
        if not self.is_open or self._dialogs is None:
            return True
        actions = [(_REST, self.tr("Take the rest as background"))]
        if len(self._samples.classes) > 1:
            actions.append((_NONE, self.tr("Train without background")))
        question = self.tr(
            "Nothing says what background is: on these images, only objects are labelled. Take the rest of "
            "these images as background? Your masks stay as they are. The rims of brush strokes are left out where "
            "they look like background."
        )
        self._is_asking = True
        try:
            answer = self._dialogs.choose_action(self.tr("What is background?"), question, actions)
        finally:
            self._is_asking = False
        self._answer = answer or self._answer
        return answer is not None
