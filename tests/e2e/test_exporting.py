"""One image or all of them go out with what is switched on in the Model menu, probability maps included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from latentseg_gui.app.main import _remember
from latentseg_gui.app.preferences import load_preferences, preferences_path
from latentseg_gui.controllers.transfer import quick_export
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import export_mask
from latentseg_gui.panels.output import OutputDialog
from latentseg_gui.panels.output import dialog as dialog_module
from tests.e2e.conftest import Witness
from tests.e2e.person import Person


def photo(folder: Path, name: str = "photo.png", seed: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 90, (96, 128, 3), np.uint8)
    noise[20:60, 30:90] += 140
    Image.fromarray(noise).save(folder / name)
    return folder / name


def asked(person: Person, action: str, target: Path, *formats: str) -> OutputDialog:
    """The dialog, filled in, with its preview."""
    person.choose(action)
    dialog = person.session.export.output.dialog
    assert dialog is not None
    dialog.set_folder(target)
    dialog.set_formats(formats)
    person.wait_for(lambda: " in “" in dialog._preview.text(), 30, "the preview is there")
    return dialog


def finished(person: Person) -> None:
    person.wait_for(lambda: not person.session.export.is_busy, what="it is written")


def test_probability_maps_of_one_image_follow_the_model_menu(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    document = person.session.document
    person.open(photo(tmp_path / "photos"))
    person.wait_for_prediction()
    image_id = person.image_id
    assert image_id is not None
    plain = document.predictions.of(image_id)
    dialog = asked(person, "export_mask", tmp_path / "plain", "probabilities")
    assert "The image is predicted for this" in dialog._preview.text()
    dialog._do.click()
    finished(person)
    maps = tifffile.imread(tmp_path / "plain" / "photo.tif")
    assert plain is not None
    assert maps.shape == (2, 96, 128)
    assert np.array_equal(maps.argmax(0), plain.labels)
    assert np.abs(maps.astype(int).sum(0) - 65535).max() <= 2
    # What is switched on counts, also before the window has predicted anew.
    person.window.action["predict_mirror"].setChecked(True)
    assert document.predictions.is_stale(image_id)
    dialog = asked(person, "export_mask", tmp_path / "both", "png", "probabilities")
    dialog._do.click()
    finished(person)
    mirrored = tifffile.imread(tmp_path / "both" / "probabilities" / "photo.tif")
    assert not np.array_equal(mirrored, maps)
    person.wait_for_prediction()
    now = document.predictions.of(image_id)
    assert now is not None
    assert np.array_equal(mirrored.argmax(0), now.labels), "the same as on the canvas"
    with Image.open(tmp_path / "both" / "png" / "photo.png") as mask:
        assert np.array_equal(np.asarray(mask), now.labels)
    assert not told.errors


def test_an_image_that_the_model_has_not_seen_waits_for_it(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    person.open(photo(tmp_path / "photos"))
    if person.session.weights.live is None:
        dialog = asked(person, "export_mask", tmp_path / "early", "probabilities")
        assert "The model is still being loaded" in dialog._preview.text()
        assert not dialog._do.isEnabled()
        dialog.reject()
    person.wait_for_prediction()
    person.session.document.predictions.clear(person.image_id or "")
    dialog = asked(person, "export_mask", tmp_path / "late", "png", "confidence")
    dialog._do.click()
    finished(person)
    assert {path.name for path in (tmp_path / "late").rglob("*.png")} == {"photo.png"}
    assert len(list((tmp_path / "late").rglob("*.png"))) == 2
    assert not told.errors


def test_a_folder_of_probability_maps_can_be_stopped(person: Person, told: Witness, tmp_path: Path) -> None:
    for number in range(6):
        photo(tmp_path / "photos", f"{number}.png", number)
    person.open(tmp_path / "photos")
    person.wait_for_prediction()
    document = person.session.document
    for image_id in document.images.ids[1:]:
        person.session.images.show(image_id)
        person.wait_for(lambda image_id=image_id: document.predictions.of(image_id) is not None)  # type: ignore[misc]
    dialog = asked(person, "export_all", tmp_path / "out", "probabilities-npz")
    assert "6 images are predicted for this" in dialog._preview.text()
    steps: list[float] = []
    export = person.session.export
    export.progressed.connect(lambda name, fraction: fraction > 0.3 and export.cancel_named(name))
    export.progressed.connect(lambda _, fraction: steps.append(fraction))
    dialog._do.click()
    person.wait_for(
        lambda: any("Stopped: " in sentence for sentence in told.sentences), what="it has stopped"
    )
    assert 1 <= len(list((tmp_path / "out").glob("*.npz"))) < 6
    assert steps[0] == 0
    assert not told.errors


def test_whoever_has_labelled_exports_only_that_unless_the_rest_is_wanted(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    photo(tmp_path / "photos", "a.png")
    photo(tmp_path / "photos", "b.png", 1)
    person.open(tmp_path / "photos")
    person.wait_for_prediction()
    document = person.session.document
    assert person.image_id is not None
    everything = np.ones((96, 128), np.uint8)
    document.predictions.set(Prediction(person.image_id, "v", everything, everything))
    person.choose("tool_brush")
    person.press(Qt.Key.Key_1)
    person.drag((40.0, 40.0), (60.0, 40.0))
    painted = person.mask == 1
    assert 0 < painted.sum() < painted.size
    dialog = asked(person, "export_all", tmp_path / "own", "png", "npz")
    assert not dialog.choice.is_completed
    assert dialog.choice.scope == "labelled"
    assert "2 files" in dialog._preview.text()
    dialog._do.click()
    finished(person)
    with Image.open(tmp_path / "own" / "png" / "a.png") as mask:
        assert np.array_equal(np.asarray(mask) == 1, painted)
    with np.load(tmp_path / "own" / "npz" / "a.npz") as archive:
        assert np.array_equal(archive["labels"], np.where(painted, 1, UNLABELLED))
    dialog = asked(person, "export_all", tmp_path / "all", "png")
    assert not dialog.choice.is_completed, "as it was chosen last"
    dialog.set_completed(True)
    dialog.set_scope("all")
    person.wait_for(dialog._do.isEnabled, 30)
    dialog._do.click()
    finished(person)
    with Image.open(tmp_path / "all" / "a.png") as mask:
        assert (np.asarray(mask) == 1).all()
    assert not told.errors


def test_the_folder_of_an_export_is_one_press_away(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        "latentseg_gui.controllers.transfer.export.QDesktopServices.openUrl",
        lambda url: opened.append(url.toLocalFile()),
    )
    Image.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    person.open(tmp_path / "photo.png")
    person.choose("tool_brush")
    person.drag((10.0, 20.0), (60.0, 20.0))
    person.choose("export_mask")
    dialog = person.session.export.output.dialog
    assert dialog is not None
    dialog.set_folder(tmp_path / "out")
    buttons = {each.text(): each for each in dialog.findChildren(QPushButton)}
    person.wait_for(buttons["Export"].isEnabled, 30, "it may go")
    buttons["Export"].click()

    def open_folder() -> QPushButton | None:
        found = person.window.messages.findChildren(QPushButton)
        return next((each for each in found if each.text() == "Open folder" and each.isVisible()), None)

    person.wait_for(open_folder, 30, "it is exported, and the folder offered")
    button = open_folder()
    assert button is not None
    button.click()
    assert opened == [str(tmp_path / "out")]


def test_enter_exports_and_does_not_cancel(person: Person, told: Witness, tmp_path: Path) -> None:
    person.open(photo(tmp_path / "photos"))
    person.wait_for_prediction()
    dialog = asked(person, "export_mask", tmp_path / "out", "png")
    person.wait_for(dialog._do.isEnabled, 30)
    assert dialog._do.isDefault()
    QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    finished(person)
    assert (tmp_path / "out" / "photo.png").is_file()
    assert not told.errors


def test_the_dialog_fits_on_a_low_screen(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.open(photo(tmp_path / "photos"))
    person.wait_for_prediction()
    heights = {}
    for limit in (10_000, 0):
        monkeypatch.setattr(dialog_module, "_LOW_SCREEN", limit)
        dialog = asked(person, "export_mask", tmp_path / "out", "png", "coco")
        heights[limit] = dialog.height()
        dialog.reject()
    assert heights[10_000] < 540, "a screen of 1080 lines at 200 % has 540"
    assert heights[10_000] < heights[0]


def test_files_of_others_in_the_way_are_asked_about(person: Person, told: Witness, tmp_path: Path) -> None:
    person.open(photo(tmp_path / "photos"))
    person.wait_for_prediction()
    (tmp_path / "out").mkdir()
    theirs = tmp_path / "out" / "photo.png"
    theirs.write_bytes(b"drawn by hand")
    dialog = asked(person, "export_mask", tmp_path / "out", "png")
    assert "photo.png" in dialog._preview.text()
    assert "not written by latentseg" in dialog._preview.text()
    assert not dialog._do.isEnabled()
    assert dialog._replace.isVisibleTo(dialog)
    dialog._replace.setChecked(True)
    person.wait_for(dialog._do.isEnabled, 30)
    dialog._do.click()
    finished(person)
    assert theirs.read_bytes().startswith(b"\x89PNG")
    dialog = asked(person, "export_mask", tmp_path / "out", "png")
    person.wait_for(dialog._do.isEnabled, 30)
    assert not dialog._replace.isVisibleTo(dialog), "it is ours now"
    dialog.reject()
    assert not told.errors


def test_masks_that_were_saved_are_told_of_although_the_last_could_not_be_written(
    person: Person, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, *arguments: object) -> list[Path]:
        if path.name.startswith("2"):
            raise LatentsegError("The disk is full.")
        return export_mask(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(quick_export, "export_mask", write)
    for number in range(3):
        photo(tmp_path / "photos", f"{number}.png", number)
    person.open(tmp_path / "photos")
    person.choose("tool_brush")
    for image_id in person.session.document.images.ids:
        person.session.images.show(image_id)
        person.wait_for(lambda wanted=image_id: person.image_id == wanted and person.canvas.image.is_shown)  # type: ignore[misc]
        person.drag((20.0, 20.0), (60.0, 20.0))
    person.choose("save")
    person.wait_for(lambda: told.sentences and told.errors, what="both are said")
    assert told.sentences == ["Saved 2 masks beside their images."]
    assert [each.what for each in told.errors] == ["The disk is full."]


def test_masks_beside_the_images_hold_what_was_labelled_and_are_told_of_once(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    for number in range(3):
        photo(tmp_path / "photos", f"{number}.png", number)
    person.open(tmp_path / "photos")
    person.choose("tool_brush")
    painted = {}
    for number, image_id in enumerate(person.session.document.images.ids):
        person.session.images.show(image_id)
        person.wait_for(lambda wanted=image_id: person.image_id == wanted and person.canvas.image.is_shown)  # type: ignore[misc]
        person.drag((20.0, 20.0 + 10 * number), (60.0, 20.0 + 10 * number))
        painted[number] = person.mask
    person.choose("save")
    person.wait_for(lambda: told.sentences, what="they are saved")
    assert told.sentences == ["Saved 3 masks beside their images."]
    for number, mask in painted.items():
        with Image.open(tmp_path / "photos" / f"{number}_mask.png") as written:
            assert np.array_equal(np.asarray(written), mask)
    person.session.images.open([tmp_path / "photos"])
    person.wait_for(lambda: len(told.sentences) == 2, 30, "the folder is listed again")
    assert len(person.session.document.images.ids) == 3
    assert "3 masks that were saved beside their images are not listed" in told.sentences[-1]
    assert not told.errors


def test_formats_and_folder_of_the_last_export_are_suggested_after_a_restart(
    person: Person, told: Witness, tmp_path: Path
) -> None:
    person.open(photo(tmp_path / "photos"))
    person.wait_for_prediction()
    dialog = asked(person, "export_mask", tmp_path / "out", "npz", "csv")
    person.wait_for(dialog._do.isEnabled, 30)
    dialog._do.click()
    finished(person)
    session = person.session
    _remember(session)
    preferences, error = load_preferences(preferences_path())
    assert error is None
    assert (preferences.export_formats, preferences.export_folder) == (["npz", "csv"], str(tmp_path / "out"))
    session.export.output.suggest(["a format of tomorrow"], "")
    assert session.export.output.formats == ("npz", "csv"), "what is unknown is not suggested"
    session.export.output.suggest(preferences.export_formats, preferences.export_folder)
    person.choose("export_mask")
    dialog = session.export.output.dialog
    assert dialog is not None
    assert dialog.choice is not None
    assert (dialog.choice.formats, dialog.choice.folder) == (("npz", "csv"), tmp_path / "out")
    dialog.reject()
    assert not told.errors
