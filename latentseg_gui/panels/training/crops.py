"""What training sees: varied crops, and the labels that are learned from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QEnterEvent, QImage, QPixmap
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from latentseg_gui.panels.training.values import CropShown
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

    def enterEvent(self, event: QEnterEvent) -> None:
        """Qt: shows the pixels alone."""
        self.setPixmap(self._plain)

    def leaveEvent(self, event: QEvent) -> None:
        """Qt: shows the labels again."""
        self.setPixmap(self._painted)


def _pixmap(pixels: NDArray[np.uint8]) -> QPixmap:
    rgb = np.ascontiguousarray(pixels)
    height, width = rgb.shape[:2]
    image = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image).scaled(
        SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
