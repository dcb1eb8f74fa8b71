"""The experts as a grid of small heatmaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QWidget
from typing_extensions import override

from latentseg_gui.panels.experts.tile import TILE_ROLE, ExpertTile, TileDelegate
from latentseg_gui.panels.plain import plain

Index = QModelIndex | QPersistentModelIndex

_WANTED_CELL: Final = 76
_CAPTION: Final = 24


class GalleryModel(QAbstractListModel):
    """Tiles in the order shown."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tiles: list[ExpertTile] = []

    @property
    def tiles(self) -> Sequence[ExpertTile]:
        """What is shown."""
        return self._tiles

    def set_tiles(self, tiles: Sequence[ExpertTile]) -> None:
        """Shows these tiles; the selection stays where the number of tiles does."""
        if len(tiles) != len(self._tiles):
            self.beginResetModel()
            self._tiles = list(tiles)
            self.endResetModel()
            return
        self._tiles = list(tiles)
        if tiles:
            self.dataChanged.emit(self.index(0), self.index(len(tiles) - 1))

    def row_of(self, expert: int) -> int:
        """The row of an expert, -1 where there is none."""
        return next((row for row, tile in enumerate(self._tiles) if tile.expert == expert), -1)

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._tiles)

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._tiles):
            return None
        tile = self._tiles[index.row()]
        if role == TILE_ROLE:
            return tile
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(tile.tip)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return tile.name
        return None


class Gallery(QListView):
    """As many columns as fit; as high as its tiles, so that the panel scrolls and not the gallery.

    Signals:
        chosen: an expert became the current one.
        pressed_again: the current expert was clicked, or Enter pressed on it.
        pressed_first: another expert was clicked.
        knock_out_wanted, solo_wanted: K or S was pressed on an expert, or its menu says so.
    """

    chosen = Signal(int)
    pressed_again = Signal(int)
    pressed_first = Signal(int)
    knock_out_wanted = Signal(int)
    solo_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = GalleryModel(self)
        self._is_silent = False
        self._current_before = -1
        self.setModel(self._tiles)
        self.setItemDelegate(TileDelegate(self))
        self.setAccessibleName(self.tr("Experts"))
        self.setProperty("role", "gallery")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setSpacing(0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.clicked.connect(self._on_clicked)

    @property
    def tiles(self) -> Sequence[ExpertTile]:
        """What is shown, in order."""
        return self._tiles.tiles

    def set_tiles(self, tiles: Sequence[ExpertTile], current: int) -> None:
        """Shows these tiles and marks the expert ``current``."""
        self._is_silent = True
        self._tiles.set_tiles(tiles)
        row = self._tiles.row_of(current)
        self.setCurrentIndex(self._tiles.index(row) if row >= 0 else QModelIndex())
        self._is_silent = False
        self._fit()

    def _fit(self) -> None:
        width = max(self.width() - 4, 1)
        columns = max(2, width // _WANTED_CELL)
        cell = width // columns
        rows = -(-len(self._tiles.tiles) // columns)
        self.setGridSize(QSize(cell, cell + _CAPTION - 6))
        self.setFixedHeight(max(rows, 1) * (cell + _CAPTION - 6) + 6)

    def _expert(self, index: QModelIndex) -> int:
        return self._tiles.tiles[index.row()].expert if index.isValid() else -1

    def _on_current_changed(self, current: QModelIndex) -> None:
        if current.isValid() and not self._is_silent:
            self.chosen.emit(self._expert(current))

    def _on_clicked(self, index: QModelIndex) -> None:
        expert = self._expert(index)
        (self.pressed_again if expert == self._current_before else self.pressed_first).emit(expert)

    @override
    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._wanted(event)
        ):
            event.accept()
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        wanted = self._wanted(event)
        if wanted is None:
            super().keyPressEvent(event)
            return
        wanted.emit(self._expert(self.currentIndex()))

    def _wanted(self, event: QKeyEvent) -> SignalInstance | None:
        """What a key asks for of the current expert."""
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or not self.currentIndex().isValid():
            return None
        return {
            Qt.Key.Key_Return: self.pressed_again,
            Qt.Key.Key_Enter: self.pressed_again,
            Qt.Key.Key_Space: self.pressed_again,
            Qt.Key.Key_K: self.knock_out_wanted,
            Qt.Key.Key_S: self.solo_wanted,
        }.get(Qt.Key(event.key()))

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._current_before = self._expert(self.currentIndex())
        super().mousePressEvent(event)

    @override
    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with an expert without scrolling to the buttons below."""
        is_by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        expert = self._expert(self.currentIndex() if is_by_key else self.indexAt(event.pos()))
        if expert < 0:
            return
        self.menu_of(expert).popup(event.globalPos())

    def menu_of(self, expert: int) -> QMenu:
        """What can be done with an expert, which becomes the chosen one."""
        self.chosen.emit(expert)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        knock_out = menu.addAction(self.tr("Knock out, or take in again"))
        knock_out.triggered.connect(lambda: self.knock_out_wanted.emit(expert))
        solo = menu.addAction(self.tr("Leave only this one, or take all in"))
        solo.triggered.connect(lambda: self.solo_wanted.emit(expert))
        return menu

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
