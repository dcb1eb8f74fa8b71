"""Pictures side by side, each with its name."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentseg_gui.panels.flow_layout import FlowLayout
from latentseg_gui.panels.pixmaps import image_from_rgb
from latentseg_gui.panels.training.values import PictureShown
from latentseg_gui.panels.widgets import discard, text_label

_SIDE = 210
"""Longer side of a picture, in logical pixels."""


class SideBySide(QWidget):
    """As many in a row as there is room for; those that are not there yet say so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: tuple[PictureShown, ...] = ()
        self._row = FlowLayout(self)

    def set_pictures(self, pictures: Sequence[PictureShown]) -> None:
        """Shows these, in the order given."""
        self.shown = tuple(pictures)
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                discard(widget)
        for picture in self.shown:
            self._row.addWidget(self._card(picture))
        self.setVisible(bool(self.shown))

    def _card(self, picture: PictureShown) -> QWidget:
        card = QWidget()
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        ratio = self.devicePixelRatioF()
        image = image_from_rgb(picture.pixels).scaled(
            round(_SIDE * ratio),
            round(_SIDE * ratio),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(ratio)
        view = text_label("", is_wrapped=False)
        view.setPixmap(pixmap)
        view.setAccessibleName(picture.title)
        words = (
            self.tr("{0}: predicting...").format(picture.title) if picture.is_waited_for else picture.title
        )
        column.addWidget(view)
        column.addWidget(text_label(words, "hint", is_wrapped=False))
        return card
