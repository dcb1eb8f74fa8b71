"""What the experts are worth and what excites each, by somebody in front of the window."""

from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from PySide6.QtWidgets import QPushButton, QToolButton

from model.weights.figures import default_even_mix
from tests.e2e.person import Person


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        Image.fromarray(getattr(skimage.data, name)()).resize((320, 240)).save(folder / f"{name}.png")
    return folder


def shown_buttons(person: Person) -> list[QToolButton]:
    section = person.window.experts.view.patches
    return [each for each in section.findChildren(QToolButton) if each.isVisibleTo(section)]


def test_what_excites_an_expert_is_collected_while_images_are_looked_at_and_a_click_goes_there(
    person: Person, pictures: Path
) -> None:
    session, panel = person.session, person.window.experts
    section = panel.view.patches
    person.open(pictures)
    person.wait_for_prediction()
    person.wait_for(lambda: session.inspect.maps is not None, what="the attention maps are there")
    first = person.image_id
    maps = session.inspect.maps
    assert maps is not None
    explained = maps.mix.mean((0, 2, 3))
    expert = int(explained.argmax())
    panel.selection.choose(expert)
    person.wait_for(lambda: len(section.shown) == 4, what="the squares of the first image")
    assert {each.image_id for each in section.shown} == {first}
    assert section.shown[0].share > explained[expert], "more than it explains on average"

    panel.view.patches_fold.set_open(True)
    next(each for each in section.findChildren(QPushButton) if each.text() == "Whole folder").click()
    person.wait_for(lambda: "3 of 3 images" in section.about, what="the other images are looked at, too")
    assert len(section.shown) == 12
    shares = [each.share for each in section.shown]
    assert shares == sorted(shares, reverse=True)

    place, patch = next((n, each) for n, each in enumerate(section.shown) if each.image_id != first)
    shown_buttons(person)[place].click()
    person.wait_for(lambda: person.image_id == patch.image_id, what="its image is shown")
    middle = (patch.rect.col0 + patch.rect.col1) / 2, (patch.rect.row0 + patch.rect.row1) / 2

    def is_near() -> bool:
        return person.canvas.rect().center().x() == pytest.approx(person.at(middle).x(), abs=2)

    person.wait_for(is_near, what="the place is in the middle of the view")
    visible = person.canvas.camera.viewport.visible_rect()
    assert visible.shape[0] * visible.shape[1] < 320 * 240, "close enough to see it"
    person.wait_for(lambda: session.inspect.maps is not None, what="the maps of that image")
    assert len(section.shown) == 12, "what was collected stays"


def test_the_panel_says_what_the_experts_are_worth_and_measures_it_on_what_is_labelled(
    person: Person, pictures: Path
) -> None:
    session, note = person.session, person.window.experts.view.mix_note
    button = note.findChild(QPushButton)
    assert button is not None
    person.open(pictures)
    person.wait_for_prediction()
    figure = default_even_mix()
    assert figure is not None
    cost = f"an even mix would cost {figure.learned - figure.even:.2f}"
    assert f"These weights use their experts: {cost}" in note.text
    assert "30 held-out pictures" in note.text
    assert button.isHidden()

    person.segment((150.0, 60.0))
    person.choose("accept")
    person.wait_for(lambda: (person.mask != 255).any(), what="something is labelled")
    person.wait_for(lambda: not button.isHidden(), what="there is something to measure with")
    button.click()
    person.wait_for(lambda: "on your labels of one image" in note.text, what="it was measured")
    worth = session.weights.versions[session.weights.chosen].mix_worth
    assert worth is not None
    assert 0 <= worth.even <= 1
    assert worth.is_own
