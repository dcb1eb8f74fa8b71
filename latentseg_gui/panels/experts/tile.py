"""How the tile of an expert is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from latentseg_gui.panels.pixmaps import cover
from latentseg_gui.panels.roles import hairline, muted, role_colour

TILE_ROLE: Final = int(Qt.ItemDataRole.UserRole)
_RADIUS: Final = 7.0
_MAX_SCALED: Final = 512


@dataclass(frozen=True, slots=True)
class ExpertTile:
    """What one tile shows.

    Attributes:
        expert: its index.
        name: what stands below the picture.
        picture: the heatmap.
        colour: of the expert in territory and bars.
        mass: share of the image that it explains, 0..1.
        is_out: whether it is knocked out.
        badge: what else was done to it, in a word.
        is_overlaid: whether the canvas shows it.
        tip: figures, for the tool tip.
    """

    expert: int
    name: str
    picture: QImage
    colour: QColor
    mass: float
    is_out: bool = False
    badge: str = ""
    is_overlaid: bool = False
    tip: str = ""


class TileDelegate(QStyledItemDelegate):
    """Heatmap, name, a bar for the mass; struck through where the expert is knocked out."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scaled: dict[tuple[int, int, float], QPixmap] = {}

    def _pixmap(self, picture: QImage, size: QSize, ratio: float) -> QPixmap:
        """The picture at the size of a tile; scaled once, not at every repaint."""
        key = (picture.cacheKey(), size.width(), ratio)
        if key not in self._scaled:
            if len(self._scaled) > _MAX_SCALED:
                self._scaled.clear()
            self._scaled[key] = cover(picture, size, ratio, _RADIUS)
        return self._scaled[key]

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        tile: ExpertTile | None = index.data(TILE_ROLE)
        if tile is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell: QRect = option.rect
        side = cell.width() - 8
        picture = QRect(cell.left() + 4, cell.top() + 4, side, side - 8)
        ratio = painter.device().devicePixelRatioF()
        _paint_picture(
            painter, picture, tile, self._pixmap(tile.picture, picture.size(), ratio), option.palette
        )
        _paint_frame(painter, picture, tile, option.palette, option.state)
        caption = QRect(picture.left(), picture.bottom() + 4, side, cell.bottom() - picture.bottom() - 4)
        _paint_caption(painter, caption, tile, option.font, option.palette)
        painter.restore()

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        view = option.widget
        return view.gridSize() if isinstance(view, QListView) else QSize(88, 100)


def _paint_picture(
    painter: QPainter, rect: QRect, tile: ExpertTile, pixmap: QPixmap, palette: QPalette
) -> None:
    painter.setOpacity(0.22 if tile.is_out else 1.0)
    painter.drawPixmap(rect, pixmap)
    painter.setOpacity(1.0)
    if tile.is_out:
        pen = QPen(role_colour("bad", palette), 2.0)
        painter.setPen(pen)
        painter.drawLine(rect.left() + 9, rect.bottom() - 9, rect.right() - 9, rect.top() + 9)
    elif tile.badge:
        _paint_badge(painter, rect, tile.badge)


def _paint_badge(painter: QPainter, rect: QRect, text: str) -> None:
    metrics = QFontMetrics(painter.font())
    badge = QRect(0, 0, metrics.horizontalAdvance(text) + 10, metrics.height() + 2)
    badge.moveTopRight(rect.topRight())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 170))
    painter.drawRoundedRect(badge.translated(-4, 4), 6, 6)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(badge.translated(-4, 4), Qt.AlignmentFlag.AlignCenter, text)


def _paint_frame(
    painter: QPainter, rect: QRect, tile: ExpertTile, palette: QPalette, state: QStyle.StateFlag
) -> None:
    accent = palette.color(QPalette.ColorRole.Accent)
    if tile.is_overlaid:
        pen = QPen(accent, 3.0)
    elif state & QStyle.StateFlag.State_Selected:
        pen = QPen(accent, 1.6)
    elif state & QStyle.StateFlag.State_MouseOver:
        pen = QPen(palette.color(QPalette.ColorRole.Dark), 1.6)
    else:
        pen = QPen(hairline(palette), 1.0)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)


def _paint_caption(painter: QPainter, rect: QRect, tile: ExpertTile, font: QFont, palette: QPalette) -> None:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.84)
    painter.setFont(small)
    bar = QRectF(rect.left(), rect.top(), rect.width(), 3)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(hairline(palette))
    painter.drawRoundedRect(bar, 1.5, 1.5)
    painter.setBrush(tile.colour)
    bar.setWidth(max(3.0, rect.width() * min(tile.mass, 1.0)))
    painter.drawRoundedRect(bar, 1.5, 1.5)
    painter.setPen(muted(palette) if tile.is_out else palette.color(QPalette.ColorRole.Text))
    text = QFontMetrics(small).elidedText(tile.name, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect.adjusted(0, 4, 0, 0), Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, text)
