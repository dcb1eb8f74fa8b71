"""Two arrays of labels beside each other, with a divider between them."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QFont

from latentseg_gui.canvas.camera import Camera
from latentseg_gui.canvas.chrome.divider import SplitDivider
from latentseg_gui.canvas.layers.labels import LabelLayer
from latentseg_gui.canvas.parts.visibility import VisibilityPart
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.document.types import Labels


class ComparisonPart:
    """Shows a comparison in place of the mask.

    Attributes:
        divider: the line between the halves.
    """

    def __init__(
        self,
        surface: Surface,
        halves: tuple[LabelLayer, LabelLayer],
        camera: Camera,
        visibility: VisibilityPart,
        font: QFont,
    ) -> None:
        self.divider = SplitDivider(font)
        self._surface = surface
        self._left, self._right = halves
        self._visibility = visibility
        camera.changed.connect(self._clip_halves)

    def set(self, left: Labels | None, right: Labels | None, names: tuple[str, str] = ("", "")) -> None:
        """Shows two arrays of class ids, uint8 [H, W], and what they are; None twice ends it."""
        was_comparing = self.divider.is_shown
        is_comparing = left is not None or right is not None
        self._left.labels, self._right.labels = left, right
        self.divider.is_shown, self.divider.names = is_comparing, names
        self.set_divider(self.divider.fraction if was_comparing else 0.5)
        self._visibility.set_comparing(is_comparing)

    def set_divider(self, fraction: float) -> None:
        """Puts the divider at a fraction of the width of the view."""
        viewport = self._surface.viewport
        before = self.divider.x(viewport)
        self.divider.fraction = min(max(fraction, 0.0), 1.0)
        self._clip_halves()
        after = self.divider.x(viewport)
        height = round(viewport.device_size[1] / viewport.ratio)
        self._surface.refresh_area(
            QRect(int(min(before, after)) - 2, 0, int(abs(after - before)) + 5, height)
        )
        self._surface.refresh_chrome(self.divider)

    def _clip_halves(self) -> None:
        width = self._surface.viewport.device_size[0]
        middle = round(self.divider.fraction * width)
        self._left.clip, self._right.clip = (0, middle), (middle, width)
