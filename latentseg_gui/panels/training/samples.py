"""The images that are trained on, with ticks."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QListView, QSizePolicy, QWidget

from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.roles import hairline
from latentseg_gui.panels.training.values import ClassShare, TrainingItem

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

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  # Qt's own signature
        """Qt: images."""
        return 0 if parent.isValid() else len(self._items)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Qt: rows can be ticked."""
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Qt: name, labelled pixels, classes."""
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.CheckStateRole:
            is_off = item.image_id in self._off
            return Qt.CheckState.Unchecked if is_off else Qt.CheckState.Checked
        share = item.labelled_pixels / item.total_pixels if item.total_pixels else 0.0
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{item.name}  ·  {share:.1%}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = self.tr("{0}: {1} labelled pixels ({2}); {3}").format(
                item.name, f"{item.labelled_pixels:,}", f"{share:.1%}", ", ".join(item.class_names)
            )
            return plain(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Qt: a tick was set or taken away."""
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

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt: draws the parts."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), hairline(self.palette()))
        total = sum(share.pixels for share in self._shares)
        x = 0.0
        for share in self._shares:
            width = self.width() * share.pixels / total if total else 0.0
            painter.fillRect(round(x), 0, max(round(width), 2), self.height(), QColor(share.colour))
            x += width
        painter.end()
