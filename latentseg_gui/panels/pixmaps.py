"""Arrays and colours as pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap


def image_from_rgb(pixels: NDArray[np.uint8]) -> QImage:
    """A picture that owns a copy of ``pixels``, uint8 [H, W], [H, W, 3] or [H, W, 4].

    Raises:
        ValueError: the array has another shape.
    """
    array = np.ascontiguousarray(pixels, dtype=np.uint8)
    channels = {2: 1, 3: array.shape[-1]}.get(array.ndim, 0)
    formats = {
        1: QImage.Format.Format_Grayscale8,
        3: QImage.Format.Format_RGB888,
        4: QImage.Format.Format_RGBA8888,
    }
    if channels not in formats or array.size == 0:
        raise ValueError(f"expected a non-empty uint8 [H, W], [H, W, 3] or [H, W, 4], got {array.shape}")
    height, width = array.shape[:2]
    return QImage(array.tobytes(), width, height, array.strides[0], formats[channels]).copy()


def image_from_codes(codes: NDArray[np.uint8], table: NDArray[np.uint8]) -> QImage:
    """A picture of indices [H, W] into a table of colours [256, 3]; Qt looks the colours up."""
    array = np.ascontiguousarray(codes, dtype=np.uint8)
    height, width = array.shape
    picture = QImage(array.tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    packed = 0xFF000000 | (table.astype(np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32))
    picture.setColorTable([int(each) for each in packed])
    return picture.copy()


def cover(picture: QImage, size: QSize, ratio: float = 1.0, radius: float = 5.0) -> QPixmap:
    """``picture`` scaled to fill ``size``, its middle cut out, with rounded corners.

    ``ratio`` is device pixels per logical pixel; ``size`` and ``radius`` are logical.
    """
    target = QSize(round(size.width() * ratio), round(size.height() * ratio))
    scaled = picture.scaled(
        target, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    left = (scaled.width() - target.width()) // 2
    top = (scaled.height() - target.height()) // 2
    cut = scaled.copy(left, top, target.width(), target.height())
    return rounded(cut, ratio, radius)


def rounded(picture: QImage, ratio: float = 1.0, radius: float = 5.0) -> QPixmap:
    """``picture`` with rounded, transparent corners."""
    result = QImage(picture.size(), QImage.Format.Format_ARGB32_Premultiplied)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(picture)
    painter.drawRoundedRect(QRectF(result.rect()), radius * ratio, radius * ratio)
    painter.end()
    pixmap = QPixmap.fromImage(result)
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def swatch(colour: QColor, side: int = 16, ratio: float = 1.0) -> QPixmap:
    """A rounded square of ``colour`` with a faint edge."""
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(128, 128, 128, 140))
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(0.5, 0.5, side - 1, side - 1), side * 0.25, side * 0.25)
    painter.end()
    return pixmap
