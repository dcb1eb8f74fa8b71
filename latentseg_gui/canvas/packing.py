"""Between numpy arrays and Qt's 32-bit images, without copies where that is possible.

A *packed* array is uint32 [H, W] in Qt's 0xAARRGGBB order; colours of overlays are premultiplied.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from latentseg_gui.document.types import Rect

Packed = NDArray[np.uint32]


def qimage_of(packed: Packed, *, has_alpha: bool) -> QImage:
    """A QImage that looks at ``packed``, which must be contiguous and must outlive it."""
    rows, cols = packed.shape
    layout = QImage.Format.Format_ARGB32_Premultiplied if has_alpha else QImage.Format.Format_RGB32
    return QImage(packed.view(np.uint8).data, cols, rows, cols * 4, layout)


def image_of_rgb(pixels: NDArray[np.uint8], rect: Rect, table: NDArray[np.uint8] | None = None) -> QImage:
    """A 32-bit copy of ``rect`` of an RGB image, each value looked up in ``table`` [256] if there is one."""
    rows, cols = rect.shape
    if table is not None:
        part = table.take(pixels[rect.slices])
        width, buffer = cols, part.reshape(-1)
    else:
        width = int(pixels.shape[1])
        start = (rect.row0 * width + rect.col0) * 3
        buffer = pixels.reshape(-1)[start : start + ((rows - 1) * width + cols) * 3]
    source = QImage(buffer.data, cols, rows, width * 3, QImage.Format.Format_RGB888)
    return source.convertToFormat(QImage.Format.Format_RGB32)


def packed_view(image: QImage) -> Packed:
    """The pixels of a 32-bit image, to be read only while ``image`` lives."""
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width())


def pack_table(rgba: NDArray[np.uint8]) -> Packed:
    """Straight-alpha colours uint8 [N, 4] as premultiplied packed colours [N]."""
    wide = rgba.astype(np.uint32)
    alpha = wide[:, 3]
    red, green, blue = ((wide[:, channel] * alpha + 127) // 255 for channel in range(3))
    return np.asarray((alpha << 24) | (red << 16) | (green << 8) | blue, np.uint32)


def mean_packed(first: Packed, second: Packed) -> Packed:
    """The mean of two packed arrays, all four channels at once, rounded down."""
    differing = (first ^ second) & np.uint32(0xFEFEFEFE)
    return (first & second) + (differing >> np.uint32(1))


def halved(packed: Packed) -> Packed:
    """Packed pixels at half the resolution: means of 2x2 blocks; an odd last row or column repeats."""
    rows, cols = packed.shape
    if rows % 2 or cols % 2:
        packed = np.pad(packed, ((0, rows % 2), (0, cols % 2)), mode="edge")
    upper = mean_packed(packed[0::2, 0::2], packed[0::2, 1::2])
    return mean_packed(upper, mean_packed(packed[1::2, 0::2], packed[1::2, 1::2]))
