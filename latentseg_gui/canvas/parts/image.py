"""The photograph itself, and the map of it in the corner."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.minimap import Minimap
from latentseg_gui.canvas.layers.image import ImageLayer
from latentseg_gui.canvas.pyramid import ImagePyramid
from latentseg_gui.canvas.surface import Surface

_BUILD_SECONDS: Final = 0.004
"""A slice of work on the pyramid between two turns of the event loop."""


class ImagePart(QObject):
    """Shows an image.

    Signals:
        leaving: another image, or none, is about to take the place of the one that is shown.
        changed: an image is shown, or none.
    """

    leaving = Signal()
    changed = Signal()

    def __init__(self, surface: Surface, layer: ImageLayer, camera: Camera) -> None:
        super().__init__(camera)
        self.minimap = Minimap()
        self._surface = surface
        self._layer = layer
        self._camera = camera
        self._building = QTimer(self)
        self._building.timeout.connect(self._build_pyramid)

    @property
    def is_shown(self) -> bool:
        """Whether there is an image."""
        return self._layer.pyramid is not None

    @property
    def is_complete(self) -> bool:
        """Whether its reduced copies are there, or there is none."""
        return not self._building.isActive()

    def set(self, pixels: NDArray[np.uint8], *, keep_view: bool = False) -> None:
        """Shows another image, fitted, and nothing of the one before.

        Args:
            pixels: uint8 [H, W, 3].
            keep_view: the same image with other values: zoom and everything shown over it stay.

        Raises:
            ValueError: the array is not such an image.
        """
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise ValueError(f"an image must be uint8 [H, W, 3], not {pixels.dtype} {list(pixels.shape)}")
        shape = (int(pixels.shape[0]), int(pixels.shape[1]))
        is_same_place = keep_view and shape == self._camera.viewport.image_shape
        if not is_same_place:
            self.leaving.emit()
        pixels = np.ascontiguousarray(pixels)
        self._layer.pyramid = ImagePyramid(pixels)
        self.minimap.set_pixels(pixels)
        self._camera.fit_widget()
        if not is_same_place:
            self._camera.look_at_image(shape)
        self._building.start(0)
        self.changed.emit()
        self._surface.refresh_layers()

    def clear(self) -> None:
        """Shows no image."""
        self.leaving.emit()
        self._building.stop()
        self._layer.pyramid = None
        self.minimap.set_pixels(None)
        self._camera.look_at_image((0, 0))
        self.changed.emit()
        self._surface.refresh_layers()

    def set_tone(self, table: NDArray[np.uint8] | None) -> None:
        """Shows each of the 256 values of the image as another, uint8 [256]; None for the values themselves."""
        self._layer.table = table
        self._surface.refresh_layers()

    def _build_pyramid(self) -> None:
        pyramid = self._layer.pyramid
        if pyramid is None or pyramid.build(_BUILD_SECONDS):
            self._building.stop()
            self._surface.refresh_layers()
