"""The legend shows what it explains, whatever colour its panel has."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas.chrome.legend import LegendEntry, _draw_swatch


@pytest.mark.parametrize("panel", ["#ffffff", "#f4f5f7", "#1e2125", "#000000"])
@pytest.mark.parametrize("colour", ["#ffffff", "#000000", "#56b4e9"])
def test_a_hatched_swatch_is_seen_on_every_panel(qtbot: QtBot, panel: str, colour: str) -> None:
    image = QImage(20, 16, QImage.Format.Format_RGB32)
    image.fill(QColor(panel))
    painter = QPainter(image)
    _draw_swatch(painter, QRectF(2, 2, 16, 12), LegendEntry("labelled background", colour, is_hatched=True))
    painter.end()
    grey = np.array([[QColor(image.pixel(x, y)).lightness() for x in range(20)] for y in range(16)])
    inside = grey[3:13, 3:17]
    assert (np.abs(inside - QColor(panel).lightness()) > 40).mean() > 0.3
    assert inside.std() > 10, "the lines are told from what lies under them"
