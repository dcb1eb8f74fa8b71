"""Predicting a folder in the window, and exporting all of it: seen, stopped, gone on with, never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from latentseg_gui.controllers.transfer.output_run import OutputReport
from latentseg_gui.io.transfer.batch import WORK
from latentseg_gui.panels.output import OutputChoice
from tests.e2e.conftest import Witness
from tests.e2e.person import Person


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve small pictures, two of one name."""
    folder = tmp_path / "photos"
    generator = np.random.default_rng(0)
    for number in range(12):
        below = folder / f"day {number % 2}"
        below.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(below / f"photo {number // 2}.png")
    return folder


@pytest.fixture
def reports(person: Person) -> list[OutputReport]:
    found: list[OutputReport] = []
    person.session.batch.finished.connect(found.append)
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def ready(person: Person) -> None:
    person.wait_for(lambda: person.session.weights.live is not None, what="the model is loaded")


def choose_in_dialog(
    person: Person, target: Path, *, source: Path | None = None, scope: str = "folder"
) -> str:
    """Fills in the dialog that is open, waits for its preview, and confirms; what the preview said."""
    session = person.session
    dialog = session.batch.output.dialog or session.export.output.dialog
    assert dialog is not None
    dialog.set_scope(scope)
    if source is not None:
        dialog.set_source(source)
    dialog.set_folder(target)
    dialog.set_formats(("png", "coco"))
    dialog.set_completed(True)
    person.wait_for(dialog._do.isEnabled, 30, "the preview is there")
    text = dialog._preview.text()
    dialog._do.click()
    return text


def test_a_folder_is_predicted_while_the_window_is_used(
    person: Person, told: Witness, photos: Path, reports: list[OutputReport], tmp_path: Path
) -> None:
    person.open(photos / "day 0")
    ready(person)
    (photos / "day 1" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    person.choose("predict_folder")
    text = choose_in_dialog(person, tmp_path / "out", source=photos)
    assert text.startswith("14 files in"), text
    person.wait_for(lambda: person.session.batch.is_running, what="it runs")
    person.segment((30.0, 20.0))
    person.wait_for(lambda: reports, what="it has ended")
    (report,) = reports
    assert (report.total, report.made, len(report.errors)) == (13, 12, 1)
    assert "broken.png" in told.errors[-1].detail
    content = json.loads((tmp_path / "out" / "coco" / "annotations.json").read_text())
    assert len(content["images"]) == 12
    assert {each["file_name"] for each in content["images"]} >= {"day 0/photo 0.png", "day 1/photo 0.png"}
    assert len(list((tmp_path / "out" / "png").rglob("*.png"))) == 12
    assert len(person.session.document.images.ids) == 6, "the list is as it was"


def test_a_stopped_run_goes_on_where_it_was(
    person: Person, told: Witness, photos: Path, reports: list[OutputReport], tmp_path: Path
) -> None:
    person.open(photos)
    ready(person)
    batch = person.session.batch
    whole = OutputChoice("all", ("png", "coco"), tmp_path / "whole")
    batch.start(whole)
    person.wait_for(lambda: len(reports) == 1, what="the first has ended")
    steps: list[float] = []
    batch.progressed.connect(lambda _, fraction: steps.append(fraction))
    batch.start(OutputChoice("all", ("png", "coco"), tmp_path / "out"))
    person.wait_for(lambda: any(fraction >= 0.25 for fraction in steps), what="a quarter is done")
    (name,) = [each for each in person.window.jobs.job_ids if str(each).startswith("batch")]
    person.window.jobs.cancel_requested.emit(name)
    person.wait_for(lambda: len(reports) == 2, what="it has stopped")
    assert reports[1].is_cancelled
    assert 0 < reports[1].made < 12
    assert (tmp_path / "out" / WORK).is_dir()
    assert "go on" in told.sentences[-1]
    person.choose("predict_folder")
    text = choose_in_dialog(person, tmp_path / "out", scope="all")
    assert f"{reports[1].made} of 12 images were done" in text
    person.wait_for(lambda: len(reports) == 3, what="the rest is done")
    assert reports[2].made + reports[2].kept == 12
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole"), "the same files, and nothing else"


def test_probability_maps_are_written(
    person: Person, photos: Path, reports: list[OutputReport], tmp_path: Path
) -> None:
    person.open(photos / "day 0")
    ready(person)
    person.session.batch.start(OutputChoice("selected", ("probabilities",), tmp_path / "out"))
    person.wait_for(lambda: reports, what="the chosen image is predicted")
    (name,) = files_of(tmp_path / "out")
    maps = tifffile.imread(tmp_path / "out" / name)
    assert maps.shape == (2, 48, 64)
    assert abs(maps.astype(int).sum(0) - 65535).max() <= 2


def test_what_was_labelled_is_kept_and_unmasked_images_can_be_chosen(
    person: Person, photos: Path, reports: list[OutputReport], tmp_path: Path
) -> None:
    person.open(photos / "day 0")
    ready(person)
    person.choose("tool_brush")
    person.drag((10.0, 20.0), (50.0, 20.0))
    image_id, mask = person.image_id, person.mask
    assert image_id is not None
    name = Path(person.session.document.images.name(image_id)).stem
    batch = person.session.batch
    batch.start(OutputChoice("all", ("png",), tmp_path / "all"))
    person.wait_for(lambda: len(reports) == 1, what="all are predicted")
    written = np.asarray(Image.open(tmp_path / "all" / f"{name}.png"))
    assert (written[mask != 255] == mask[mask != 255]).all()
    batch.start(OutputChoice("unmasked", ("png",), tmp_path / "rest"))
    person.wait_for(lambda: len(reports) == 2, what="the rest is predicted")
    assert len(files_of(tmp_path / "rest")) == 5
    assert f"{name}.png" not in files_of(tmp_path / "rest")


def test_images_are_never_overwritten(
    person: Person, photos: Path, reports: list[OutputReport], tmp_path: Path
) -> None:
    before = files_of(photos)
    person.open(photos / "day 0")
    ready(person)
    person.session.batch.start(OutputChoice("all", ("png",), photos / "day 0"))
    person.wait_for(lambda: reports, what="it has ended")
    after = files_of(photos)
    assert {name: after[name] for name in before} == before
    assert sorted(set(after) - set(before)) == [f"day 0/photo {number}_mask.png" for number in range(6)]


def test_the_whole_list_is_exported_with_a_preview(
    person: Person, told: Witness, photos: Path, tmp_path: Path
) -> None:
    person.open(photos / "day 0")
    session, document = person.session, person.session.document
    for image_id in document.images.ids[:3]:
        session.images.show(image_id)
        person.wait_for(lambda wanted=image_id: person.image_id == wanted, what="it is shown")
        person.wait_for_prediction()
        person.choose("tool_brush")
        person.drag((10.0, 20.0), (50.0, 20.0))
    document.masks.layer(document.images.ids[1]).pack()
    expected = {
        Path(document.images.name(each)).stem: document.masks.final_labels(each)
        for each in document.images.ids[:3]
    }
    document.masks.layer(document.images.ids[1]).pack()
    person.choose("export_all")
    text = choose_in_dialog(person, tmp_path / "out", scope="all")
    assert "annotations.json" in text
    assert "numbers of the objects are not kept" in text
    person.wait_for(lambda: any("exported" in each for each in told.sentences), what="it is done")
    assert not (tmp_path / "out" / WORK).exists()
    for stem, labels in expected.items():
        written = np.asarray(Image.open(tmp_path / "out" / "png" / f"{stem}.png"))
        assert (written == labels).all(), stem
