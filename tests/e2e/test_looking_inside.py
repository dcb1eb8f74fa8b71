"""Looking inside of large pictures and of many: what is coarse is refined, what is pinned stays marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from PySide6.QtWidgets import QToolButton

from latentseg_gui.document.experts import AttentionPart
from tests.e2e.person import Person


@pytest.fixture
def large_photo(tmp_path: Path) -> Path:
    """A picture of 8.6 megapixels."""
    path = tmp_path / "large.png"
    small = Image.fromarray(skimage.data.coffee())
    small.resize((3600, 2400), Image.Resampling.BICUBIC).save(path, compress_level=1)
    return path


def wait_for_part(person: Person, before: AttentionPart | None = None) -> AttentionPart:
    parts = person.session.expert_parts
    person.wait_for(
        lambda: parts.part is not None and parts.part is not before, what="the visible part is refined"
    )
    assert parts.part is not None
    return parts.part


def test_the_visible_part_of_a_large_picture_is_refined_and_pins_are_marked(
    person: Person, large_photo: Path
) -> None:
    session, panel, canvas = person.session, person.window.experts, person.canvas
    person.open(large_photo)
    person.wait_for_prediction()
    person.wait_for(lambda: session.inspect.maps is not None, what="the attention maps are there")
    maps = session.inspect.maps
    assert maps is not None
    assert maps.stride > 8
    assert maps.look.nbytes + maps.mix.nbytes <= 32 << 20
    panel.select(2)
    panel.toggle_map("expert")
    canvas.zoom_to(1.0)
    canvas.centre_on((1800.0, 1200.0))
    canvas.centre_on((1000.0, 700.0))
    part = wait_for_part(person)
    visible = canvas.viewport.visible_rect()
    assert part.rect.union(visible) == part.rect, "the last view counts, not those on the way"
    assert part.stride == 4
    assert part.look.nbytes + part.mix.nbytes <= 32 << 20
    overlay = panel.overlay
    assert overlay is not None
    assert overlay.part is not None
    assert overlay.part[0] == part.rect

    canvas.centre_on((1010.0, 705.0))
    canvas.centre_on((2600.0, 1700.0))
    other = wait_for_part(person, part)
    assert other.rect != part.rect
    canvas.centre_on((1000.0, 700.0))
    again = wait_for_part(person, other)
    assert again.rect == part.rect
    assert np.array_equal(again.mix, part.mix)
    canvas.zoom_to_fit()
    person.wait_for(lambda: session.expert_parts.part is None, what="the whole is fine enough")
    assert panel.overlay is not None
    assert panel.overlay.part is None

    for xy in ((1000.5, 700.5), (2000.5, 1500.5)):
        canvas.cursor_moved.emit(*xy)
        person.choose("pin")
    assert canvas.pin_at((1000.5, 700.5)) == 0
    assert canvas.pin_at((2000.5, 1500.5)) == 1
    remove = next(each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Remove pin 1")
    remove.click()
    assert canvas.pin_at((1000.5, 700.5)) is None
    assert canvas.pin_at((2000.5, 1500.5)) == 0, "the numbers of the panel are those on the picture"
    person.choose("pin")
    assert canvas.pin_at((2000.5, 1500.5)) is None, "pinning again removes the pin"

    document, image_id = session.document, person.image_id
    assert image_id is not None
    before = document.prediction(image_id)
    next(each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Heads: 2").click()
    person.choose("knock_out")
    person.wait_for(lambda: document.prediction(image_id) is not before, what="without one head")
    assert panel.gains == {(1, 2): 0.0}
    person.choose("knock_out")
    assert document.prediction(image_id) is before
