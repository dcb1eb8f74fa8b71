"""The picture is clean until a prediction is asked for, or comes from what the user has taught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.images.display import SURE_FOREGROUND, DisplayController, describe_pixel
from latentseg_gui.controllers.images.layer_choice import LayerChoice
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, ImageRecord, Provenance, Rect
from latentseg_gui.io.project.manifest import SHIPPED

SHAPE = (240, 320)
WEIGHTS = WeightsInfo(SHIPPED, None, ("background", "foreground"), (), 16, 4, "CPU", "")
TAUGHT = replace(WEIGHTS, version="v1", path=Path("v1.safetensors"))
CLEAR = (0, 0, 0)


class Frame:
    """A window that hears nothing."""

    def set_cursor_text(self, text: str) -> None:
        """Nobody reads it."""


class Bench:
    """A black image with its layers, as `Session` joins them."""

    def __init__(self, qtbot: QtBot, pixels: np.ndarray | None = None) -> None:
        self.document = Document()
        pixels = np.zeros((*SHAPE, 3), np.uint8) if pixels is None else pixels
        self.document.images.add_record(ImageRecord("image", pixels, pixels))
        self.view = CanvasView()
        qtbot.addWidget(self.view)
        self.view.resize(700, 520)
        self.view.show()
        display = DisplayController(self.document, self.view, window=Frame())  # type: ignore[arg-type]
        self.layers = LayerChoice(self.document, self.view, display)
        self.chosen: list[str] = []
        self.layers.changed.connect(self.chosen.append)
        self.document.images.current_id = "image"
        self.layers.use_weights(WEIGHTS)

    def predict(self, version: str, *, is_altered: bool = False, confidence: int = 220) -> None:
        labels = np.ones(SHAPE, np.uint8)
        sure = np.full(SHAPE, confidence, np.uint8)
        self.document.predictions.set(Prediction("image", version, labels, sure, is_altered=is_altered))

    def paint(self, class_id: int) -> None:
        rect = Rect(100, 100, 140, 180)
        self.document.masks.write(
            "image", rect, np.ones(rect.shape, np.bool_), class_id, Provenance.PAINTED, None
        )

    def colours(self) -> set[tuple[int, int, int]]:
        """Of some pixels in a row in the middle: a hatching has two."""
        image = self.view.grab().toImage()
        places = (self.view.camera.viewport.to_logical((x + 0.5, 120.5)).toPoint() for x in range(110, 150))
        rgb = (image.pixelColor(place) for place in places)
        return {(each.red(), each.green(), each.blue()) for each in rgb}

    def slant(self) -> str:
        """To which side the lines of a hatching go that fills the middle."""
        image = self.view.grab().toImage()
        middle = self.view.camera.viewport.to_logical((120.0, 120.0)).toPoint()
        rows, cols = range(middle.y(), middle.y() + 20), range(middle.x(), middle.x() + 40)
        light = np.array([[image.pixelColor(x, y).lightness() for x in cols] for y in rows])
        assert light.std() > 0
        rises = (light[1:, :-1] == light[:-1, 1:]).all()
        falls = (light[1:, 1:] == light[:-1, :-1]).all()
        return {(True, False): "rises", (False, True): "falls"}[bool(rises), bool(falls)]

    @property
    def legend(self) -> list[str]:
        return [entry.text for entry in self.view.visibility.legend.entries]


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    return Bench(qtbot)


def test_what_nobody_taught_is_shown_when_it_is_asked_for_and_has_no_class(bench: Bench) -> None:
    bench.predict(SHIPPED)
    assert bench.colours() == {CLEAR}
    assert bench.legend == []
    bench.layers.ask_for_prediction()
    drawn = bench.colours()
    assert len(drawn) == 2, "it is hatched"
    assert all(red == green == blue for red, green, blue in drawn), "it has no colour"
    assert bench.legend == ["foreground, nothing learned yet"]
    assert bench.chosen == ["both"]
    bench.layers.set_prediction_shown(False)
    assert bench.colours() == {CLEAR}


def test_of_what_nobody_taught_only_what_is_sure_is_drawn(bench: Bench) -> None:
    bench.layers.ask_for_prediction()
    bench.predict(SHIPPED, confidence=SURE_FOREGROUND - 1)
    assert bench.colours() == {CLEAR}
    assert "foreground" in describe_pixel(bench.document, "image", (5, 5)), "the pointer says it all the same"
    bench.predict(SHIPPED, confidence=SURE_FOREGROUND)
    assert len(bench.colours()) == 2
    bench.predict("v1", confidence=SURE_FOREGROUND - 1)
    assert bench.colours() != {CLEAR}, "what was taught is shown as it is"


def test_the_pointer_calls_it_foreground_and_what_was_taught_by_its_class(bench: Bench) -> None:
    bench.predict(SHIPPED)
    assert "foreground 86 %" in describe_pixel(bench.document, "image", (5, 5))
    bench.predict("v1")
    assert "object 86 %" in describe_pixel(bench.document, "image", (5, 5))


def test_what_the_user_has_taught_is_shown_in_the_colours_of_classes(bench: Bench) -> None:
    bench.layers.use_weights(TAUGHT)
    bench.predict("v1")
    drawn = bench.colours()
    assert len(drawn) == 2
    assert all(blue > red for red, _, blue in drawn)
    assert bench.legend == ["predicted"]
    bench.layers.choose("mask")
    bench.layers.use_weights(replace(TAUGHT, version="v2"))
    assert bench.chosen[-1] == "mask", "the next version keeps to what was chosen"
    bench.layers.use_weights(WEIGHTS)
    bench.layers.use_weights(TAUGHT)
    assert bench.chosen[-1] == "both"


def test_whoever_switches_an_expert_off_sees_what_that_does(bench: Bench) -> None:
    bench.predict(SHIPPED)
    bench.predict(SHIPPED, is_altered=True)
    assert bench.chosen == ["both"]
    bench.layers.choose("mask")
    bench.predict(SHIPPED, is_altered=True)
    assert bench.chosen[-1] == "mask"


def test_labelled_background_is_seen_and_hides_with_its_class(bench: Bench) -> None:
    bench.paint(BACKGROUND)
    assert len(bench.colours() - {CLEAR}) == 2
    assert bench.legend == ["labelled background"], "what is not there needs no explanation"
    classes = bench.document.classes
    bench.document.set_classes(classes.replaced(BACKGROUND, is_visible=False))
    assert bench.colours() == {CLEAR}
    assert bench.legend == []


def test_labelled_background_is_not_taken_for_foreground_that_is_predicted(bench: Bench) -> None:
    bench.predict(SHIPPED)
    bench.layers.ask_for_prediction()
    assert bench.slant() == "rises"
    bench.paint(BACKGROUND)
    assert bench.slant() == "falls"
    assert [entry.is_mirrored for entry in bench.view.visibility.legend.entries] == [True, False]


def test_a_picture_that_is_background_all_over_is_still_seen(qtbot: QtBot) -> None:
    pixels = np.zeros((*SHAPE, 3), np.uint8)
    pixels[:, 130:] = 200
    bench = Bench(qtbot, pixels)
    bench.paint(BACKGROUND)
    image = bench.view.grab().toImage()

    def lightness(x: float) -> np.ndarray:
        place = bench.view.camera.viewport.to_logical((x, 120.0)).toPoint()
        spots = ((place.x() + right, place.y() + down) for right in range(12) for down in range(12))
        return np.array([image.pixelColor(*spot).lightness() for spot in spots])

    dark, light = lightness(110.0), lightness(145.0)
    assert light.mean() - dark.mean() > 0.75 * 200, "the picture below keeps its contrast"
    assert np.ptp(dark) > 15
    assert np.ptp(light) > 15, "and the lines are seen on both"


def test_the_legend_has_a_colour_that_is_on_the_image(bench: Bench) -> None:
    document = bench.document
    document.set_classes(ClassTable.from_names(("background", "road", "tree")))
    bench.layers.choose("both")

    def colours() -> list[str]:
        return [entry.colour for entry in bench.view.visibility.legend.entries]

    road, tree = document.classes[1].colour, document.classes[2].colour
    bench.paint(1)
    document.active_class = 2
    assert colours() == [road], "no tree is labelled yet"
    bench.predict("v1")
    assert colours() == [road, road], "nor predicted"
    bench.paint(2)
    assert colours() == [tree, road]


def test_objects_alone_need_no_word_about_background(bench: Bench) -> None:
    bench.paint(1)
    assert bench.legend == ["labelled"]


def test_a_mask_that_was_emptied_needs_no_legend(bench: Bench) -> None:
    bench.paint(1)
    bench.paint(UNLABELLED)
    assert bench.legend == []


def test_a_mask_is_solid(bench: Bench) -> None:
    bench.paint(1)
    assert len(bench.colours()) == 1
    assert bench.colours() != {CLEAR}
