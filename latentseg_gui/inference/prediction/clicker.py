"""Who answers clicks where the weights in use do not: the shipped ones, or a click model of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.inference.cache import ByteCache
from latentseg_gui.inference.messages import ClickModelInfo, UseClickModel
from model.click_models.click_model import ClickModel, EncodedForClicks
from model.prediction.outputs import EncodedImage
from model.prediction.predictor import Predictor
from model.weights.checkpoint import default_weights_path, load

MAX_BYTES: Final = 512 << 20
"""Of encoded images: 4 MiB each for Segment Anything, 16 MiB for SAM 2."""


class ForeignClicks:
    """Answers clicks by a click model, where one is open.

    Args:
        pixels_of: the pixels of an image.
    """

    def __init__(self, pixels_of: Callable[[str], NDArray[np.uint8]]) -> None:
        self._pixels_of = pixels_of
        self._model: ClickModel | None = None
        self._encoded: ByteCache[str, EncodedForClicks] = ByteCache(MAX_BYTES)

    @property
    def title(self) -> str:
        """Of the click model; "" where there is none."""
        return "" if self._model is None else self._model.title

    def use(self, request: UseClickModel) -> ClickModelInfo:
        """Let a click model answer from now on, or none; the one before stays where it cannot be opened."""
        model = None if request.path is None else ClickModel.open(request.path)
        self._model = model
        self._encoded.drop_where(lambda _: True)
        if model is None:
            return ClickModelInfo(None, "", "")
        return ClickModelInfo(request.path, model.title, model.device, model.digest())

    def shown(self, image_id: str) -> ClickModel | None:
        """The click model set to an image, which is encoded if need be; None where there is none."""
        if self._model is None:
            return None
        encoded = self._encoded.get(image_id)
        if encoded is None:
            encoded = self._model.set_image(self._pixels_of(image_id))
        else:
            self._model.encoding = encoded
        self._encoded.put(image_id, encoded, encoded.nbytes)
        return self._model

    def forget_image(self, image_id: str) -> None:
        """Drop what was encoded of an image."""
        self._encoded.drop(image_id)


KEY: Final = "clicks of the shipped weights"
"""Takes the place of a version where encodings are kept."""


class Clicker:
    """The shipped network beside one that cannot answer clicks; it is loaded when it is first needed.

    Args:
        encoded: where encodings are kept, by image and version.
        pixels_of: the pixels of an image.
    """

    def __init__(
        self,
        encoded: ByteCache[tuple[str, str], EncodedImage],
        pixels_of: Callable[[str], NDArray[np.uint8]],
    ) -> None:
        self._encoded = encoded
        self._pixels_of = pixels_of
        self._device = ""
        self._predictor: Predictor | None = None

    def shown(self, image_id: str, device: str) -> Predictor:
        """The shipped network on a device ("auto", "cpu", ...), set to an image, which is encoded if need be."""
        pixels = self._pixels_of(image_id)
        predictor = self.on(device)
        encoded = self._encoded.get((image_id, KEY))
        if encoded is None:
            encoded = predictor.set_image(pixels)
        else:
            predictor.encoding = encoded
        self._encoded.put((image_id, KEY), encoded, encoded.nbytes)
        return predictor

    def on(self, device: str) -> Predictor:
        """The shipped network on a device, set to whatever it saw last."""
        if self._predictor is None or device != self._device:
            self._predictor = Predictor(load(default_weights_path())[0], device)
            self._device = device
            self._encoded.drop_where(lambda key: key[1] == KEY)
        return self._predictor
