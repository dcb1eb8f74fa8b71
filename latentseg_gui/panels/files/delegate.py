"""How a row of the list of images is painted."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import (
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from latentseg_gui.panels.files.model import FileEntry, FilesRole
from latentseg_gui.panels.pixmaps import cover
from latentseg_gui.panels.tones import hairline, muted, tone, wash

THUMBNAIL: Final = QSize(60, 45)
ROW_HEIGHT: Final = 59
_TONES: Final = {
    "new": "quiet",
    "predicted": "info",
    "corrected": "warn",
    "accepted": "good",
    "stale": "quiet",
    "error": "bad",
}


def status_text(status: str) -> str:
    """A status in the user's language."""
    return QCoreApplication.translate("files", status)


class FilesDelegate(QStyledItemDelegate):
    """Thumbnail, name, status badge, a dot when clicks answer at once, and the sentence of an error."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Qt: draws one row."""
        entry = index.data(FilesRole.ENTRY)
        if not isinstance(entry, FileEntry):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect.adjusted(3, 2, -3, -2)
        palette: QPalette = option.palette
        _paint_ground(painter, rect, palette, option.state, is_error=entry.status == "error")
        picture = QRect(rect.left() + 5, rect.top() + 5, THUMBNAIL.width(), THUMBNAIL.height())
        _paint_thumbnail(painter, picture, index.data(FilesRole.THUMBNAIL), palette)
        text = QRect(
            picture.right() + 10, rect.top() + 6, rect.right() - picture.right() - 17, rect.height() - 12
        )
        _paint_text(painter, text, entry, option.font, palette)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Qt: rows are all of one height."""
        return QSize(200, ROW_HEIGHT)


def _paint_ground(
    painter: QPainter, rect: QRect, palette: QPalette, state: QStyle.StateFlag, *, is_error: bool
) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    if state & QStyle.StateFlag.State_Selected:
        painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(palette.color(QPalette.ColorRole.Accent))
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.setBrush(palette.color(QPalette.ColorRole.Midlight))
    elif is_error:
        painter.setBrush(wash(tone("bad", palette), 0.10))
    else:
        return
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


def _paint_thumbnail(painter: QPainter, rect: QRect, picture: object, palette: QPalette) -> None:
    if isinstance(picture, QImage):
        painter.drawPixmap(rect, cover(picture, rect.size(), painter.device().devicePixelRatioF(), 4.0))
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(wash(hairline(palette), 0.55))
    painter.drawRoundedRect(rect, 4, 4)


def _paint_text(painter: QPainter, rect: QRect, entry: FileEntry, font: QFont, palette: QPalette) -> None:
    metrics = QFontMetrics(font)
    painter.setFont(font)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    name = metrics.elidedText(entry.name, Qt.TextElideMode.ElideMiddle, rect.width())
    painter.drawText(rect, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.84)
    painter.setFont(small)
    small_metrics = QFontMetrics(small)
    colour = tone(_TONES.get(entry.status, "quiet"), palette)
    badge = _paint_badge(painter, rect, status_text(entry.status), small_metrics, colour)
    left = badge.right() + 8
    if entry.is_ready:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone("good", palette))
        painter.drawEllipse(QPointF(left + 3, badge.center().y() + 0.5), 3.0, 3.0)
        left += 14
    rest = QRect(left, badge.top(), rect.right() - left + 1, badge.height())
    note = note_of(entry)
    if note and rest.width() > 24:
        painter.setPen(colour if entry.status == "error" else muted(palette))
        elided = small_metrics.elidedText(note, Qt.TextElideMode.ElideRight, rest.width())
        if elided != note and entry.uncertainty is not None and entry.status != "error":
            elided = _percent(entry.uncertainty)  # half a word says less; the tool tip says it in full
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)


def _paint_badge(painter: QPainter, rect: QRect, text: str, metrics: QFontMetrics, colour: QColor) -> QRect:
    height = metrics.height() + 4
    badge = QRect(rect.left(), rect.bottom() - height + 1, metrics.horizontalAdvance(text) + 14, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(wash(colour, 0.18))
    painter.drawRoundedRect(badge, height / 2, height / 2)
    painter.setPen(colour)
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
    return badge


def note_of(entry: FileEntry) -> str:
    """The few words beside the status."""
    if entry.message and (entry.uncertainty is None or entry.status == "error"):
        return entry.message  # why an image is unsure does not fit here; its tool tip says that
    if entry.uncertainty is None:
        return ""
    return QCoreApplication.translate("files", "{0} unsure").format(_percent(entry.uncertainty))


def _percent(share: float) -> str:
    return f"{round(share * 100)} %"
