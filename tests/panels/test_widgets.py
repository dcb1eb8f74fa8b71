from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from latentseg_gui.panels.pixmaps import image_from_codes, image_from_rgb
from latentseg_gui.panels.widgets import Fold, Segments, text_label


@pytest.fixture
def segments(qtbot: QtBot) -> Segments:
    widget = Segments("Layer", (("mask", "Mask", ""), ("model", "Model", ""), ("both", "Both", "")))
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_arrow_keys_go_through_the_choices(segments: Segments, qtbot: QtBot) -> None:
    chosen: list[str] = []
    segments.chosen.connect(chosen.append)
    segments.set_value("model")
    assert chosen == []
    middle = next(each for each in segments.findChildren(QToolButton) if each.text() == "Model")
    middle.setFocus()
    qtbot.keyClick(middle, Qt.Key.Key_Right)
    assert segments.value == "both"
    assert chosen == ["both"]


def test_one_tab_stop_wherever_the_choice_was_made(segments: Segments) -> None:
    for key in ("both", "mask", "model"):
        segments.set_value(key)
        stops = [
            each.text()
            for each in segments.findChildren(QToolButton)
            if each.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        assert [stop.lower() for stop in stops] == [key]


def test_a_fold_shows_its_content_when_opened(qtbot: QtBot) -> None:
    fold = Fold("More")
    qtbot.addWidget(fold)
    label = text_label("inside")
    fold.body.addWidget(label)
    fold.show()
    assert not label.isVisible()
    fold.findChild(QToolButton).click()  # type: ignore[union-attr]
    assert label.isVisible()
    assert fold.is_open


def test_pictures_own_their_pixels() -> None:
    pixels = np.full((3, 5, 3), 7, dtype=np.uint8)
    picture = image_from_rgb(pixels[:, ::-1])
    pixels[:] = 200
    assert picture.pixelColor(4, 2).red() == 7
    assert (picture.width(), picture.height()) == (5, 3)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (0, 4, 3)])
def test_wrong_arrays_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        image_from_rgb(np.zeros(shape, dtype=np.uint8))


def test_pictures_of_codes_have_the_colours_of_the_table() -> None:
    table = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 9)], axis=1).astype(np.uint8)
    picture = image_from_codes(np.array([[0, 200, 255]], dtype=np.uint8), table)
    assert [picture.pixelColor(x, 0).getRgb()[:3] for x in range(3)] == [
        (0, 255, 9),
        (200, 55, 9),
        (255, 0, 9),
    ]
