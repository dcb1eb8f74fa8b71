"""Icons drawn from the shipped SVG files in the colours of the palette in force when they are painted."""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QIconEngine, QImage, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

from assets import asset_path

_ALIASES: Final = {
    "accept": "check",
    "accept_prediction": "check",
    "actual_size": "one-to-one",
    "add": "plus",
    "cancel": "close",
    "clear_mask": "trash",
    "command_palette": "command",
    "delete": "trash",
    "fill_holes": "holes",
    "image": "open",
    "knock_out": "knock-out",
    "next": "chevron-right",
    "previous": "chevron-left",
    "remove_specks": "specks",
    "shortcut_sheet": "keyboard",
    "show_attention": "attention",
    "show_outlines": "outlines",
    "show_overlay": "overlay",
    "show_territory": "territory",
    "show_uncertainty": "uncertainty",
}
_PLACEHOLDER: Final = b"currentColor"


@cache
def icon(name: str) -> QIcon:
    """The icon called ``name``, tinted by the palette; a null icon where no such file is shipped."""
    source = _source(name)
    return QIcon() if source is None else QIcon(_TintedEngine(source))


def has_icon(name: str) -> bool:
    """Whether an icon of this name is shipped."""
    return _source(name) is not None


@cache
def _source(name: str) -> bytes | None:
    file_name = _ALIASES.get(name, name).replace("_", "-") + ".svg"
    try:
        return asset_path("icons", file_name).read_bytes()
    except FileNotFoundError:
        return None


class _TintedEngine(QIconEngine):
    """Renders one SVG, its ``currentColor`` replaced by the colour of the state."""

    def __init__(self, source: bytes) -> None:
        super().__init__()
        self._source = source

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draws the icon into the largest centred square of ``rect``."""
        colour = _colour(mode, state)
        svg = QSvgRenderer(QByteArray(self._source.replace(_PLACEHOLDER, colour)))
        side = min(rect.width(), rect.height())
        square = QRectF(0, 0, side, side)
        square.moveCenter(QRectF(rect).center())
        svg.render(painter, square)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """The icon as a transparent picture; a button squeezed to nothing asks for one without pixels."""
        if size.isEmpty():
            return QPixmap()
        image = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        self.paint(painter, image.rect(), mode, state)
        painter.end()
        return QPixmap.fromImage(image)

    def clone(self) -> QIconEngine:
        """A second engine for the same drawing."""
        return _TintedEngine(self._source)


def _colour(mode: QIcon.Mode, state: QIcon.State) -> bytes:
    palette = QGuiApplication.palette()
    if mode == QIcon.Mode.Disabled:
        colour = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
    elif mode == QIcon.Mode.Selected:
        colour = palette.color(QPalette.ColorRole.HighlightedText)
    elif state == QIcon.State.On:
        colour = palette.color(QPalette.ColorRole.Accent)
    else:
        colour = palette.color(QPalette.ColorRole.ButtonText)
    return colour.name().encode()
