"""Loss and metric while training."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.panels.roles import hairline, muted
from latentseg_gui.panels.widgets import text_label

MAX_POINTS = 1200


class ProgressPlot(QWidget):
    """One small curve over seconds, drawn in the colours of the theme."""

    def __init__(self, title: str, *, has_symbols: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._seconds: list[float] = []
        self._values: list[float] = []
        self._label = text_label(title, "muted", is_wrapped=False)
        self._plot = pg.PlotWidget(self)
        self._plot.setFixedHeight(104)
        self._plot.setMinimumWidth(60)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAccessibleName(title)
        self._plot.getAxis("left").setWidth(40)
        self._curve = self._plot.plot()
        self._has_symbols = has_symbols
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addWidget(self._label)
        whole.addWidget(self._plot)
        self._paint_in_theme()

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """(seconds, value) as drawn."""
        return tuple(zip(self._seconds, self._values, strict=True))

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been drawn yet."""
        return not self._values

    def set_value_range(self, low: float, high: float) -> None:
        """Shows values from ``low`` to ``high``, whatever comes."""
        self._plot.setYRange(low, high, padding=0.05)

    def clear(self) -> None:
        """Starts anew."""
        self._seconds, self._values = [], []
        self._draw()

    def add(self, seconds: float, value: float) -> None:
        """Appends a point; what is not a number is left out, long curves are thinned."""
        if not math.isfinite(value):
            return
        self._seconds.append(seconds)
        self._values.append(value)
        if len(self._seconds) > MAX_POINTS:
            self._seconds, self._values = self._seconds[::2], self._values[::2]
        self._draw()

    def _draw(self) -> None:
        self._curve.setData(self._seconds, self._values)
        last = ""
        if self._values:
            last = self.tr("  {0:.3f} after {1:.0f} s").format(self._values[-1], self._seconds[-1])
        self._label.setText(self._title + last)

    def _paint_in_theme(self) -> None:
        palette = self.palette()
        accent = palette.color(QPalette.ColorRole.Accent)
        self._plot.setBackground(palette.color(QPalette.ColorRole.Base))
        self._curve.setPen(pg.mkPen(accent, width=2))
        if self._has_symbols:
            self._curve.setSymbol("o")
            self._curve.setSymbolSize(6)
            self._curve.setSymbolBrush(accent)
            self._curve.setSymbolPen(accent)
        font = self.font()
        font.setPointSizeF(max(font.pointSizeF() * 0.8, 6.0))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(hairline(palette)))
            axis.setTextPen(pg.mkPen(muted(palette)))
            axis.setStyle(tickFont=font)

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_curve"):
            self._paint_in_theme()
