"""The main job, on a real photograph: open, predict, point, inspect, correct, fine-tune, export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentseg_gui.app import main as application
from latentseg_gui.app.main_window import MainWindow
from latentseg_gui.document.types import UNLABELLED
from tests.e2e.conftest import Witness
from tests.e2e.person import LEFT, RIGHT, Person

FACE = (225.0, 120.0)


def test_open_shows_the_photograph_and_what_the_model_makes_of_it(
    person: Person, skimage_photo: Path
) -> None:
    person.open(skimage_photo)
    person.wait_for_prediction()
    assert person.image_id is not None
    prediction = person.session.document.predictions.of(person.image_id)
    assert prediction is not None
    assert prediction.labels.shape == (512, 512)
    assert prediction.version == "shipped"
    assert 0.1 < (prediction.labels == 1).mean() < 0.95, (
        "a person fills much of this photograph, not all of it"
    )


def test_a_click_proposes_and_only_enter_changes_the_mask(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    person.segment(FACE)
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    proposal = document.prompts.proposal(image_id)
    assert proposal is not None
    assert (person.mask == UNLABELLED).all(), "a proposal never touches the mask"
    person.press(Qt.Key.Key_Return)
    accepted = person.mask
    assert accepted[int(FACE[1]), int(FACE[0])] == 1
    assert np.count_nonzero(accepted == 1) == np.count_nonzero(proposal.mask)
    assert document.prompts.of(image_id).is_empty
    person.choose("undo")
    assert (person.mask == UNLABELLED).all()
    person.choose("redo")
    assert (person.mask == accepted).all()


def test_a_click_before_the_model_is_ready_waits_and_is_answered(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    assert person.image_id is not None
    assert not person.session.predict.is_encoded(person.image_id)
    person.segment(FACE)
    proposal = person.session.document.prompts.proposal(person.image_id)
    assert proposal is not None
    assert proposal.prompts.points[0].is_positive


def test_escape_and_backspace_take_clicks_back(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    person.segment(FACE)
    person.click((400.0, 60.0), RIGHT)
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    assert [point.is_positive for point in document.prompts.of(image_id).points] == [True, False]
    person.press(Qt.Key.Key_Backspace)
    assert len(document.prompts.of(image_id).points) == 1
    person.press(Qt.Key.Key_Escape)
    assert document.prompts.of(image_id).is_empty
    assert document.prompts.proposal(image_id) is None


def test_the_experts_show_what_they_attend_to_and_a_knock_out_changes_the_prediction(
    person: Person, skimage_photo: Path
) -> None:
    person.open(skimage_photo)
    person.wait_for_prediction()
    inspect, panel = person.session.inspect, person.window.experts
    person.wait_for(lambda: inspect.maps is not None, what="the attention maps are there")
    maps = inspect.maps
    assert maps is not None
    assert np.allclose(maps.look.sum(axis=(2, 3)), 1, atol=1e-3)
    assert np.allclose(maps.mix.sum(axis=1), 1, atol=1e-3)
    assert person.image_id is not None
    document, image_id = person.session.document, person.image_id
    before = document.predictions.of(image_id)
    assert before is not None
    panel.selection.choose(int(maps.mix.mean(axis=(0, 2, 3)).argmax()))
    panel.selection.toggle_map("expert")
    assert panel.selection.overlay is not None
    assert panel.selection.overlay.values.shape == maps.mix.shape[-2:]
    person.choose("knock_out")
    person.wait_for(
        lambda: document.predictions.of(image_id) is not before, what="the knocked-out prediction"
    )
    after = document.predictions.of(image_id)
    assert after is not None
    assert after.is_altered
    assert (after.confidence != before.confidence).any()
    person.choose("knock_out")
    person.wait_for(lambda: document.predictions.of(image_id) is before, what="the prediction as it was")


def test_brush_and_eraser_are_one_step_each(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    person.choose("tool_brush")
    person.session.tool.set_diameter(30)
    person.drag((100.0, 100.0), (150.0, 100.0), (200.0, 150.0))
    painted = person.mask
    assert painted[100, 125] == 1
    assert len(person.session.history.entries) == 1
    person.choose("tool_eraser")
    person.drag((100.0, 100.0), (120.0, 100.0))
    assert person.mask[100, 105] == 0, "the eraser says: this is background"
    person.choose("undo")
    assert (person.mask == painted).all()
    person.choose("undo")
    assert (person.mask == UNLABELLED).all()


def correct_two_classes(person: Person) -> None:
    """Paints some of the person and some of the background."""
    person.choose("tool_brush")
    person.session.tool.set_diameter(40)
    person.press(Qt.Key.Key_1)
    person.drag((225.0, 120.0), (230.0, 200.0), (200.0, 420.0), (120.0, 440.0))
    person.press(Qt.Key.Key_0)
    person.drag((330.0, 60.0), (400.0, 40.0), (340.0, 200.0), (345.0, 260.0))


def test_fine_tuning_makes_a_version_that_one_can_leave_again(person: Person, skimage_photo: Path) -> None:
    person.open(skimage_photo)
    person.wait_for_prediction()
    correct_two_classes(person)
    session = person.session
    session.finetune.plan = session.finetune.plan.with_seconds(4.0)
    losses: list[float] = []
    session.finetune.progressed.connect(lambda progress: losses.append(progress.loss))
    ended: list[object] = []
    session.finetune.ended.connect(ended.append)
    person.choose("finetune")
    person.wait_for(lambda: session.finetune.is_running, what="fine-tuning runs")
    person.drag((60.0, 60.0), (70.0, 60.0))
    person.wait_for(lambda: ended, seconds=120, what="fine-tuning ends")
    assert ended[0] is not None
    assert np.isfinite(losses).any(), "the loss was reported"
    assert "v1" in session.weights.versions
    session.weights.activate("v1")
    person.wait_for(lambda: session.weights.live is not None and session.weights.live.version == "v1")
    person.wait_for_prediction()
    assert person.image_id is not None
    tuned = session.document.predictions.of(person.image_id)
    assert tuned is not None
    assert tuned.version == "v1"
    truth = person.mask
    labelled = truth != UNLABELLED
    assert (tuned.labels[labelled] == truth[labelled]).mean() > 0.8
    person.choose("default_weights")
    person.wait_for(lambda: session.weights.live is not None and session.weights.live.version == "shipped")


def test_cancelling_leaves_the_weights_in_use_alone(
    person: Person, skimage_photo: Path, told: Witness
) -> None:
    person.open(skimage_photo)
    person.wait_for_prediction()
    correct_two_classes(person)
    session = person.session
    session.finetune.plan = session.finetune.plan.with_seconds(60.0)
    steps: list[object] = []
    session.finetune.progressed.connect(steps.append)
    person.choose("finetune")
    person.wait_for(lambda: steps, what="the first step")
    session.finetune.cancel()
    person.wait_for(lambda: not session.finetune.is_running, seconds=2, what="cancelled")
    assert session.weights.live is not None
    assert session.weights.live.version == "shipped"
    assert any("cancelled" in sentence for sentence in told.sentences)


def test_the_exported_mask_is_the_one_on_screen(person: Person, skimage_photo: Path, tmp_path: Path) -> None:
    person.open(skimage_photo)
    person.wait_for_prediction()
    person.choose("tool_brush")
    person.drag((50.0, 50.0), (90.0, 50.0), button=LEFT)
    session = person.session
    target = tmp_path / "mask.png"
    session.export.export_to(target, "png")
    person.wait_for(target.exists, what="the file is there")
    person.wait_for(lambda: session.lanes.files.is_idle)
    assert person.image_id is not None
    written = np.array(Image.open(target))
    assert (written == session.document.masks.final_labels(person.image_id)).all()


def test_main_opens_the_window_and_returns_zero_when_it_is_closed(
    qtbot: QtBot, skimage_photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def close_when_open() -> None:
        windows = [each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow)]
        if windows and windows[0].canvas.camera.viewport.has_image:
            seen.append(windows[0].windowTitle())
            windows[0].close()
        else:
            QTimer.singleShot(50, close_when_open)

    QTimer.singleShot(50, close_when_open)
    assert application.main([str(skimage_photo)]) == 0
    assert "astronaut.png" in seen[0]
