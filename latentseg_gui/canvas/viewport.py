"""Where the image lies on the screen: one frozen value, and the only place that converts positions.

Three frames: *image* (float pixels of the image, ``xy`` of `document.types`), *device* (whole physical
pixels of the widget) and *logical* (Qt's widget coordinates, device divided by the pixel ratio). A zoom
of 1 shows one image pixel on one device pixel. The image starts on a whole device pixel, so that panning
never resamples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF

from latentseg_gui.document.types import Rect

MAX_SCALE: Final = 64.0
MIN_SIDE: Final = 24
"""A zoom-out stops when the longer side of the image is this many device pixels (or at 0.1)."""
FIT_MARGIN: Final = 12
"""Device pixels left free on each side when the image is fitted into the view."""
_EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an image lies on the widget.

    Attributes:
        image_shape: (rows, columns) of the image; (0, 0) without one.
        device_size: (width, height) of the widget in device pixels.
        ratio: device pixels per logical pixel.
        scale: device pixels per image pixel.
        offset: device pixel (x, y) on which the upper left corner of the image lies.
        shift: how far, in device pixels, the corner of the widget lies right of and below the whole pixel
            on which it is drawn: a fraction, where the ratio is one.
    """

    image_shape: tuple[int, int] = (0, 0)
    device_size: tuple[int, int] = (1, 1)
    ratio: float = 1.0
    scale: float = 1.0
    offset: tuple[int, int] = (0, 0)
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def has_image(self) -> bool:
        """Whether there is anything to look at."""
        return self.image_shape[0] > 0 and self.image_shape[1] > 0

    @property
    def image_box(self) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) of the image in device pixels, half-open."""
        return self._box(Rect.whole(self.image_shape))

    def to_image(self, position: QPointF) -> tuple[float, float]:
        """The image position shown at a logical position: at the centre of the device pixel under it."""
        device_x, device_y = self._to_device(position)
        x = math.floor(device_x + _EPSILON) + 0.5
        y = math.floor(device_y + _EPSILON) + 0.5
        return (x - self.offset[0]) / self.scale, (y - self.offset[1]) / self.scale

    def to_logical(self, xy: tuple[float, float]) -> QPointF:
        """The logical position of an image position."""
        x = xy[0] * self.scale + self.offset[0]
        y = xy[1] * self.scale + self.offset[1]
        return QPointF((x - self.shift[0]) / self.ratio, (y - self.shift[1]) / self.ratio)

    def contains(self, xy: tuple[float, float]) -> bool:
        """Whether an image position lies on the image."""
        return 0 <= xy[0] < self.image_shape[1] and 0 <= xy[1] < self.image_shape[0]

    def clamped(self, xy: tuple[float, float]) -> tuple[float, float]:
        """The nearest position on the image, edges included."""
        rows, cols = self.image_shape
        return min(max(xy[0], 0.0), float(cols)), min(max(xy[1], 0.0), float(rows))

    def device_rect(self, rect: Rect, margin: int = 0) -> QRect:
        """The device pixels that show ``rect``, grown by ``margin``, inside the widget."""
        x0, y0, x1, y1 = self._box(rect)
        grown = QRect(x0 - margin, y0 - margin, x1 - x0 + 2 * margin, y1 - y0 + 2 * margin)
        return grown.intersected(QRect(0, 0, *self.device_size))

    def device_from_logical(self, rect: QRect) -> QRect:
        """The device pixels that a logical rectangle touches, inside the widget."""
        left, top = self._to_device(QPointF(rect.topLeft()))
        right, bottom = left + rect.width() * self.ratio, top + rect.height() * self.ratio
        x0, y0 = math.floor(left), math.floor(top)
        return QRect(x0, y0, math.ceil(right) - x0, math.ceil(bottom) - y0).intersected(
            QRect(0, 0, *self.device_size)
        )

    def logical_from_device(self, rect: QRect) -> QRect:
        """The smallest logical rectangle that covers the device pixels of ``rect``."""
        left, top = ((v - s) / self.ratio for v, s in zip((rect.x(), rect.y()), self.shift, strict=True))
        right, bottom = left + rect.width() / self.ratio, top + rect.height() / self.ratio
        x0, y0 = math.floor(left), math.floor(top)
        return QRect(x0, y0, math.ceil(right) - x0, math.ceil(bottom) - y0)

    def visible_rect(self) -> Rect:
        """The image pixels of which any part is visible."""
        return self.rect_under(QRect(0, 0, *self.device_size))

    def rect_under(self, device: QRect) -> Rect:
        """The image pixels of which any part is shown in a rectangle of device pixels."""
        x0, y0 = device.x() - self.offset[0], device.y() - self.offset[1]
        return Rect(
            math.floor(y0 / self.scale),
            math.floor(x0 / self.scale),
            math.ceil((y0 + device.height()) / self.scale),
            math.ceil((x0 + device.width()) / self.scale),
        ).clipped(self.image_shape)

    def sample_rows(self, start: int, stop: int) -> NDArray[np.intp]:
        """The image row shown at the centre of each of the device rows ``start:stop``; not clipped."""
        return self._samples(start, stop, self.offset[1])

    def sample_cols(self, start: int, stop: int) -> NDArray[np.intp]:
        """The image column shown at the centre of each of the device columns ``start:stop``; not clipped."""
        return self._samples(start, stop, self.offset[0])

    def target(self, x0: float, y0: float, x1: float, y1: float) -> QRectF:
        """The device area of a box in image coordinates, not rounded."""
        left, top = x0 * self.scale + self.offset[0], y0 * self.scale + self.offset[1]
        return QRectF(left, top, (x1 - x0) * self.scale, (y1 - y0) * self.scale)

    def _to_device(self, position: QPointF) -> tuple[float, float]:
        return position.x() * self.ratio + self.shift[0], position.y() * self.ratio + self.shift[1]

    def _box(self, rect: Rect) -> tuple[int, int, int, int]:
        return (
            math.floor(rect.col0 * self.scale + _EPSILON) + self.offset[0],
            math.floor(rect.row0 * self.scale + _EPSILON) + self.offset[1],
            math.ceil(rect.col1 * self.scale - _EPSILON) + self.offset[0],
            math.ceil(rect.row1 * self.scale - _EPSILON) + self.offset[1],
        )

    def _samples(self, start: int, stop: int, offset: int) -> NDArray[np.intp]:
        centres = np.arange(start - offset, stop - offset, dtype=np.float64) + 0.5
        return np.floor(centres / self.scale).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Viewport(Placement):
    """A placement that can be moved; every move gives another one."""

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole image is just visible; small images grow to at most 16."""
        if not self.has_image:
            return 1.0
        width, height = (max(1, side - 2 * FIT_MARGIN) for side in self.device_size)
        return min(width / self.image_shape[1], height / self.image_shape[0], 16.0)

    @property
    def is_whole_visible(self) -> bool:
        """Whether no part of the image is outside the widget."""
        x0, y0, x1, y1 = self.image_box
        return x0 >= 0 and y0 >= 0 and x1 <= self.device_size[0] and y1 <= self.device_size[1]

    def fitted(self) -> Viewport:
        """The whole image, centred."""
        return self.centred((self.image_shape[1] / 2, self.image_shape[0] / 2), self.fit_scale)

    def centred(self, xy: tuple[float, float], scale: float | None = None) -> Viewport:
        """The same view with the image position ``xy`` in the middle."""
        middle = (self.device_size[0] / 2, self.device_size[1] / 2)
        return self._anchored(xy, middle, self.scale if scale is None else scale)

    def zoomed(self, scale: float, position: QPointF) -> Viewport:
        """The same view at another scale, the image position under ``position`` (logical) staying there."""
        device = self._to_device(position)
        xy = tuple((device[i] - self.offset[i]) / self.scale for i in (0, 1))
        return self._anchored((xy[0], xy[1]), device, scale)

    def panned(self, dx: int, dy: int) -> Viewport:
        """The same view with the image moved by whole device pixels."""
        return replace(self, offset=(self.offset[0] + dx, self.offset[1] + dy))._kept_in_sight()

    def resized(self, device_size: tuple[int, int], ratio: float) -> Viewport:
        """The same image position in the middle of a widget of another size."""
        middle = (self.device_size[0] / 2, self.device_size[1] / 2)
        xy = tuple((middle[i] - self.offset[i]) / self.scale for i in (0, 1))
        scale = self.scale * ratio / self.ratio
        return replace(self, device_size=device_size, ratio=ratio).centred((xy[0], xy[1]), scale)

    def _anchored(self, xy: tuple[float, float], device: tuple[float, float], scale: float) -> Viewport:
        scale = min(max(scale, self._min_scale()), MAX_SCALE)
        offset = (round(device[0] - xy[0] * scale), round(device[1] - xy[1] * scale))
        return replace(self, scale=scale, offset=offset)._kept_in_sight()

    def _min_scale(self) -> float:
        return min(self.fit_scale, 0.1, MIN_SIDE / max(1, *self.image_shape))

    def _kept_in_sight(self) -> Viewport:
        """Never lets the image leave the widget altogether."""
        x0, y0, x1, y1 = self.image_box
        (width, height), keep = self.device_size, 32
        dx = max(0, min(keep, width) - x1) - max(0, x0 - (width - keep))
        dy = max(0, min(keep, height) - y1) - max(0, y0 - (height - keep))
        return replace(self, offset=(self.offset[0] + dx, self.offset[1] + dy)) if dx or dy else self
