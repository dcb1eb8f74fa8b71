"""How a row of the list of images is painted."""

from __future__ import annotations

from pathlib import PurePath
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
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from latentseg_gui.panels.files.model import FileEntry, FilesRole
from latentseg_gui.panels.pixmaps import cover
from latentseg_gui.panels.roles import hairline, muted, role_colour, wash

THUMBNAIL: Final = QSize(60, 45)
ROW_HEIGHT: Final = 59
_NARROWEST: Final = 120
"""Wider where the list is; a row is never cut at its edge."""

_SELECTED_TOO: Final = 0.45
_BADGE_PADDING: Final = 14
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
    return QCoreApplication.translate("files", "outdated" if status == "stale" else status)


class FilesDelegate(QStyledItemDelegate):
    """Thumbnail, name, status badge, a dot when clicks answer at once, and the sentence of an error."""

    @override
    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        entry = index.data(FilesRole.ENTRY)
        if not isinstance(entry, FileEntry):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect.adjusted(3, 2, -3, -2)
        palette: QPalette = option.palette
        view = option.widget
        is_current = isinstance(view, QAbstractItemView) and view.currentIndex().row() == index.row()
        state = option.state
        _paint_ground(painter, rect, palette, state, is_current=is_current, is_error=entry.status == "error")
        picture = QRect(rect.left() + 5, rect.top() + 5, THUMBNAIL.width(), THUMBNAIL.height())
        _paint_thumbnail(painter, picture, index.data(FilesRole.THUMBNAIL), palette)
        if entry.pages > 1:
            _paint_pages(painter, picture, entry.pages, option.font)
        if entry.is_ready:
            _paint_dot(painter, picture, palette)
        text = QRect(
            picture.right() + 10, rect.top() + 6, rect.right() - picture.right() - 17, rect.height() - 12
        )
        _paint_text(painter, text, entry, option.font, palette)
        painter.restore()

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(_NARROWEST, ROW_HEIGHT)


def _paint_ground(
    painter: QPainter,
    rect: QRect,
    palette: QPalette,
    state: QStyle.StateFlag,
    *,
    is_current: bool,
    is_error: bool,
) -> None:
    """One row is current; others that are selected with it, for what is done with several, are fainter."""
    painter.setPen(Qt.PenStyle.NoPen)
    if state & QStyle.StateFlag.State_Selected:
        chosen = palette.color(QPalette.ColorRole.Highlight)
        painter.setBrush(chosen if is_current else wash(chosen, _SELECTED_TOO))
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(palette.color(QPalette.ColorRole.Accent))
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.setBrush(palette.color(QPalette.ColorRole.Midlight))
    elif is_error:
        painter.setBrush(wash(role_colour("bad", palette), 0.10))
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


def _paint_pages(painter: QPainter, picture: QRect, pages: int, font: QFont) -> None:
    """How many pages the file has: in the corner of its picture, where there is room at any width."""
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.75)
    metrics, text = QFontMetrics(small), f"{pages:,} p."
    label = QRect(picture.left(), picture.top(), metrics.horizontalAdvance(text) + 8, metrics.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 170))
    painter.drawRoundedRect(label, 4, 4)
    painter.setPen(QColor("#ffffff"))
    painter.setFont(small)
    painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)


def _paint_dot(painter: QPainter, picture: QRect, palette: QPalette) -> None:
    """Clicks are answered at once: a dot in the corner of the picture, where there is room at any width."""
    painter.setPen(QPen(palette.color(QPalette.ColorRole.Base), 1.5))
    painter.setBrush(role_colour("good", palette))
    painter.drawEllipse(QPointF(picture.right() - 4.5, picture.bottom() - 4.5), 4.5, 4.5)


def _paint_text(painter: QPainter, rect: QRect, entry: FileEntry, font: QFont, palette: QPalette) -> None:
    metrics = QFontMetrics(font)
    painter.setFont(font)
    painter.setPen(palette.color(QPalette.ColorRole.Text))
    name = elided_name(entry.name, metrics, rect.width())
    painter.drawText(rect, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.84)
    painter.setFont(small)
    small_metrics = QFontMetrics(small)
    colour = role_colour(_TONES.get(entry.status, "quiet"), palette)
    status, note = words_of(entry, small_metrics, rect.width())
    badge = _paint_badge(painter, rect, status, small_metrics, colour)
    left = badge.right() + 8
    rest = QRect(left, badge.top(), rect.right() - left + 1, badge.height())
    if note and rest.width() > 24:
        painter.setPen(colour if entry.status == "error" else muted(palette))
        elided = small_metrics.elidedText(note, Qt.TextElideMode.ElideRight, rest.width())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, elided)


def elided_name(name: str, metrics: QFontMetrics, width: int) -> str:
    """A name as it fits: the ending goes first, then the middle, for names of one folder differ at their ends."""
    if metrics.horizontalAdvance(name) <= width:
        return name
    return metrics.elidedText(PurePath(name).stem, Qt.TextElideMode.ElideMiddle, width)


def _paint_badge(painter: QPainter, rect: QRect, text: str, metrics: QFontMetrics, colour: QColor) -> QRect:
    height = metrics.height() + 4
    words = metrics.horizontalAdvance(text)
    # Where a scroll bar takes room, the badge stays inside its row.
    width = min(words + _BADGE_PADDING, max(rect.width(), words + _BADGE_PADDING // 2))
    badge = QRect(rect.left(), rect.bottom() - height + 1, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(wash(colour, 0.18))
    painter.drawRoundedRect(badge, height / 2, height / 2)
    painter.setPen(colour)
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
    return badge


def words_of(entry: FileEntry, metrics: QFontMetrics, width: int) -> tuple[str, str]:
    """What the badge says, and what stands beside it, in a row of ``width``.

    A percentage without its word would be taken for progress. Where both have no room, a prediction's badge says
    how unsure it is, and elsewhere only the tool tip does.
    """
    status, note = status_text(entry.status), note_of(entry)
    if not note or (entry.uncertainty is None and entry.status != "error"):
        return status, note
    taken = metrics.horizontalAdvance(status) + _BADGE_PADDING + 8
    if taken + metrics.horizontalAdvance(note) <= width:
        return status, note
    if entry.status == "error":  # the row is red already: the room is for the reason
        return metrics.elidedText(note, Qt.TextElideMode.ElideRight, width - _BADGE_PADDING), ""
    return (note, "") if entry.status == "predicted" else (status, "")


def note_of(entry: FileEntry) -> str:
    """The few words beside the status."""
    if entry.status == "error":
        return _without_name(entry.message, entry.name)
    if entry.uncertainty is None:
        return entry.message  # why an image is unsure does not fit here; its tool tip says that
    return QCoreApplication.translate("files", "{0} unsure").format(_percent(entry.uncertainty))


def _without_name(sentence: str, name: str) -> str:
    """The reason first: the name stands above it, and the end of a sentence has no room."""
    rest = sentence.removeprefix(f"“{name}” ").removeprefix("is ")
    return rest[:1].upper() + rest[1:] if rest != sentence else sentence


def _percent(share: float) -> str:
    return f"{round(share * 100)} %"
