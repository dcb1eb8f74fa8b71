"""What the predictor keeps and hands out: numpy in public, tensors only inside `EncodedImage`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.prediction.click_constraints import AnsweredClicks
from model.prediction.zoom_region import EncodedRegion


@dataclass(frozen=True, slots=True)
class ClassPrediction:
    """Labels uint8 [H, W]: the most likely class; confidence [H, W]: its probability.

    The confidence is float32 in 0..1, or uint8 in 0..255 where the caller brought such an array. Instances uint32
    [H, W]: numbers of the objects, 0 for none; None where the network does not tell objects apart by itself. Depth,
    uint8 [H, W]: how deep a pixel lies in its object, 255 for its middle, of which `model.analysis.objects` makes
    objects; None where the network has not learned that. Temperature: what the confidence was calibrated with
    (`model.analysis.calibration`), 1 where it was not.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[Any]
    instances: NDArray[np.uint32] | None = None
    depth: NDArray[np.uint8] | None = None
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Attention:
    """Where experts look and which pixels they explain, per head, at token resolution.

    Attributes:
        look: float32 [heads, K, h, w]; sums to 1 over (h, w) for every head and expert; in a part of an image,
            to the share of the whole look that lies there.
        mix: float32 [heads, K, h, w]; sums to 1 over K at every token and head.
        shape: (rows, columns) of the image, or of the part.
        stride: pixels of the image per token, along one side.
        origin: (row, column) of the image at which the part begins.
    """

    look: NDArray[np.float32]
    mix: NDArray[np.float32]
    shape: tuple[int, int]
    stride: float
    origin: tuple[int, int] = (0, 0)


@dataclass(slots=True, eq=False)
class EncodedImage:
    """An image and what the encoder made of it: keep it, hand it back through `Predictor.encoding`.

    Attributes:
        pixels: uint8 [H, W, 3], not copied.
        encoding: of the picture at its working size.
        size: (rows, columns) of the working size; that of the image unless it is very large.
        weights: the predictor it belongs to; others refuse it.
        zoomed: the region that clicks were last about, seen zoomed in.
        glimpsed: regions of the last preview, the same way: a click that needs one of them need not encode it.
        overview: the whole as clicks see it first: smaller, and in float32; None where this one serves.
        answered: masks that were given for clicks.
        object_scale: factor on its size at which its objects are told apart best; None where nobody has asked yet.
    """

    pixels: NDArray[np.uint8]
    encoding: Any
    size: tuple[int, int]
    weights: object
    zoomed: EncodedRegion | None = field(default=None)
    glimpsed: tuple[EncodedRegion, ...] = field(default=())
    overview: EncodedImage | None = field(default=None)
    answered: AnsweredClicks = field(default_factory=AnsweredClicks)
    object_scale: float | None = field(default=None)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the image."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def is_reduced(self) -> bool:
        """Whether the image was encoded at less than its own size."""
        return self.size != self.shape

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Encoded pixels per pixel of the image."""
        return self.size[1] / self.shape[1], self.size[0] / self.shape[0]

    @property
    def for_clicks(self) -> EncodedImage:
        """What clicks are answered from."""
        return self.overview or self

    @property
    def nbytes(self) -> int:
        """Memory of the encoding, for caches."""
        seen = self.glimpsed if self.zoomed is None else (self.zoomed, *self.glimpsed)
        parts = [self.encoding, *(each.encoding for each in seen)]
        own = sum(int(getattr(part, "nbytes", part.tokens.nbytes)) for part in parts)
        return own + self.answered.nbytes + (0 if self.overview is None else self.overview.nbytes)
