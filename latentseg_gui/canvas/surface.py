"""The drawing ground of the canvas: a frame of layers with chrome above it; it knows no tools and no content."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QRegion
from PySide6.QtWidgets import QWidget

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.base import ChromeItem, TextItem
from latentseg_gui.canvas.layers.base import Layer
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import Rect

_MOST_RECTS: Final = 12
"""A stale area of more rectangles is drawn as its bounding box."""


class Compositor:
    """Keeps the frame and what of it is stale."""

    def __init__(self) -> None:
        self.backdrop = QColor(40, 40, 40)
        self._frame = QImage()
        self._stale = QRegion()

    @property
    def frame(self) -> QImage:
        """The frame; right where it is not stale."""
        return self._frame

    def resize(self, device_size: tuple[int, int]) -> None:
        """Makes the frame fit the widget; all of it is stale then."""
        if (self._frame.width(), self._frame.height()) != device_size:
            self._frame = QImage(*device_size, QImage.Format.Format_RGB32)
        self.invalidate(self._frame.rect())

    def invalidate(self, device: QRect) -> None:
        """Marks a part as stale."""
        self._stale += QRegion(device.intersected(self._frame.rect()))

    def shift(self, dx: int, dy: int) -> None:
        """Moves what is drawn by whole device pixels; what comes into view is stale."""
        whole = self._frame.rect()
        moved = whole.translated(dx, dy).intersected(whole)
        self._stale.translate(dx, dy)
        if not moved.isEmpty():
            kept = self._frame.copy(moved.translated(-dx, -dy))
            painter = QPainter(self._frame)
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
            painter.drawImage(moved.topLeft(), kept)
            painter.end()
        self._stale = (self._stale + QRegion(whole).subtracted(QRegion(moved))) & QRegion(whole)

    def render(self, viewport: Viewport, layers: Iterable[Layer]) -> None:
        """Draws the stale part with all layers, bottom first."""
        if self._stale.isEmpty():
            return
        many = self._stale.rectCount() > _MOST_RECTS
        rects = [self._stale.boundingRect()] if many else list(self._stale)  # type: ignore[call-overload]
        self._stale = QRegion()
        painter = QPainter(self._frame)
        for rect in rects:
            painter.setClipRect(rect)
            painter.fillRect(rect, self.backdrop)
            for layer in layers:
                layer.paint(painter, viewport, rect)
        painter.end()


_DARK_GROUND: Final = QColor(30, 30, 32)
_LIGHT_GROUND: Final = QColor(205, 205, 208)


class Surface:
    """Draws layers and chrome on a widget as a camera sees them, and draws again only what has changed."""

    def __init__(self, widget: QWidget, camera: Camera) -> None:
        self._widget = widget
        self._camera = camera
        self._compositor = Compositor()
        self._layers: list[Layer] = []
        self._chrome: list[ChromeItem] = []
        self._drawn: dict[int, QRect] = {}
        self._followed = camera.viewport
        camera.changed.connect(self._on_camera_changed)
        self.take_ground()

    @property
    def viewport(self) -> Viewport:
        """Where the image lies on the widget."""
        return self._camera.viewport

    def set_layers(self, layers: list[Layer]) -> None:
        """Draws these, the bottom one first."""
        self._layers = layers
        self.refresh_layers()

    def add_chrome(self, items: Iterable[ChromeItem]) -> None:
        """Draws these items above the layers, and above the items that are there already."""
        self._chrome += items

    def refresh_image_rect(self, rect: Rect, margin: int = 0) -> None:
        """Draws the layers again where they show ``rect``, and ``margin`` device pixels around it."""
        device = self.viewport.device_rect(rect, margin)
        if not device.isEmpty():
            self._compositor.invalidate(device)
            self._widget.update(self.viewport.logical_from_device(device))

    def refresh_layers(self) -> None:
        """Draws everything again."""
        self._compositor.invalidate(QRect(0, 0, *self.viewport.device_size))
        self._widget.update()

    def refresh_area(self, area: QRect) -> None:
        """Draws the layers in a logical rectangle again, the next time that it is painted."""
        self._compositor.invalidate(self.viewport.device_from_logical(area))

    def refresh_chrome(self, *items: ChromeItem) -> None:
        """Draws items of chrome again, where they were and where they are."""
        for item in items:
            bounds = item.bounds(self.viewport)
            self._widget.update(self._drawn.get(id(item), QRect()).united(bounds))
            self._drawn[id(item)] = bounds

    def take_ground(self) -> None:
        """Follows the palette of the widget."""
        is_dark = self._widget.palette().color(QPalette.ColorRole.Window).lightness() < 128
        self._compositor.backdrop = _DARK_GROUND if is_dark else _LIGHT_GROUND
        self.refresh_layers()

    def take_font(self) -> None:
        """Follows the font of the widget."""
        for item in self._chrome:
            if isinstance(item, TextItem):
                item.font = self._widget.font()
        self._widget.update()

    def paint(self, area: QRect) -> None:
        """Brings the frame up to date where it is stale, shows it, and draws the chrome that lies in ``area``."""
        self._camera.fit_widget()
        viewport = self.viewport
        self._compositor.render(viewport, self._layers)
        painter = QPainter(self._widget)
        painter.scale(1 / viewport.ratio, 1 / viewport.ratio)
        painter.drawImage(QPoint(0, 0), self._compositor.frame)
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for item in self._chrome:
            if item.bounds(viewport).intersects(area):
                painter.save()
                item.paint(painter, viewport, self._widget.palette())
                painter.restore()
        painter.end()

    def _on_camera_changed(self) -> None:
        """Draws another view; a mere pan moves what is drawn."""
        before, self._followed = self._followed, self.viewport
        after = self._followed
        if (before.scale, before.device_size, before.image_shape) == (
            after.scale,
            after.device_size,
            after.image_shape,
        ):
            self._compositor.shift(*(after.offset[i] - before.offset[i] for i in (0, 1)))
        else:
            self._compositor.resize(after.device_size)
        for item in self._chrome:
            self._drawn[id(item)] = item.bounds(after)
        self._widget.update()
