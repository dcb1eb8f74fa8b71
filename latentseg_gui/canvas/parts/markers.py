"""Markers on single pixels: what the user has pointed at, and numbered pins."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QFont

from latentseg_gui.canvas.chrome.pins import PinMarkers
from latentseg_gui.canvas.chrome.prompts import PendingBadge, PromptMarkers
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.document.prediction.proposals import PromptSet


class PromptsPart:
    """Shows clicks and the box.

    Attributes:
        markers: where they are drawn, for tools that take them.
    """

    def __init__(self, surface: Surface, markers: PromptMarkers, badge: PendingBadge) -> None:
        self.markers = markers
        self._surface = surface
        self._badge = badge

    def set(self, prompts: PromptSet) -> None:
        """Shows what the user has pointed at; the badge stays beside the last click."""
        self.markers.prompts = prompts
        self._surface.refresh_chrome(self.markers, self._badge)


class PinsPart:
    """Shows pixels that are pinned."""

    def __init__(self, surface: Surface, font: QFont) -> None:
        self.markers = PinMarkers(font)
        self._surface = surface

    def set(self, positions: Sequence[tuple[float, float]]) -> None:
        """Marks pixels by numbers, in this order from 1."""
        self.markers.positions = tuple(positions)
        self._surface.refresh_chrome(self.markers)

    def index_at(self, xy: tuple[float, float]) -> int | None:
        """The index of the pin that is shown at an image position."""
        return self.markers.index_at(xy, self._surface.viewport)
