"""The drawing ground of the canvas: view, frame of layers, chrome; it knows no tools and no content."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.chrome.base import ChromeItem, TextItem
from latentseg_gui.canvas.compositor import Compositor
from latentseg_gui.canvas.intents import CanvasIntents
from latentseg_gui.canvas.layers.base import Layer
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

_DARK_GROUND: Final = QColor(30, 30, 32)
_LIGHT_GROUND: Final = QColor(205, 205, 208)


class CanvasSurface(CanvasIntents):
    """Shows layers and chrome through a viewport that can be moved."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewport = Viewport()
        self._compositor = Compositor()
        self._layers: list[Layer] = []
        self._chrome: list[ChromeItem] = []
        self._drawn: dict[int, QRect] = {}
        self._is_fitted = True
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self._take_ground()

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
        self._look(self._viewport.zoomed(scale, QPointF(self.width() / 2, self.height() / 2)))

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

    def refresh_image_rect(self, rect: Rect, margin: int = 0) -> None:
        """Draws the layers again where they show ``rect``, and ``margin`` device pixels around it."""
        device = self._viewport.device_rect(rect, margin)
        if not device.isEmpty():
            self._compositor.invalidate(device)
            self.update(self._viewport.logical_from_device(device))

    def refresh_layers(self) -> None:
        """Draws everything again."""
        self._compositor.invalidate(QRect(0, 0, *self._viewport.device_size))
        self.update()

    def refresh_chrome(self, *items: ChromeItem) -> None:
        """Draws items of chrome again, where they were and where they are."""
        for item in items:
            bounds = item.bounds(self._viewport)
            self.update(self._drawn.get(id(item), QRect()).united(bounds))
            self._drawn[id(item)] = bounds

    def _look(self, viewport: Viewport) -> None:
        """Takes another view; a mere pan moves what is drawn."""
        before, self._viewport = self._viewport, viewport
        self._is_fitted = False
        if before == viewport:
            return
        is_pan = (before.scale, before.device_size, before.image_shape) == (
            viewport.scale,
            viewport.device_size,
            viewport.image_shape,
        )
        if is_pan:
            moved = (viewport.offset[i] - before.offset[i] for i in (0, 1))
            self._compositor.shift(*moved)
        else:
            self._compositor.resize(viewport.device_size)
        for item in self._chrome:
            self._drawn[id(item)] = item.bounds(viewport)
        self.update()
        self.view_changed.emit()

    def _fit_frame(self) -> None:
        """Follows the size and the pixel ratio of the widget."""
        ratio = self.devicePixelRatioF()
        spare = 0 if ratio == int(ratio) else 1
        size = (math.ceil(self.width() * ratio) + spare, math.ceil(self.height() * ratio) + spare)
        corner = self.mapTo(self.window(), QPoint(0, 0))
        shift = (_past_whole(corner.x() * ratio), _past_whole(corner.y() * ratio))
        if shift != self._viewport.shift:
            self._viewport = replace(self._viewport, shift=shift)
        if (size, ratio) == (self._viewport.device_size, self._viewport.ratio):
            return
        resized = self._viewport.resized(size, ratio)
        is_fitted = self._is_fitted
        self._look(resized.fitted() if is_fitted else resized)
        self._is_fitted = is_fitted

    def _take_ground(self) -> None:
        is_dark = self.palette().color(QPalette.ColorRole.Window).lightness() < 128
        self._compositor.backdrop = _DARK_GROUND if is_dark else _LIGHT_GROUND
        self.refresh_layers()

    def sizeHint(self) -> QSize:
        """Room enough to work in."""
        return QSize(800, 600)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Brings the frame up to date where it is stale, shows it, and draws the chrome above it."""
        self._fit_frame()
        viewport = self._viewport
        self._compositor.render(viewport, self._layers)
        painter = QPainter(self)
        painter.scale(1 / viewport.ratio, 1 / viewport.ratio)
        painter.drawImage(QPoint(0, 0), self._compositor.frame)
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for item in self._chrome:
            if item.bounds(viewport).intersects(event.rect()):
                painter.save()
                item.paint(painter, viewport, self.palette())
                painter.restore()
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps the middle in the middle."""
        super().resizeEvent(event)
        self._fit_frame()

    def changeEvent(self, event: QEvent) -> None:
        """Follows palette and font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            for item in self._chrome:
                if isinstance(item, TextItem):
                    item.font = self.font()
            self.update()
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.ApplicationPaletteChange):
            self._take_ground()


def _past_whole(value: float) -> float:
    """How far a position lies past the whole pixel that Qt draws it on."""
    return value - math.floor(value + 0.5)
