"""What versions of the weights say that are not in use, for a comparison: nothing else changes for it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.class_mapping import LabelMap, Translator
from latentseg_gui.controllers.prediction.compare import CompareController
from latentseg_gui.controllers.training.weights import WeightsController
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.inference.messages import OtherPrediction, PredictionExtras, PredictWith


class OtherVersionsController(QObject):
    """Lets the model's process predict the image with the version that a comparison lacks.

    Args:
        compare: says what is missing, and takes it.
        weights: knows the files of the versions.
        engine: the model's process.
        translator: turns predictions into classes of the document.
        extras: what makes predictions better, as it is switched now: both sides get the same.
        parent: owner of this QObject.
    """

    def __init__(
        self,
        compare: CompareController,
        weights: WeightsController,
        engine: Jobs,
        translator: Translator,
        *,
        extras: Callable[[], PredictionExtras],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._compare = compare
        self._weights = weights
        self._engine = engine
        self._translator = translator
        self._extras = extras
        compare.missing.connect(self._on_missing)

    def _on_missing(self, image_id: str, name: str) -> None:
        version = self._weights.versions.get(name or self._before_live())
        live = self._weights.live
        if version is None or live is None or version.name == live.version:
            self._compare.give_up()
            return
        self._engine.submit(
            PredictWith(image_id, version.path, version.name, self._weights.device, self._extras()),
            self._on_predicted,
            title=self.tr("Predicting with “{0}”").format(version.name),
            key="predict with",
            on_failure=self._on_failed,
        )

    def _before_live(self) -> str:
        """The version that stands before the one in use; "" where that is the first."""
        names = list(self._weights.versions)
        live = self._weights.live
        place = names.index(live.version) if live is not None and live.version in names else 0
        return names[place - 1] if place > 0 else ""

    def _on_predicted(self, answer: OtherPrediction) -> None:
        self._translator.take(answer.prediction, LabelMap.named(answer.class_names), self._compare.take)

    def _on_failed(self, error: LatentsegError) -> None:
        self._compare.give_up(f"{error.what} {error.action}")
