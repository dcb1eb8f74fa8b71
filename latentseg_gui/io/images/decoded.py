"""What the readers of single formats hand over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Decoded:
    """One page of a file as stored: not turned yet, nothing stretched.

    Attributes:
        values: [H, W] or [H, W, channels] in native byte order.
        notes: sentences about conversions that could not be avoided.
        orientation: the EXIF tag, 1 where there is none.
        colours: how it looks, uint8 [H, W, 3], where that does not follow from the values alone (a
            palette, CMYK); None where it does.
        is_inverted: whether zero means white.
        has_alpha: whether the last channel is transparency.
        nodata: the value that the file itself says stands for "nothing was measured here"; None if it
            names none.
    """

    values: NDArray[np.generic]
    notes: tuple[str, ...] = ()
    orientation: int = 1
    colours: NDArray[np.uint8] | None = None
    is_inverted: bool = False
    has_alpha: bool = False
    nodata: float | None = None


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What can be known of an image before it is decoded.

    Attributes:
        width: in pixels, upright.
        height: in pixels, upright.
        frames: pages or frames in the file.
        bytes: about how much memory reading one of them takes at most.
        format: "PNG", "JPEG", ...
    """

    width: int
    height: int
    frames: int
    bytes: int
    format: str


class UnsupportedError(ValueError):
    """A sound file of a known format, with something in it that is not read.

    Attributes:
        what: what that is, to follow "the file ...": "holds complex numbers".
        action: what the user can do.
    """

    def __init__(self, what: str, action: str) -> None:
        super().__init__(what)
        self.what = what
        self.action = action
