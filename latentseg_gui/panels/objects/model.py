"""Objects as a Qt model: arrays, of which only the rows in view become text and pictures."""

from __future__ import annotations

from collections import OrderedDict
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPixmap
from typing_extensions import override

from latentseg_gui.document.masks.object_table import ObjectTable, no_objects
from latentseg_gui.document.types import Provenance, Rect
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.objects.values import ObjectsLook, Pictures, Search
from latentseg_gui.panels.pixmaps import cover, image_from_rgb, swatch
from latentseg_gui.panels.plain import plain

Index = QModelIndex | QPersistentModelIndex

PICTURE_SIDE: Final = 26
_MOST_PICTURES: Final = 800
_SWATCH_SIDE: Final = 12
_MARK_SIDE: Final = 15


class Column(IntEnum):
    """The columns, in their order."""

    NUMBER = 0
    CLASS = 1
    AREA = 2
    MARKS = 3
    PLACE = 4
    SOURCE = 5


class ObjectsModel(QAbstractTableModel):
    """Objects in the order and selection that the user asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = no_objects()
        self._look = ObjectsLook()
        self._search = Search()
        self._class_id: int | None = None
        self._sort: tuple[int, Qt.SortOrder] = Column.NUMBER, Qt.SortOrder.AscendingOrder
        self._order = np.zeros(0, np.intp)
        self._pictures: OrderedDict[tuple[int, Rect], QPixmap] = OrderedDict()
        self._swatches: dict[str, QPixmap] = {}
        self.picture_of: Pictures = lambda rect: None
        self.ratio = 1.0

    @property
    def total(self) -> int:
        """How many objects there are, shown or not."""
        return len(self._table)

    @property
    def keys(self) -> NDArray[np.int64]:
        """Keys of the objects shown, in their order, int64 [rows]."""
        return self._table.keys[self._order]

    def set_content(self, table: ObjectTable, look: ObjectsLook) -> None:
        """Shows other objects."""
        if look.unit != self._look.unit or look.colours != self._look.colours:
            self._swatches.clear()
        self._table, self._look = table, look
        self._arrange()

    def forget_pictures(self) -> None:
        """Takes pictures anew: another image is shown, or its levels changed."""
        self._pictures.clear()

    def set_filter(self, search: Search, class_id: int | None) -> None:
        """Shows only objects of a class (None: of all) that are searched for."""
        self._search, self._class_id = search, class_id
        self._arrange()

    @override
    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sort = column, order
        self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        rows = np.flatnonzero(self._is_shown())
        order = np.argsort(self._sort_values()[rows], kind="stable")
        self._order = rows[order if self._sort[1] == Qt.SortOrder.AscendingOrder else order[::-1]]
        self.endResetModel()

    def _is_shown(self) -> NDArray[np.bool_]:
        table, search, unit = self._table, self._search, self._look.unit
        is_shown = np.ones(len(table), np.bool_)
        if self._class_id is not None:
            is_shown &= table.classes == self._class_id
        if search.digits:
            is_shown &= np.char.startswith(table.keys.astype(np.str_), search.digits)
        if search.word:
            meant = [each for each, name in self._look.names.items() if search.word in name.casefold()]
            is_shown &= np.isin(table.classes, meant)
        if search.below is not None:
            is_shown &= table.areas * unit.per_pixel < search.below
        if search.above is not None:
            is_shown &= table.areas * unit.per_pixel > search.above
        return is_shown

    def _sort_values(self) -> NDArray[np.int64]:
        """What rows are sorted by, int64 [N]; objects without number come last."""
        table, column = self._table, self._sort[0]
        if column == Column.CLASS:
            rank = np.zeros(256, np.int64)
            for place, class_id in enumerate(self._look.names):
                rank[class_id] = place
            return rank[table.classes]
        if column == Column.AREA:
            return table.areas
        if column == Column.PLACE:
            return (table.boxes[:, 0] << 32) + table.boxes[:, 1]
        if column == Column.SOURCE:
            return table.sources.astype(np.int64)
        if column == Column.MARKS:
            marks = self._look.marks
            is_hidden, is_locked = np.isin(table.keys, [*marks.hidden]), np.isin(table.keys, [*marks.locked])
            return -2 * is_locked.astype(np.int64) - is_hidden
        return np.where(table.keys > 0, table.keys, (1 << 62) - table.keys)

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._order)

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(Column)

    @override
    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal or section >= len(Column):
            return None
        titles = (self.tr("No."), self.tr("Class"), self.tr("Area"), "", self.tr("At"), self.tr("By"))
        names = (*titles[:3], self.tr("Hidden, locked"), self.tr("Middle: x, y"), self.tr("Origin"))
        if role == Qt.ItemDataRole.DisplayRole:
            return titles[section]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return names[section]
        return None

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._order):
            return None
        row = int(self._order[index.row()])
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(row, index.column())
        if role == Qt.ItemDataRole.DecorationRole:
            return self._decoration(row, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == Column.AREA:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(self._words(row))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._words(row)
        return None

    def text(self, row: int, column: int) -> str:
        """What a column says of a row of the table."""
        table = self._table
        if column == Column.NUMBER:
            return str(table.keys[row]) if table.keys[row] > 0 else "-"
        if column == Column.CLASS:
            return self._look.names.get(int(table.classes[row]), "?")
        if column == Column.AREA:
            return self._look.unit.text(int(table.areas[row]))
        if column == Column.PLACE:
            box = table.box(row)
            return f"{(box.col0 + box.col1) // 2}, {(box.row0 + box.row1) // 2}"
        return self._source(row) if column == Column.SOURCE else ""

    def _source(self, row: int) -> str:
        """Who said so; of clicks also which click model, where it was one of others."""
        source, maker = int(self._table.sources[row]), self._look.makers.get(int(self._table.keys[row]), "")
        words = _source_text(source)
        return f"{words}: {maker}" if maker and source == Provenance.CLICKED else words

    def _words(self, row: int) -> str:
        """All that a row says, for tool tips and screen readers."""
        number, name, area, place, source = (
            self.text(row, column) for column in Column if column != Column.MARKS
        )
        marks, key = self._look.marks, int(self._table.keys[row])
        title = self.tr("Object {0}").format(number) if key > 0 else self.tr("Object without number")
        facts = [title, name, area, self.tr("at {0}").format(place), source]
        facts += [self.tr("hidden")] if key in marks.hidden else []
        facts += [self.tr("locked")] if key in marks.locked else []
        return ", ".join(facts)

    def _decoration(self, row: int, column: int) -> object:
        if column == Column.NUMBER:
            return self._picture(row)
        if column == Column.CLASS:
            return self._swatch(self._look.colours.get(int(self._table.classes[row]), "#808080"))
        if column == Column.MARKS:
            key, marks = int(self._table.keys[row]), self._look.marks
            name = "lock" if key in marks.locked else "eye-off" if key in marks.hidden else ""
            return icon(name).pixmap(QSize(_MARK_SIDE, _MARK_SIDE), self.ratio) if name else None
        return None

    def _swatch(self, colour: str) -> QPixmap:
        if colour not in self._swatches:
            self._swatches[colour] = swatch(QColor(colour), _SWATCH_SIDE, self.ratio)
        return self._swatches[colour]

    def _picture(self, row: int) -> QPixmap | None:
        """The object and what is round it, made when it is looked at."""
        at = int(self._table.keys[row]), self._table.box(row)
        found = self._pictures.get(at)
        if found is None:
            pixels = self.picture_of(at[1])
            if pixels is None:
                return None
            found = cover(image_from_rgb(pixels), QSize(PICTURE_SIDE, PICTURE_SIDE), self.ratio, 3.0)
            self._pictures[at] = found
            while len(self._pictures) > _MOST_PICTURES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(at)
        return found


def _source_text(source: int) -> str:
    words = {
        Provenance.PREDICTED: QCoreApplication.translate("objects", "predicted"),
        Provenance.CLICKED: QCoreApplication.translate("objects", "clicked"),
        Provenance.PAINTED: QCoreApplication.translate("objects", "painted"),
        Provenance.IMPORTED: QCoreApplication.translate("objects", "imported"),
    }
    known: dict[int, str] = {int(each): word for each, word in words.items()}
    return known.get(source, QCoreApplication.translate("objects", "unknown"))
