"""Where one looks: the viewport, and the moves that give another one."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint, QPointF, Signal
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.viewport import Viewport


class Camera(QObject):
    """Moves the view of one widget.

    Signals:
        changed: another part of the image is visible, or the same at another scale.
    """

    changed = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._viewport = Viewport()
        self._is_fitted = True

    @property
    def viewport(self) -> Viewport:
        """Where the image lies on the widget."""
        return self._viewport

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self._viewport.scale

    def zoom_to_fit(self) -> None:
        """Shows the whole image, and goes on doing so when the widget is resized."""
        self._look(self._viewport.fitted())
        self._is_fitted = True

    def zoom_to(self, scale: float) -> None:
        """Zooms about the middle; 1.0 shows one image pixel on one device pixel."""
        middle = QPointF(self._widget.width() / 2, self._widget.height() / 2)
        self._look(self._viewport.zoomed(scale, middle))

    def zoom_at(self, factor: float, position: QPointF) -> None:
        """Zooms by a factor, the image staying where it is under a logical position; halts at 1."""
        before = self._viewport.scale
        scale = before * factor
        if (before - 1) * (scale - 1) < 0:
            scale = 1.0
        self._look(self._viewport.zoomed(scale, position))

    def centre_on(self, xy: tuple[float, float]) -> None:
        """Moves an image position into the middle."""
        self._look(self._viewport.centred(xy))

    def pan_by(self, delta: QPoint) -> None:
        """Moves the image by logical pixels."""
        ratio = self._viewport.ratio
        self._look(self._viewport.panned(round(delta.x() * ratio), round(delta.y() * ratio)))

    def look_at_image(self, shape: tuple[int, int]) -> None:
        """Looks at another image of (rows, columns), all of it; (0, 0) for none."""
        self._look(replace(self._viewport, image_shape=shape).fitted())
        self._is_fitted = True

    def fit_widget(self) -> None:
        """Follows the size and the pixel ratio of the widget."""
        widget, ratio = self._widget, self._widget.devicePixelRatioF()
        spare = 0 if ratio == int(ratio) else 1
        size = (math.ceil(widget.width() * ratio) + spare, math.ceil(widget.height() * ratio) + spare)
        corner = widget.mapTo(widget.window(), QPoint(0, 0))
        shift = (_past_whole(corner.x() * ratio), _past_whole(corner.y() * ratio))
        if shift != self._viewport.shift:
            self._viewport = replace(self._viewport, shift=shift)
        if (size, ratio) == (self._viewport.device_size, self._viewport.ratio):
            return
        resized = self._viewport.resized(size, ratio)
        is_fitted = self._is_fitted
        self._look(resized.fitted() if is_fitted else resized)
        self._is_fitted = is_fitted

    def _look(self, viewport: Viewport) -> None:
        before, self._viewport = self._viewport, viewport
        self._is_fitted = False
        if before != viewport:
            self.changed.emit()


def _past_whole(value: float) -> float:
    """How far a position lies past the whole pixel that Qt draws it on."""
    return value - math.floor(value + 0.5)
