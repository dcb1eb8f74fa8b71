"""Goes to a region of an image: shows the image, goes close to the region and makes it blink."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QRectF, QTimer

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.images.images import ImagesController
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import Rect
from latentseg_gui.panels.flash import FlashFrame

_SHARE: Final = 0.4
"""A region that was gone to takes up this part of the view."""

_CLOSEST: Final = 8.0
"""Screen pixels per pixel of the image: closer, what lies round a small region could not be seen."""


class RegionNavigator(QObject):
    """Leads the eye to a region."""

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        images: ImagesController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._images = images
        self._wanted: tuple[str, Rect] | None = None
        self._flash = FlashFrame(canvas)
        document.events.current_changed.connect(self._on_current_changed)

    def go_to(self, image_id: str, rect: Rect) -> None:
        """Shows a rectangle of an image, in the middle of the view."""
        self._wanted = image_id, rect
        if image_id == self._document.images.current_id:
            self._show()
        else:
            self._images.show(image_id)

    def _on_current_changed(self, image_id: str | None) -> None:
        if self._wanted is not None and self._wanted[0] == image_id:
            QTimer.singleShot(0, self, self._show)

    def _show(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is None or not self._canvas.image.is_shown:
            return
        rect = wanted[1]
        rows, cols = (max(1, side) for side in rect.shape)
        scale = _SHARE * min(self._canvas.width() / cols, self._canvas.height() / rows)
        self._canvas.camera.zoom_to(min(scale, _CLOSEST) * self._canvas.devicePixelRatioF())
        self._canvas.camera.centre_on(((rect.col0 + rect.col1) / 2, (rect.row0 + rect.row1) / 2))
        self._flash.flash(self._on_canvas(rect).toRect())

    def _on_canvas(self, rect: Rect) -> QRectF:
        viewport = self._canvas.camera.viewport
        corner = viewport.to_logical((float(rect.col0), float(rect.row0)))
        return QRectF(corner, viewport.to_logical((float(rect.col1), float(rect.row1))))
