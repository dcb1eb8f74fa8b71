"""The list itself and the bar above it that says what to show."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QComboBox,
    QLineEdit,
    QListView,
    QMenu,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from latentseg_gui.panels.fields import ComboBox
from latentseg_gui.panels.files.delegate import FilesDelegate, status_text
from latentseg_gui.panels.files.model import STATUSES, FileEntry, FilesModel, FilesRole
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain

_REST_MS: Final = 40
_SIDE_BY_SIDE: Final = 225


class FilesFilterBar(QWidget):
    """Search, status filter, order.

    Signals:
        changed: any of them.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search images"))
        self.search.setAccessibleName(self.tr("Search images by name"))
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        statuses = {"": self.tr("All"), **{each: status_text(each).capitalize() for each in STATUSES}}
        sorts = {
            "added": self.tr("As added"),
            "name": self.tr("Name"),
            "status": self.tr("Status"),
            "uncertainty": self.tr("Unsure first"),
        }
        self._status = _combo(self.tr("Show images of status"), statuses)
        self._sort = _combo(self.tr("Sort images by"), sorts)
        self._row = row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        row.setSpacing(6)
        row.addWidget(self._status, 1)
        row.addWidget(self._sort, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addWidget(self.search)
        whole.addLayout(row)
        self.search.textChanged.connect(self.changed)
        self._status.currentIndexChanged.connect(self.changed)
        self._sort.currentIndexChanged.connect(self.changed)

    @property
    def status(self) -> str:
        """The status to show, "" for all."""
        return str(self._status.currentData())

    @property
    def sort_key(self) -> str:
        """The order: "added", "name", "status" or "uncertainty"."""
        return str(self._sort.currentData())

    def set_status(self, status: str) -> None:
        """Filters by ``status``, "" for all."""
        self._status.setCurrentIndex(self._status.findData(status))

    def set_sort_key(self, key: str) -> None:
        """Sorts by ``key``."""
        self._sort.setCurrentIndex(self._sort.findData(key))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_narrow = self.width() < _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
        self._row.setDirection(direction)


def _combo(name: str, items: dict[str, str]) -> QComboBox:
    combo = ComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(plain(name))
    for key, text in items.items():
        combo.addItem(text, key)
    combo.setMinimumWidth(70)
    combo.setMinimumContentsLength(4)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return combo


class FilesView(QListView):
    """The rows; asks for thumbnails of those in view once scrolling has settled.

    Signals:
        thumbnail_requested: this image is in view and has no picture.
        chosen: the user went to this image.
        selection_changed: ids (tuple) of the rows that are selected, in order.
        remove_requested, reviewed_requested: from the context menu; Delete removes the current one.
    """

    thumbnail_requested = Signal(str)
    chosen = Signal(str)
    selection_changed = Signal(object)
    remove_requested = Signal(str)
    reviewed_requested = Signal(str)

    def __init__(self, model: FilesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files = model
        self._asked: set[str] = set()
        self._is_silent = False
        self.setAccessibleName(self.tr("Images"))
        self.setModel(model)
        self.setItemDelegate(FilesDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._request_visible_thumbnails)
        self.verticalScrollBar().valueChanged.connect(self._on_rows_moved)
        model.modelReset.connect(self._on_rows_moved)
        model.rowsRemoved.connect(self._on_rows_moved)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.customContextMenuRequested.connect(self._on_context_menu_requested)

    def select(self, image_id: str | None) -> None:
        """Marks a row and brings it into view, without saying so; it stays one of several selected rows."""
        row = -1 if image_id is None else self._files.row(image_id)
        if row >= 0 and self.currentIndex().row() == row and self.selectionModel().isRowSelected(row):
            return
        self._is_silent = True
        # Qt's own `setCurrentIndex` asks the keyboard: with Ctrl held, as for undo, it would leave the row
        # before selected, too.
        index = self._files.index(row) if row >= 0 else QModelIndex()
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._is_silent = False

    def remove(self, image_id: str) -> None:
        """Takes a row out; the neighbour that Qt marks instead is nobody's choice."""
        self._asked.discard(image_id)
        self._is_silent = True
        self._files.remove(image_id)
        self._is_silent = False

    def forget_requests(self, image_id: str | None = None) -> None:
        """A thumbnail came (or, for None, the list is new): it may be asked for again when it is lost."""
        if image_id is None:
            self._asked.clear()
        self._asked.discard(image_id or "")

    def _request_visible_thumbnails(self) -> None:
        ids = self._files.visible_ids
        area = self.viewport().rect()
        first = self.indexAt(area.topLeft() + QPoint(8, 4)).row()
        last = self.indexAt(area.bottomLeft() + QPoint(8, -4)).row()
        if first < 0 or not self.isVisible():
            return
        wanted = ids[first : (last if last >= 0 else len(ids) - 1) + 1]
        # What scrolled away before it was made may be asked for again when it comes back.
        self._asked &= set(wanted)
        for image_id in wanted:
            if image_id not in self._asked and not self._files.has_thumbnail(image_id):
                self._asked.add(image_id)
                self.thumbnail_requested.emit(image_id)

    def _on_rows_moved(self) -> None:
        # Not connected to `start` itself: the scroll bar's value would become the interval.
        self._rest.start()

    def _on_current_changed(self, current: QModelIndex) -> None:
        entry = current.data(FilesRole.ENTRY)
        if isinstance(entry, FileEntry) and not self._is_silent:
            self.chosen.emit(entry.image_id)

    def _on_selection_changed(self, *_: object) -> None:
        ids = self._files.visible_ids
        rows = sorted(index.row() for index in self.selectedIndexes())
        self.selection_changed.emit(tuple(ids[row] for row in rows if row < len(ids)))

    def _on_context_menu_requested(self, position: QPoint) -> None:
        entry = self.indexAt(position).data(FilesRole.ENTRY)
        if isinstance(entry, FileEntry):
            self._menu(entry.image_id).popup(self.viewport().mapToGlobal(position))

    def _menu(self, image_id: str) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        reviewed = menu.addAction(icon("check"), self.tr("Mark as reviewed: the whole mask is right"))
        reviewed.triggered.connect(lambda: self.reviewed_requested.emit(image_id))
        remove = menu.addAction(icon("trash"), self.tr("Remove from the list (the file stays)"))
        remove.triggered.connect(lambda: self.remove_requested.emit(image_id))
        return menu

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        entry = self.currentIndex().data(FilesRole.ENTRY)
        if event.key() == Qt.Key.Key_Delete and isinstance(entry, FileEntry):
            self.remove_requested.emit(entry.image_id)
            return
        super().keyPressEvent(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._rest.start()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rest.start()
