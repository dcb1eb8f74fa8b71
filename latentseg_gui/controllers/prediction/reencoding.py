"""Encodes an image again that a question is about and that the model does not have (any more)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from latentseg_gui.controllers.jobs import OnFailure
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError


class Reencoding(QObject):
    """Remembers who waits for which image. For `Jobs.show_image`."""

    def __init__(self, document: Document, predict: PredictController, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._predict = predict
        self._waiting: dict[str, list[tuple[Callable[[], None], OnFailure]]] = {}
        predict.encoded.connect(self._on_encoded)
        predict.failed.connect(self._on_failed)

    def show(self, image_id: str, then: Callable[[], None], otherwise: OnFailure) -> None:
        """Lets the model see an image, whatever is believed of what it has seen.

        Args:
            image_id: the image.
            then: called once the model has seen it.
            otherwise: called with the reason where that is not possible.
        """
        if self._document.records.of(image_id) is None:
            otherwise(_not_seen())
            return
        self._waiting.setdefault(image_id, []).append((then, otherwise))
        self._predict.encode_again(image_id)

    def _on_encoded(self, image_id: str) -> None:
        for then, _ in self._waiting.pop(image_id, ()):
            then()

    def _on_failed(self, image_id: str, error: LatentsegError | None) -> None:
        for _, otherwise in self._waiting.pop(image_id, ()):
            otherwise(error or _not_seen())


def _not_seen() -> LatentsegError:
    return LatentsegError("The model has not seen this image yet.", action="Select it again in the list.")
