"""Lets a simulated-click harness drive `Predictor`: ``--predictor click_adapter:LatentExperts``."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model import Predictor, load


class LatentExperts:
    """The shipped weights (or those of a file), each click starting from the answer to the one before."""

    def __init__(self, weights: str = "", device: str = "cpu", **options: int) -> None:
        self._predictor = (
            Predictor(load(weights)[0], device, **options) if weights else Predictor.default(device)
        )

    def set_image(self, rgb: NDArray[np.uint8]) -> None:
        """Encode ``rgb``, uint8 [H, W, 3]."""
        self._predictor.set_image(rgb)
        self._logits: NDArray[np.float32] | None = None

    def predict(self, clicks: Sequence[tuple[int, int, bool]]) -> NDArray[np.bool_]:
        """Mask of the object for clicks (row, column, is positive), oldest first."""
        xy = np.array([(column + 0.5, row + 0.5) for row, column, _ in clicks])
        labels = np.array([int(positive) for _, _, positive in clicks])
        mask, _, self._logits = self._predictor.predict(xy, labels, mask_input=self._logits)
        return mask
