"""The mix of single pixels as ranked bars: the one under the cursor, and pinned ones beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from latentseg_gui.document.wording import percent
from latentseg_gui.panels.experts.attention_math import PixelMix
from latentseg_gui.panels.experts.state import ExpertsState
from latentseg_gui.panels.icons import icon
from latentseg_gui.panels.plain import plain
from latentseg_gui.panels.roles import hairline, muted
from latentseg_gui.panels.shortcut_tooltips import follow_key
from latentseg_gui.panels.widgets import icon_button, text_label

RANKS: Final = 5
MAX_PINS: Final = 6
_ROW: Final = 19
_NAME: Final = 76
_NUMBER: Final = 50


class RankedBars(QWidget):
    """The largest shares as bars in the colours of their experts; one tick per attention head."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mix: PixelMix | None = None
        self._names: Sequence[str] = ()
        self._colours: NDArray[np.uint8] = np.zeros((0, 3), dtype=np.uint8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Mix of the pixel under the cursor"))

    def set_mix(self, mix: PixelMix | None, names: Sequence[str], colours: NDArray[np.uint8]) -> None:
        """Shows a pixel; ``colours`` are uint8 [K, 3]."""
        self._mix, self._names, self._colours = mix, names, colours
        self.setAccessibleDescription(self._in_words())
        self.update()

    def _in_words(self) -> str:
        if self._mix is None:
            return ""
        return _mix_in_words(self._mix, self._names, RANKS)

    @override
    def sizeHint(self) -> QSize:
        return QSize(220, RANKS * _ROW)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(_NAME + _NUMBER + 30, RANKS * _ROW)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.9)
        painter.setFont(font)
        if self._mix is None:
            painter.setPen(muted(self.palette()))
            text = self.tr("Point at the image to see the mix of a pixel.")
            painter.drawText(self.rect(), Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter, text)
        else:
            for rank, expert in enumerate(self._mix.ranked[:RANKS]):
                self._paint_bar(painter, rank * _ROW, expert, self._mix)
        painter.end()

    def _paint_bar(self, painter: QPainter, top: int, expert: int, mix: PixelMix) -> None:
        track = QRectF(_NAME, top + 4, self.width() - _NAME - _NUMBER, _ROW - 8)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        name = painter.fontMetrics().elidedText(self._names[expert], Qt.TextElideMode.ElideRight, _NAME - 6)
        vertical = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, top, _NAME, _ROW), vertical | Qt.AlignmentFlag.AlignLeft, name)
        number = QRectF(track.right(), top, _NUMBER, _ROW)
        painter.drawText(number, vertical | Qt.AlignmentFlag.AlignRight, percent(float(mix.mean[expert]), 1))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(hairline(self.palette()))
        painter.drawRoundedRect(track, 3, 3)
        bar = QRectF(track)
        bar.setWidth(track.width() * float(mix.mean[expert]) / full_share(mix))
        painter.setBrush(QColor(*(int(each) for each in self._colours[expert])))
        painter.drawRoundedRect(bar, 3, 3)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        for share in mix.per_head[:, expert]:
            x = track.left() + track.width() * float(share) / full_share(mix)
            painter.drawLine(QPointF(x, track.top() - 1), QPointF(x, track.bottom() + 1))


def full_share(mix: PixelMix) -> float:
    """The share that fills a bar: the largest of any head, rounded up, for shares are often small and alike."""
    return min(1.0, math.ceil(float(mix.per_head.max()) * 20) / 20) or 1.0


