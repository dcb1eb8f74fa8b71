"""The bar below the canvas that goes through the pages of a file."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from latentseg_gui.panels.fields import Slider, SpinBox
from latentseg_gui.panels.widgets import icon_button, text_label

_REST_MS: Final = 120
_MAX_PAGES: Final = 2**31 - 2


class PageBar(QWidget):
    """Page 3 of 12: a slider, a number, and a step either way; hidden for files with one page.

    Signals:
        page_requested: go to this page, from 0.
    """

    page_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page, self._count = 0, 1
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._on_rested)
        self.slider = Slider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName(self.tr("Page"))
        self.number = SpinBox(self)
        self.number.setAccessibleName(self.tr("Number of the page"))
        self.number.setKeyboardTracking(False)
        self._total = text_label(is_wrapped=False)
        back = icon_button("previous", self.tr("Previous page"))
        on = icon_button("next", self.tr("Next page"))
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 10, 3)
        row.setSpacing(8)
        for widget in (text_label(self.tr("Page"), is_wrapped=False), back, self.slider, on, self.number):
            row.addWidget(widget, 1 if widget is self.slider else 0)
        row.addWidget(self._total)
        back.clicked.connect(self.previous)
        on.clicked.connect(self.next)
        self.slider.valueChanged.connect(self._on_slider_moved)
        self.number.valueChanged.connect(self._on_number_changed)
        self.hide()

    def set_pages(self, page: int, count: int) -> None:
        """Shows page ``page`` (from 0) of ``count``; says nothing back."""
        count = max(1, min(count, _MAX_PAGES))  # a slider cannot count further
        page = max(0, min(page, count - 1))
        self._rest.stop()
        self._page, self._count = page, count
        for control, value, first in ((self.slider, page, 0), (self.number, page + 1, 1)):
            control.blockSignals(True)
            control.setRange(first, first + count - 1)
            control.setValue(value)
            control.blockSignals(False)
        self.slider.setPageStep(max(1, count // 10))
        self._total.setText(self.tr("of {0}").format(count))
        self.setVisible(count > 1)

    def next(self) -> None:
        """Asks for the page after the one that is shown."""
        self._request(self.slider.value() + 1)

    def previous(self) -> None:
        """Asks for the page before the one that is shown."""
        self._request(self.slider.value() - 1)

    def _request(self, page: int) -> None:
        if 0 <= page < self._count and page != self._page:
            self._page = page
            self.page_requested.emit(page)

    def _on_slider_moved(self, page: int) -> None:
        self.number.blockSignals(True)
        self.number.setValue(page + 1)
        self.number.blockSignals(False)
        self._rest.start()

    def _on_rested(self) -> None:
        self._request(self.slider.value())

    def _on_number_changed(self, number: int) -> None:
        self._request(number - 1)
