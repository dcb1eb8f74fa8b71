"""What would be trained on: the images, ticked or not, and crops as training would see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QListView, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.document.wording import percent
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.roles import hairline
from latentseg_gui.panels.training.values import ClassShare, CropShown, TrainingItem
from latentseg_gui.panels.widgets import discard, text_label

SIDE = 70
COLUMNS = 3


class CropsView(QWidget):
    """A few training crops; while the mouse is over one, it shows without its labels.

    Signals:
        requested: the user wants to see some.
    """

    requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = QPushButton(self.tr("Show what training sees"))
        self._button.setToolTip(
            self.tr(
                "A few crops of the ticked images with their variations and labels, drawn as training does"
            )
        )
        self._hint = text_label(self.tr("Striped: not labelled, so not learned from."), "hint")
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        self._cells: list[_Cell] = []
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(6)
        whole.addWidget(self._button)
        whole.addLayout(self._grid)
        whole.addWidget(self._hint)
        self._hint.hide()
        self._button.clicked.connect(self.requested)

    @property
    def count(self) -> int:
        """How many crops are shown."""
        return len(self._cells)

    def set_crops(self, crops: Sequence[CropShown]) -> None:
        """Shows these crops instead of those before."""
        for cell in self._cells:
            discard(cell)
        self._cells = [_Cell(crop) for crop in crops]
        for position, cell in enumerate(self._cells):
            cell.setAccessibleName(self.tr("Training crop {0}").format(position + 1))
            self._grid.addWidget(cell, position // COLUMNS, position % COLUMNS)
        self._hint.setVisible(bool(crops))
        self._button.setText(self.tr("Draw others") if crops else self.tr("Show what training sees"))


class _Cell(QLabel):
    def __init__(self, crop: CropShown) -> None:
        super().__init__()
        self._plain, self._painted = _pixmap(crop.pixels), _pixmap(crop.painted)
        self.setFixedSize(SIDE, SIDE)
        self.setPixmap(self._painted)

    @override
    def enterEvent(self, event: QEnterEvent) -> None:
        self.setPixmap(self._plain)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self.setPixmap(self._painted)


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    rgb = np.ascontiguousarray(pixels)
    height, width = rgb.shape[:2]
    image = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(
        SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


Index = QModelIndex | QPersistentModelIndex


class SamplesModel(QAbstractListModel):
    """Items with a tick each; new ones are ticked, ticks survive a refresh.

    Signals:
        ticks_changed: by the user.
    """

    ticks_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: list[TrainingItem] = []
        self._off: set[str] = set()

    @property
    def ticked_ids(self) -> tuple[str, ...]:
        """Images to train on."""
        return tuple(item.image_id for item in self._items if item.image_id not in self._off)

    def set_items(self, items: Sequence[TrainingItem]) -> None:
        """Shows these images; one that goes and comes back, as with undo, keeps its tick."""
        is_same = [item.image_id for item in items] == [item.image_id for item in self._items]
        if not is_same:
            self.beginResetModel()
        self._items = list(items)
        if is_same and items:
            self.dataChanged.emit(self.index(0), self.index(len(items) - 1))
        elif not is_same:
            self.endResetModel()

    def image_id(self, index: Index) -> str:
        """The image of a row."""
        return self._items[index.row()].image_id

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        return 0 if parent.isValid() else len(self._items)

    @override
    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    @override
    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole:
            is_off = item.image_id in self._off
            return Qt.CheckState.Unchecked if is_off else Qt.CheckState.Checked
        share = item.labelled_pixels / item.total_pixels if item.total_pixels else 0.0
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr("{0}  ·  {1} labelled").format(item.name, percent(share, 1))
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = self.tr("{0}: {1} labelled pixels ({2}); {3}").format(
                item.name, f"{item.labelled_pixels:,}", percent(share, 1), ", ".join(item.class_names)
            )
            return plain(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    @override
    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if not index.isValid() or role != Qt.ItemDataRole.CheckStateRole:
            return False
        is_on = Qt.CheckState(value) == Qt.CheckState.Checked
        (self._off.discard if is_on else self._off.add)(self.image_id(index))
        self.dataChanged.emit(index, index)
        self.ticks_changed.emit()
        return True


class SamplesView(QListView):
    """As high as its rows, up to seven.

    Signals:
        opened: double click or Enter on an image.
    """

    opened = Signal(str)

    def __init__(self, samples: SamplesModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._samples = samples
        self.setModel(samples)
        self.setAccessibleName(self.tr("Images to train on"))
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.activated.connect(self._on_activated)
        samples.modelReset.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        rows = min(max(self._samples.rowCount(), 1), 7)
        row = max(self.sizeHintForRow(0), self.fontMetrics().height() + 8)
        self.setFixedHeight(rows * row + 6)

    def _on_activated(self, index: QModelIndex) -> None:
        self.opened.emit(self._samples.image_id(index))


class ClassShareBar(QWidget):
    """Labelled pixels per class as one bar; whoever is rare is seen to be."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shares: Sequence[ClassShare] = ()
        self.setFixedHeight(12)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_shares(self, shares: Sequence[ClassShare]) -> None:
        """Shows these classes."""
        self._shares = shares
        words = ", ".join(f"{share.name} {share.pixels:,} px" for share in shares)
        self.setToolTip(plain(words))
        self.setAccessibleName(words)
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), hairline(self.palette()))
        total = sum(share.pixels for share in self._shares)
        x = 0.0
        for share in self._shares:
            width = self.width() * share.pixels / total if total else 0.0
            painter.fillRect(round(x), 0, max(round(width), 2), self.height(), QColor(share.colour))
            x += width
        painter.end()
