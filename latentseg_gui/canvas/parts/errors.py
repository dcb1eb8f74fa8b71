"""Which pixels the model gets wrong, in the place of mask and prediction."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.canvas.chrome.legend import LegendEntry
from latentseg_gui.canvas.layers.labels import LabelStyle
from latentseg_gui.canvas.layers.stack import LayerStack
from latentseg_gui.canvas.parts.visibility import VisibilityPart
from latentseg_gui.document.types import Labels


class ErrorsPart:
    """Shows kinds of errors, each in its colour, with a legend."""

    def __init__(self, stack: LayerStack, visibility: VisibilityPart) -> None:
        self._stack = stack
        self._visibility = visibility

    def set(self, codes: Labels | None, entries: Mapping[int, LegendEntry] = MappingProxyType({})) -> None:
        """Shows codes, uint8 [H, W]; one without an entry is clear.

        Args:
            codes: of every pixel; None for mask and prediction again.
            entries: what each code means, and in which colour.
        """
        layer = self._stack.errors
        layer.labels = codes
        layer.set_style(LabelStyle(_table(entries), opacity=0.6, halo_opacity=0.6))
        self._visibility.set_errors_legend(None if codes is None else tuple(entries.values()))


def _table(entries: Mapping[int, LegendEntry]) -> NDArray[np.uint8]:
    """RGBA by code, uint8 [256, 4]."""
    table = np.zeros((256, 4), np.uint8)
    for code, entry in entries.items():
        table[code] = (*bytes.fromhex(entry.colour.lstrip("#")), 255)
    return table
