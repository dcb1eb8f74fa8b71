"""Perceptually uniform colour maps, as a few anchors each with straight lines between them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_ANCHORS: Final = {
    "magma": "000004 140e36 3b0f70 641a80 8c2981 b73779 de4968 f7705c fe9f6d fecf92 fcfdbf",
    "viridis": "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725",
    "grey": "000000 ffffff",
}

COLOUR_MAPS: Final = tuple(_ANCHORS)


def heatmap_colours(name: str) -> NDArray[np.uint8]:
    """The 256 colours of a map, uint8 [256, 3].

    Raises:
        KeyError: there is no such map.
    """
    anchors = np.array([list(bytes.fromhex(code)) for code in _ANCHORS[name].split()], np.float64)
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)
