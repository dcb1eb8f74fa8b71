"""The first minute: a clean picture, an outline under the pointer, a click, Enter; the prediction one key away."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latentseg_gui.app.samples import sample_paths
from tests.e2e.person import Person
from tests.e2e.screen_colours import screen_colours


def test_point_click_and_enter_on_a_clean_picture(person: Person) -> None:
    sample = next(path for path in sample_paths() if "coffee" in path.name)
    person.open(sample)
    bare = screen_colours(person)
    person.wait_for_prediction()
    np.testing.assert_array_equal(screen_colours(person), bare)

    layer = person.canvas._stack.proposal
    QTest.mouseMove(person.canvas, person.at((300.0, 200.0)))
    QTest.mouseMove(person.canvas, person.at((302.0, 200.0)))
    person.wait_for(lambda: not layer.rect.is_empty, what="an outline stands under the pointer")
    assert person.image_id is not None
    assert person.session.document.prompts.of(person.image_id).is_empty, "nothing is clicked"

    person.choose("tool_brush")
    assert layer.rect.is_empty, "the brush has no outline of what a click would give"
    person.choose("tool_click")

    person.segment((302.0, 200.0))
    person.press(Qt.Key.Key_Return)
    person.wait_for(lambda: (person.mask == 1).any(), what="the object is accepted")

    mask_alone = screen_colours(person)
    person.press(Qt.Key.Key_G)
    assert (screen_colours(person) != mask_alone).any()
    assert person.window.options.display._layer.value == "both"
    person.press(Qt.Key.Key_G)
    assert person.window.options.display._layer.value == "mask"
