"""The panel of experts becomes one of attention where the network in use has something else to show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget
from pytestqt.qtbot import QtBot

from model.weights.catalogue import fresh_network
from model.weights.checkpoint import CheckpointMeta
from model.weights.checkpoint import save as save_weights
from tests.e2e.kept_weights import live, window
from tests.e2e.person import Person

pytestmark = pytest.mark.timeout(600)


def open_weights(person: Person, folder: Path, name: str) -> None:
    path = folder / f"{name}.safetensors"
    save_weights(path, fresh_network(name, 2), CheckpointMeta(("background", "object")))
    person.session.weights.open(path)
    person.wait_for(lambda: live(person.session) == name, what=f"{name} is live")
    person.wait_for_prediction()


def point_at(person: Person, xy: tuple[float, float]) -> None:
    QTest.mouseMove(person.canvas, person.at((xy[0] - 8, xy[1])))
    QTest.mouseMove(person.canvas, person.at(xy))


def heatmap(person: Person) -> np.ndarray | None:
    layer = person.canvas._stack.heatmap
    return None if layer.is_empty else np.array(layer._codes)


def test_rows_follow_the_cursor_gates_are_shown_and_experts_come_back(
    qtbot: QtBot, own_home: Path, skimage_photo: Path, tmp_path: Path
) -> None:
    with window() as (person, told):
        session, section = person.session, person.window.experts.view.network
        person.open(skimage_photo)
        person.wait_for_prediction()
        dock = person.window.findChild(QDockWidget, "dock_experts")
        assert dock.windowTitle() == "Experts"
        assert section.isHidden()

        open_weights(person, tmp_path, "setr")
        assert dock.windowTitle() == "Attention"
        person.window.show_panel("experts")
        assert section.isVisible()
        point_at(person, (100.0, 100.0))
        person.wait_for(lambda: session.network_maps.maps is not None, what="the row of the pixel")
        section.tiles[0].click()
        person.wait_for(lambda: heatmap(person) is not None, what="it lies over the image")
        first = heatmap(person)
        point_at(person, (300.0, 200.0))
        person.wait_for(
            lambda: abs((session.network_maps.maps.xy or (0, 0))[0] - 300) < 4, what="it follows the cursor"
        )
        assert not np.array_equal(first, heatmap(person))
        section._follow.click()
        person.wait_for(
            lambda: session.network_maps.maps.groups[-1].titles == ("rollout",), what="the rollout"
        )
        person.choose("show_attention")
        assert heatmap(person) is None
        person.choose("show_attention")
        assert heatmap(person) is not None

        open_weights(person, tmp_path, "attention-unet")
        assert heatmap(person) is None, "what others attended to is gone"
        person.wait_for(lambda: len(section.tiles) == 4, what="gates at four strides")
        section.tiles[3].click()
        assert heatmap(person) is not None

        open_weights(person, tmp_path, "unet")
        assert section.isHidden()
        assert dock.windowTitle() == "Experts"
        assert heatmap(person) is None
        person.choose("default_weights")
        person.wait_for(lambda: session.inspect.maps is not None, what="maps of experts are back")
        assert not person.window.experts.view.controls.isHidden()
        assert not told.errors
