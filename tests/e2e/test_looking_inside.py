"""Looking inside of large pictures and of many: what is coarse is refined, what is pinned stays marked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

from latentseg_gui.document.experts.experts import RegionAttention
from latentseg_gui.document.training.runs import FineTuneResult
from model.analysis.inspection import vector_shift
from model.prediction.predictor import Predictor
from model.weights.checkpoint import CheckpointMeta, default_weights_path, load, save
from tests.e2e.conftest import Witness
from tests.e2e.person import Person


@pytest.fixture
def large_photo(tmp_path: Path) -> Path:
    """A picture of 8.6 megapixels."""
    path = tmp_path / "large.png"
    small = Image.fromarray(skimage.data.coffee())
    small.resize((3600, 2400), Image.Resampling.BICUBIC).save(path, compress_level=1)
    return path


def wait_for_part(person: Person, before: RegionAttention | None = None) -> RegionAttention:
    parts = person.session.region_attention
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
    panel.selection.choose(2)
    panel.selection.toggle_map("expert")
    canvas.camera.zoom_to(1.0)
    canvas.camera.centre_on((1800.0, 1200.0))
    canvas.camera.centre_on((1000.0, 700.0))
    part = wait_for_part(person)
    visible = canvas.camera.viewport.visible_rect()
    assert part.rect.union(visible) == part.rect, "the last view counts, not those on the way"
    assert 4 <= part.stride < 5, "as fine as tokens are, unless the window is very large"
    assert part.look.nbytes + part.mix.nbytes <= 32 << 20
    overlay = panel.selection.overlay
    assert overlay is not None
    assert overlay.part is not None
    assert overlay.part[0] == part.rect

    canvas.camera.centre_on((1010.0, 705.0))
    canvas.camera.centre_on((2600.0, 1700.0))
    other = wait_for_part(person, part)
    assert other.rect != part.rect
    canvas.camera.centre_on((1000.0, 700.0))
    again = wait_for_part(person, other)
    assert again.rect == part.rect
    assert np.array_equal(again.mix, part.mix)
    canvas.camera.zoom_to_fit()
    person.wait_for(lambda: session.region_attention.part is None, what="the whole is fine enough")
    assert panel.selection.overlay is not None
    assert panel.selection.overlay.part is None

    for xy in ((1000.5, 700.5), (2000.5, 1500.5)):
        canvas.cursor_moved.emit(*xy)
        person.choose("pin")
    assert canvas.pins.index_at((1000.5, 700.5)) == 0
    assert canvas.pins.index_at((2000.5, 1500.5)) == 1
    remove = next(each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Remove pin 1")
    remove.click()
    assert canvas.pins.index_at((1000.5, 700.5)) is None
    assert canvas.pins.index_at((2000.5, 1500.5)) == 0, "the numbers of the panel are those on the picture"
    person.choose("pin")
    assert canvas.pins.index_at((2000.5, 1500.5)) is None, "pinning again removes the pin"

    document, image_id = session.document, person.image_id
    assert image_id is not None
    before = document.predictions.of(image_id)
    next(each for each in panel.findChildren(QToolButton) if each.accessibleName() == "Heads: 2").click()
    person.choose("knock_out")
    person.wait_for(lambda: document.predictions.of(image_id) is not before, what="without one head")
    assert panel.selection.gains == {(1, 2): 0.0}
    hint = person.window.findChild(QLabel, "hint")
    assert hint is not None
    assert "have another class" in hint.text(), "said where it is seen, however far the panel is scrolled"
    person.window.canvas.cursor_moved.emit(20.0, 20.0)
    shares = [each for each in person.window.statusBar().findChildren(QLabel) if "Expert " in each.text()]
    assert len(shares) == 1
    assert 1 <= shares[0].text().count("%") <= 3
    assert ": 0.0 %" not in shares[0].text(), "who is asked for nothing is not named"
    person.window.canvas.cursor_left.emit()
    assert shares[0].text() == ""
    person.choose("knock_out")
    assert document.predictions.of(image_id) is before
    assert "have another class" not in hint.text()


def test_before_and_after_a_fine_tuning_says_which_experts_moved_and_the_whole_folder_is_measured(
    person: Person, tmp_path: Path, told: Witness
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()).resize((160, 160)).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    session, panel = person.session, person.window.experts
    person.open(folder)
    person.wait_for_prediction()
    person.wait_for(lambda: session.inspect.maps is not None, what="the attention maps are there")

    whole = next(each for each in panel.findChildren(QPushButton) if each.text() == "Whole folder")
    panel.view.comparisons.affinity.show_folder()
    whole.click()
    assert session.expert_folder.is_running
    person.wait_for(lambda: not session.expert_folder.is_running, what="all images are measured")
    assert "could not be measured" in told.sentences[-1]
    texts = [each.text() for each in panel.findChildren(QLabel)]
    assert any("Over 3 of the 4 images of the list" in each for each in texts)

    paint_two_classes(person)
    session.finetune.plan = replace(session.finetune.plan, seconds=600.0)
    steps: list[int] = []
    session.finetune.progressed.connect(lambda progress: steps.append(progress.step))
    ended: list[FineTuneResult] = []
    session.finetune.ended.connect(ended.append)
    person.choose("finetune")
    person.wait_for(lambda: steps and steps[-1] > 5, seconds=200, what="some steps")
    session.finetune.finish()
    person.wait_for(lambda: ended, seconds=200, what="fine-tuning ends")
    version = ended[0].version
    session.weights.activate(version)
    person.wait_for(
        lambda: session.inspect.maps is not None and session.inspect.maps.version == version,
        what="the maps of the new version",
    )
    loaded: list[object] = []
    session.inspect.maps_kept.connect(loaded.append)
    session.weights.activate(version)  # again: what moved when it came is still what moved
    person.wait_for(lambda: loaded, what="the same version is live once more")
    image = session.document.records.of(str(person.image_id))
    assert image is not None
    expected = vector_shift(*(vectors_of(path, image.pixels) for path in (None, ended[0].weights)))
    shown = panel.view.comparisons.shift
    assert shown is not None
    assert np.allclose(shown.vectors, expected, atol=0.01)
    is_still = max(shown.vectors.max(), shown.maps.max()) < 0.0005
    assert about_shift(person, "shipped", version).startswith("No expert moved") is bool(is_still)
    assert not panel.view.comparisons.shift_fold.isHidden()

    path = tmp_path / "other experts.safetensors"
    with_other_experts(path)
    session.weights.open(path)
    person.wait_for(lambda: session.weights.live_path == path, what="other weights are live")
    assert session.weights.live is not None
    other = session.weights.live.version
    person.wait_for(
        lambda: session.inspect.maps is not None and session.inspect.maps.version == other,
        what="the maps of the other weights",
    )
    assert about_shift(person, version, other).startswith("Expert 3 turned most")


def about_shift(person: Person, before: str, after: str) -> str:
    """What the panel says of two versions."""
    words = f"From {before} to {after}, on this image"
    return next(each.text() for each in person.window.experts.findChildren(QLabel) if words in each.text())


def vectors_of(weights: Path | None, pixels: np.ndarray) -> np.ndarray:
    """What pixels read of the experts, asked of the model itself."""
    predictor = Predictor(load(weights or default_weights_path())[0], "cpu")
    predictor.set_image(pixels)
    return predictor.expert_vectors()


def with_other_experts(path: Path) -> None:
    """The shipped weights, but expert 3 begins as something else."""
    network, _ = load(default_weights_path())
    with torch.no_grad():
        network.experts[3] *= -3  # type: ignore[index, operator]
    save(path, network, CheckpointMeta())


def paint_two_classes(person: Person) -> None:
    person.choose("tool_brush")
    person.session.tool.set_diameter(16)
    person.press(Qt.Key.Key_1)
    person.drag((70.0, 40.0), (72.0, 62.0), (62.0, 131.0), (38.0, 137.0))
    person.press(Qt.Key.Key_0)
    person.drag((103.0, 19.0), (125.0, 13.0), (106.0, 62.0), (108.0, 81.0))