class StackedBar(QWidget):
    """All shares of one pinned pixel in one bar."""

    def __init__(self, mix: PixelMix, colours: NDArray[np.uint8], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mix, self._colours = mix, colours
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(14)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        x = 0.0
        for expert in self._mix.ranked:
            width = self.width() * float(self._mix.mean[expert])
            painter.fillRect(QRectF(x, 0, width, self.height()), QColor(*map(int, self._colours[expert])))
            x += width
        painter.end()


class PixelMixSection(QWidget):
    """Hovered pixel above, pinned ones below.

    Signals:
        pins_changed: positions (list of (x, y)) that are pinned now, in the order of their numbers.
        described: the largest shares of the pixel under the cursor in words, "" for none.
    """

    pins_changed = Signal(object)
    described = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hovered: PixelMix | None = None
        self._pins: list[PixelMix] = []
        self._names: Sequence[str] = ()
        self._colours: NDArray[np.uint8] = np.zeros((0, 3), dtype=np.uint8)
        self._title = text_label(self.tr("Pixel"), "title")
        self._bars = RankedBars(self)
        self._bars.setToolTip(self.tr("Pin the pixel under the cursor to compare it with others"))
        follow_key(self._bars, "pin")
        self._rows = QVBoxLayout()
        self._rows.setSpacing(3)
        self._clear = QPushButton(icon("close"), self.tr("Remove all pins"))
        self._clear.clicked.connect(self.clear_pins)
        self._clear.hide()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(5)
        whole.addWidget(self._title)
        whole.addWidget(self._bars)
        self._about = text_label(self.tr("Bars are the mean of the heads, ticks single heads."), "hint")
        whole.addWidget(self._about)
        whole.addLayout(self._rows)
        whole.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignLeft)

    @property
    def pins(self) -> tuple[tuple[float, float], ...]:
        """Pinned positions, in pixels of the image."""
        return tuple(pin.xy for pin in self._pins)

    def set_experts(self, names: Sequence[str], colours: NDArray[np.uint8]) -> None:
        """Names and colours uint8 [K, 3] by expert."""
        self._names, self._colours = names, colours
        self.set_hovered(None)

    def set_hovered(self, mix: PixelMix | None) -> None:
        """Shows the pixel under the cursor."""
        self._hovered = mix
        place = "" if mix is None else f"  x {int(mix.xy[0])}, y {int(mix.xy[1])}"
        self._title.setText(self.tr("Pixel") + place)
        self._bars.set_mix(mix, self._names, self._colours)
        self.described.emit("" if mix is None else self._in_words(mix))
        if mix is not None:
            text = self.tr("Bars are the mean of the heads, ticks single heads; the full width is {0}.")
            self._about.setText(text.format(percent(full_share(mix))))

    def set_pins(self, pins: Sequence[PixelMix]) -> None:
        """Shows these pinned pixels instead of the ones before."""
        self._pins = list(pins)[-MAX_PINS:]
        self._rebuild()

    def remix(self, mix_at: Callable[[tuple[float, float]], PixelMix | None]) -> None:
        """Shows what other maps say of the pinned pixels; they stay where they are."""
        if self._pins:
            self.set_pins([mix_at(pin.xy) or pin for pin in self._pins])

    def add_pin(self, mix: PixelMix) -> None:
        """Pins a pixel; the oldest gives way."""
        self.set_pins([*self._pins, mix])
        self.pins_changed.emit(list(self.pins))

    def clear_pins(self) -> None:
        """Removes all pins."""
        if self._pins:
            self.set_pins([])
            self.pins_changed.emit([])

    def remove_pin(self, index: int) -> None:
        """Removes one pin; those after it move up."""
        self.set_pins([pin for position, pin in enumerate(self._pins) if position != index])
        self.pins_changed.emit(list(self.pins))

    def _in_words(self, mix: PixelMix) -> str:
        return _mix_in_words(mix, self._names, 3)

    def _rebuild(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for number, pin in enumerate(self._pins):
            self._rows.addWidget(self._row(number, pin))
        self._clear.setVisible(bool(self._pins))

    def _row(self, number: int, pin: PixelMix) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        words = self._in_words(pin)
        line.addWidget(text_label(str(number + 1), "key", is_wrapped=False))
        bar = StackedBar(pin, self._colours)
        place = self.tr("Pin {3}, pixel x {0}, y {1}: {2}")
        bar.setAccessibleName(place.format(int(pin.xy[0]), int(pin.xy[1]), words, number + 1))
        bar.setToolTip(plain(bar.accessibleName()))
        line.addWidget(bar, 1)
        remove = icon_button("close", self.tr("Remove pin {0}").format(number + 1))
        remove.setProperty("role", "state")
        remove.clicked.connect(lambda: self.remove_pin(number))
        line.addWidget(remove)
        return row


class Pixels:
    """Asks the maps about the pixel under the cursor and about pinned ones; positions are pixels of the image."""

    def __init__(self, section: PixelMixSection, state: ExpertsState) -> None:
        self._section, self._state = section, state

    def hover(self, xy: tuple[float, float] | None) -> None:
        """Shows the mix of the pixel under the cursor."""
        self._section.set_hovered(None if xy is None else self._state.mix_at(xy))

    def pin(self, xy: tuple[float, float]) -> None:
        """Pins a pixel for comparison."""
        mix = self._state.mix_at(xy)
        if mix is not None:
            self._section.add_pin(mix)

    def unpin(self, index: int) -> None:
        """Removes a pin."""
        self._section.remove_pin(index)

    def clear(self) -> None:
        """Removes all pins."""
        self._section.clear_pins()


def _mix_in_words(mix: PixelMix, names: Sequence[str], most: int) -> str:
    """The largest shares, without those that come to nothing."""
    shown = [each for each in mix.ranked[:most] if mix.mean[each] >= 0.0005]
    return ", ".join(f"{names[each]}: {percent(float(mix.mean[each]), 1)}" for each in shown)
