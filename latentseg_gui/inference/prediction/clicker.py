"""Who answers clicks: the weights in use, or the shipped ones where those in use know classes only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.inference.cache import ByteCache
from model.prediction.outputs import EncodedImage
from model.prediction.predictor import Predictor
from model.weights.checkpoint import default_weights_path, load

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
