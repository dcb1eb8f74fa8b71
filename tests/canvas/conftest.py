from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.document.types import UNLABELLED, Labels

from .hand import Hand, class_colours, numbered_image


@pytest.fixture
def labels() -> Labels:
    labels = np.full((240, 320), UNLABELLED, np.uint8)
    labels[60:120, 80:200] = 1
    labels[100:200, 150:260] = 2
    return labels


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return numbered_image(240, 320)


@pytest.fixture
def view(qtbot: QtBot, pixels: NDArray[np.uint8]) -> CanvasView:
    view = CanvasView()
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.labels.set_colours(class_colours())
    with qtbot.waitExposed(view):
        view.show()
    view.image.set(pixels)
    return view


@pytest.fixture
def hand(view: CanvasView) -> Hand:
    return Hand(view)
