"""What networks without experts attend to, as values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class MapGroup:
    """Maps that belong together: the heads of a layer, or all gates.

    Attributes:
        title: of the group, as shown.
        titles: of each map.
        maps: float32 [h, w] each, over the whole image; padding is cut off.
    """

    title: str
    titles: tuple[str, ...]
    maps: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkMaps:
    """What a network has to show of an image, or of one pixel in it.

    Attributes:
        image_id: the image.
        version: of the weights.
        groups: the maps.
        xy: the pixel that they are about; None where they are about the whole image.
    """

    image_id: str
    version: str
    groups: tuple[MapGroup, ...]
    xy: tuple[float, float] | None = None
