"""What a layer is, and the two ways in which layers get their values onto device pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter

from latentseg_gui.canvas.packing import Packed, qimage_of
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

_SPARSE: Final = 4
"""From one sample in so many columns on, single pixels are picked rather than whole rows copied."""

Value = TypeVar("Value", bound=np.generic)

Part = tuple[Rect, NDArray[Any]]
"""A rectangle of the image, and an array [h, w] of any resolution that is stretched over it."""


class Layer(Protocol):
    """Something that draws itself."""

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``; the painter is in device pixels and clipped to it."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The image pixel at the centre of each device pixel of a rectangle.

    Attributes:
        device: the rectangle, which lies on the image.
        rows: image rows of its device rows, with ``pad`` more on both sides; inside the image.
        cols: the same for columns.
    """

    device: QRect
    rows: NDArray[np.intp]
    cols: NDArray[np.intp]

    @classmethod
    def under(cls, viewport: Viewport, device: QRect, pad: int = 0) -> Samples | None:
        """The samples of the part of ``device`` that shows the image; None where there is no such part."""
        x0, y0, x1, y1 = viewport.image_box
        part = device.intersected(QRect(x0, y0, x1 - x0, y1 - y0))
        if part.isEmpty():
            return None
        rows = viewport.sample_rows(part.y() - pad, part.y() + part.height() + pad)
        cols = viewport.sample_cols(part.x() - pad, part.x() + part.width() + pad)
        np.clip(rows, 0, viewport.image_shape[0] - 1, out=rows)
        np.clip(cols, 0, viewport.image_shape[1] - 1, out=cols)
        return cls(part, rows, cols)

    def of(self, values: NDArray[Value]) -> NDArray[Value]:
        """The samples of an array of the shape of the image."""
        first, last = int(self.cols[0]), int(self.cols[-1])
        if last - first > _SPARSE * self.cols.size:
            return values[self.rows[:, None], self.cols]
        # Not values[:, first:last].take(rows): `take` would first copy all of a part that is not contiguous.
        picked: NDArray[Any] = values[self.rows, first : last + 1]
        return picked.take(self.cols - first, axis=1)


def paint_samples(painter: QPainter, samples: Samples, packed: Packed, *, has_alpha: bool = True) -> None:
    """Draws one colour per device pixel."""
    painter.drawImage(samples.device.topLeft(), qimage_of(np.ascontiguousarray(packed), has_alpha=has_alpha))


def paint_scaled(
    painter: QPainter,
    viewport: Viewport,
    image: QImage,
    box: tuple[float, float, float, float],
) -> None:
    """Draws an image smoothly scaled over a box (x0, y0, x1, y1) in image coordinates."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    painter.drawImage(viewport.target(*box), image)
