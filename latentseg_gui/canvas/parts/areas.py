"""Areas with an outline: what the clicks propose, the objects that are chosen, the corners that can be moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from latentseg_gui.canvas.chrome.trail import Trail
from latentseg_gui.canvas.layers.proposal import LOST, ProposalLayer
from latentseg_gui.canvas.surface import Surface
from latentseg_gui.document.types import Rect

_NOWHERE = Rect(0, 0, 0, 0)


class AreaPart:
    """Shows one mask."""

    def __init__(self, surface: Surface, layer: ProposalLayer) -> None:
        self._surface = surface
        self._layer = layer

    def set(
        self,
        rect: Rect | None,
        mask: NDArray[np.bool_] | NDArray[np.uint8] | None,
        *,
        is_preview: bool = False,
    ) -> None:
        """Shows a mask of the shape of ``rect``; None for none.

        Args:
            rect: where it lies.
            mask: what it is; areas of different numbers 1..255 have an outline each.
            is_preview: it is only what a click would give; drawn fainter.
        """
        self._layer.set_preview(is_preview)
        self._refresh()
        self._layer.set_mask(rect or _NOWHERE, mask if rect is not None else None)
        self._refresh()

    def set_losing(self, rect: Rect, mask: NDArray[np.bool_], lost: NDArray[np.bool_]) -> None:
        """Shows a mask with a part that a click would take away; both of the shape of ``rect``."""
        self.set(rect, np.where(lost, np.uint8(LOST), mask.astype(np.uint8)))

    def set_colour(self, colour: QColor | str) -> None:
        """Fills it with a colour: of a proposal, that of the class that would be given."""
        self._layer.set_colour(QColor(colour))
        self._refresh()

    def _refresh(self) -> None:
        margin = self._layer.margin(self._surface.viewport) + 1
        self._surface.refresh_image_rect(self._layer.rect, margin)


class OutlinePart:
    """Shows points of the object that is edited as handles."""

    def __init__(self, surface: Surface, trail: Trail) -> None:
        self._surface = surface
        self._trail = trail
        trail.has_handles = True

    def set(self, points: Sequence[tuple[float, float]], *, is_closed: bool = True) -> None:
        """Shows points of the image, joined to an outline if it is closed; none for none."""
        self._trail.points, self._trail.hot, self._trail.is_closed = list(points), None, is_closed
        self._surface.refresh_chrome(self._trail)
