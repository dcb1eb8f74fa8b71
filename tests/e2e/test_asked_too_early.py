"""What is asked for before the model, the labels or the disk are ready comes by itself, and can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QLabel, QPushButton

from latentseg_gui.controllers.training import training_set
from latentseg_gui.controllers.training.weights import SHIPPED, Version, WeightsController
from latentseg_gui.controllers.waiting import LabelSource
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import MaskItem, export_folder
from latentseg_gui.io.project.saving import ProjectSession
from tests.e2e.conftest import Witness
from tests.e2e.person import Person

CLASSES = ClassTable.from_names(("background", "object"))


class LateModel:
    """Weights that are loaded only when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._load: Callable[[WeightsController], None] = WeightsController.activate_shipped
        monkeypatch.setattr(WeightsController, "activate_shipped", lambda weights: None)

    def come(self, person: Person) -> None:
        self._load(person.session.weights)

    def fail(self, person: Person, file: Path) -> None:
        """The file of the shipped weights is damaged."""
        weights = person.session.weights
        file.write_bytes(b"no weights")
        weights.versions[SHIPPED] = Version(SHIPPED, file)
        self._load(weights)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> LateModel:
    return LateModel(monkeypatch)


@pytest.fixture
def early(model: LateModel, person: Person, photo: Path) -> Person:
    """Somebody who has labelled two classes while the model is still being loaded."""
    person.open(photo)
    person.choose("tool_brush")
    person.session.tool.set_diameter(12)
    for class_id, row in ((1, 10.0), (0, 40.0)):
        person.session.classes.choose_class(class_id)
        person.drag((20.0, row), (60.0, row))
    person.wait_for(lambda: person.session.finetune.samples.counts.is_complete, what="labels are counted")
    return person


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    generator = np.random.default_rng(0)
    for number in range(3):
        pixels = generator.integers(0, 255, (64, 96, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"photo {number}.png")
    return tmp_path / "photos"


def button(person: Person, text: str) -> QPushButton:
    buttons = person.window.training.findChildren(QPushButton)
    return next(each for each in buttons if each.text() == text)


def waiting_jobs(person: Person) -> list[str]:
    """What the status bar lists of commands that wait."""
    return [each for each in person.window.jobs.job_ids if each.startswith("waiting")]


def said_in_panel(person: Person) -> list[str]:
    return [each.text() for each in person.window.training.findChildren(QLabel) if each.isVisible()]


def test_a_fine_tuning_starts_when_the_model_is_there_unless_it_is_taken_back(
    model: LateModel, early: Person, told: Witness
) -> None:
    session, promise = early.session, "The model is still being loaded. Fine-tuning starts when that is done."
    session.window.show_panel("training")
    early.wait_for(button(early, "Start").isEnabled, what="it can be asked for")
    button(early, "Start").click()
    assert told.sentences[-1] == promise
    assert promise in said_in_panel(early)
    button(early, "Cancel").click()
    assert promise not in said_in_panel(early)
    assert button(early, "Start").isVisible()
    early.choose("finetune")  # now by key, and taken back where all jobs are
    (waiting,) = early.window.jobs.job_ids
    early.window.jobs.cancel_requested.emit(waiting)
    assert early.window.jobs.job_ids == ()
    assert button(early, "Start").isVisible()
    early.choose("finetune")
    early.choose("finetune")  # an impatient hand
    assert not session.finetune.is_running
    model.come(early)
    early.wait_for(lambda: session.finetune.is_running, what="it has started")
    assert promise not in said_in_panel(early)
    assert told.sentences.count(promise) == 3, "once for each time that it was asked for"
    early.wait_for(lambda: session.finetune._job is not None, what="the images are read")
    button(early, "Cancel").click()
    early.wait_for(lambda: not session.finetune.is_running, what="the end")
    assert not told.errors


def test_what_the_user_has_to_do_is_said_at_once(
    model: LateModel, person: Person, photo: Path, told: Witness
) -> None:
    person.open(photo)
    for command, words in (("finetune", "Paint or accept a mask"), ("learn_clicks", "Accept a few objects")):
        person.choose(command)
        assert words in told.sentences[-1]
    assert person.window.jobs.job_ids == ()


def test_clicks_and_networks_wait_for_the_model_too(model: LateModel, early: Person, told: Witness) -> None:
    session = early.session
    early.choose("learn_clicks")
    assert told.sentences[-1] == "The model is still being loaded. Clicks learn when that is done."
    early.choose("compare_networks")
    dialog = session.comparing.dialog
    assert dialog is not None
    assert not dialog._start.isEnabled()
    model.come(early)
    early.wait_for(lambda: told.errors, what="clicks have been let learn, from a stroke that is no object")
    assert "Clicks cannot learn from" in told.errors[0].what
    early.wait_for(dialog._start.isEnabled, what="the networks are listed")
    assert dialog.wish.networks


def test_what_waits_for_a_model_that_cannot_be_loaded_is_taken_back(
    model: LateModel, early: Person, told: Witness, tmp_path: Path
) -> None:
    session = early.session
    early.choose("live")
    early.choose("finetune")
    early.choose("learn_clicks")
    session.export.export_all()
    dialog = session.export.output.dialog
    assert dialog is not None
    dialog.set_scope("all")
    dialog.set_folder(tmp_path / "out")
    dialog.set_formats(("probabilities",))
    early.wait_for(lambda: not session.live._timer.isActive(), what="nothing asks again and again meanwhile")
    early.wait_for(lambda: "being loaded" in dialog._preview.text(), what="why not yet")
    model.fail(early, tmp_path / "damaged.safetensors")
    early.wait_for(lambda: told.errors, what="it cannot be loaded")
    early.wait_for(lambda: not waiting_jobs(early), what="nothing waits any more")
    assert any("The model could not be loaded" in each for each in told.sentences)
    early.wait_for(lambda: "could not be loaded" in dialog._preview.text(), what="so it says why")
    dialog.reject()
    early.choose("compare_networks")
    assert session.comparing.dialog is not None
    assert "could not be loaded" in session.comparing.dialog._obstacle.text()
    assert "loaded; you can" not in early.window.messages._hint
    assert early.window.device.text() == "no model"


def test_an_object_that_no_model_outlines_holds_nothing_up(
    model: LateModel, early: Person, told: Witness, tmp_path: Path
) -> None:
    early.choose("tool_click")
    early.click((40.0, 25.0))
    early.choose("accept")
    early.choose("save")
    assert len(waiting_jobs(early)) == 1
    model.fail(early, tmp_path / "damaged.safetensors")
    early.wait_for(lambda: not early.session.base.coming.sentence, what="it is waited for no longer")
    assert "Saving masks does not start by itself any more" in told.sentences[-1]
    assert not waiting_jobs(early)
    early.choose("save")
    early.wait_for(lambda: "Saved" in told.sentences[-1], what="what is there is saved")


def test_two_that_wait_for_the_model_learn_one_after_the_other(
    model: LateModel, early: Person, told: Witness
) -> None:
    session = early.session
    early.choose("learn_clicks")
    early.choose("finetune")
    model.come(early)
    early.wait_for(
        lambda: session.finetune.is_running or session.click_learning.is_running, what="one learns"
    )
    first, second = session.finetune, session.click_learning
    if session.click_learning.is_running:
        first, second = second, first
    assert second.waiting.sentence
    early.wait_for(lambda: first._job is not None, what="the images are read")
    first.cancel()
    early.wait_for(lambda: not first.is_running, what="the first has ended")
    early.wait_for(lambda: second.is_running or told.errors, what="it is the turn of the second")
    assert not second.waiting.sentence
    second.cancel()
    early.wait_for(lambda: not second.is_running, what="the end")


def test_images_that_are_read_for_clicks_to_learn_can_be_left_alone(
    early: Person, model: LateModel, told: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_given_up = Event()

    def slow(path: Path, **how: Any) -> ImageRecord:
        assert is_given_up.wait(60)
        return read_image(path, **how)

    monkeypatch.setattr(training_set, "read_image", slow)
    session, document = early.session, early.session.document
    model.come(early)
    early.wait_for(lambda: session.weights.live, what="the model is loaded")
    first = early.image_id
    session.images.next()
    early.wait_for(lambda: early.image_id != first, what="another image")
    document.records.trim(0, keep=())  # as where there are more images than memory
    early.wait_for(lambda: session.lanes.files.is_idle, what="nothing else is read")
    early.choose("learn_clicks")
    assert session.click_learning.is_running
    (reading,) = (each for each in early.window.jobs.job_ids if each.startswith("files"))
    early.window.jobs.cancel_requested.emit(reading)
    early.wait_for(lambda: not session.click_learning.is_running, what="it is given up")
    is_given_up.set()
    assert "Learning was cancelled" in told.sentences[-1]
    early.wait_for(lambda: session.lanes.files.is_idle, what="the images are read in vain")
    assert not session.click_learning.is_running
    assert not told.errors


def test_images_that_are_read_for_training_can_be_left_alone(
    early: Person, model: LateModel, told: Witness
) -> None:
    session = early.session
    model.come(early)
    early.wait_for(lambda: session.weights.live, what="the model is loaded")
    document, first = session.document, early.image_id
    assert first is not None
    session.images.next()
    early.wait_for(lambda: early.image_id != first, what="another image")
    document.records.trim(0, keep=())  # as where there are more images than memory
    assert document.records.of(first) is None
    early.choose("finetune")
    assert session.finetune.is_running
    session.finetune.cancel()
    assert not session.finetune.is_running
    assert "Fine-tuning was cancelled" in told.sentences[-1]
    early.wait_for(lambda: session.lanes.files.is_idle, what="the images are read in vain")
    assert not session.finetune.is_running, "what was cancelled does not begin after all"


def masks_of_three(folder: Path) -> Path:
    """A COCO file with an object for each of three images."""
    labels = np.zeros((64, 96), np.uint8)
    labels[10:30, 10:40] = 1
    items = [MaskItem(f"photo {number}", labels, image_name=f"photo {number}.png") for number in range(3)]
    list(export_folder(folder / "coco", items, CLASSES, "coco"))
    return folder / "coco" / "annotations.json"


def test_a_fine_tuning_waits_for_all_masks_of_an_import(
    model: LateModel, person: Person, photo: Path, told: Witness, tmp_path: Path
) -> None:
    masks = masks_of_three(tmp_path)
    person.open(photo)
    session, importing = person.session, person.session.importing
    model.come(person)
    person.wait_for(lambda: session.weights.live, what="the model is loaded")
    importing.import_from([masks])
    person.wait_for(lambda: importing.dialog is not None, what="it is asked how masks are taken over")
    assert importing.dialog is not None
    importing.dialog._on_accepted()
    assert importing.is_running
    person.choose("finetune")
    assert told.sentences[-1] == "Masks are still being imported. Fine-tuning starts when that is done."
    person.wait_for(lambda: session.finetune.is_running, what="it has started")
    assert not importing.is_running
    assert len(session.finetune.samples.image_ids) == 3
    session.finetune.cancel()
    person.wait_for(lambda: not session.finetune.is_running, what="the end")


def test_who_stops_an_import_is_not_left_with_a_fine_tuning_on_half_of_the_masks(
    model: LateModel, person: Person, photo: Path, told: Witness, tmp_path: Path
) -> None:
    masks = masks_of_three(tmp_path)
    person.open(photo)
    session, importing = person.session, person.session.importing
    model.come(person)
    person.wait_for(lambda: session.weights.live, what="the model is loaded")
    session.window.show_panel("training")
    assert not button(person, "Start").isEnabled()
    importing.import_from([masks])
    person.wait_for(button(person, "Start").isEnabled, what="it can be asked for from the beginning on")
    person.wait_for(lambda: importing.dialog is not None, what="it is asked how masks are taken over")
    assert importing.dialog is not None
    importing.dialog._on_accepted()
    button(person, "Start").click()
    assert session.finetune.waiting.sentence
    assert importing._run is not None
    importing._run.cancel()
    person.wait_for(lambda: not importing.is_running, what="the import is stopped")
    assert told.sentences[-1].startswith(
        "The import of masks was stopped. Fine-tuning does not start by itself"
    )
    assert not session.finetune.waiting.sentence
    person.wait_for(lambda: session.finetune.samples.counts.is_complete, what="labels are counted")
    assert not session.finetune.is_running


def test_all_images_are_ranked_when_the_model_is_there_unless_that_is_stopped(
    model: LateModel, early: Person
) -> None:
    session, ranking = early.session, early.window.training.uncertain_regions
    (rank,) = (each for each in ranking.findChildren(QPushButton) if each.text() == "Rank all images")
    rank.click()
    assert rank.isChecked()
    rank.click()
    assert not rank.isChecked()
    rank.click()
    assert rank.text() == "Ranking 1 of 3..."
    model.come(early)
    ids = set(session.document.images.ids)
    early.wait_for(lambda: set(session.uncertain_regions._ranking.regions) == ids, what="all are ranked")
    early.wait_for(lambda: not rank.isChecked(), what="the button is as it was")


def test_the_dialog_of_a_folder_is_filled_in_while_the_model_is_loaded(
    model: LateModel, early: Person, tmp_path: Path
) -> None:
    session = early.session
    for command, output in (("predict_folder", session.batch.output), ("export_all", session.export.output)):
        early.choose(command)
        dialog = output.dialog
        assert dialog is not None
        dialog.set_scope("all")
        dialog.set_folder(tmp_path / "out")
        dialog.set_formats(("probabilities",))
        early.wait_for(lambda dialog=dialog: "being loaded" in dialog._preview.text(), what="why not yet")  # type: ignore[misc]
        assert not dialog._do.isEnabled()
        if output is session.batch.output:
            dialog.reject()
    model.come(early)
    dialog = session.export.output.dialog
    assert dialog is not None
    early.wait_for(dialog._do.isEnabled, what="nothing was pressed, and now it can be exported")
    dialog.reject()


def test_who_saves_again_during_the_first_save_is_not_asked_for_another_folder(
    model: LateModel, early: Person, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, asked = early.session.storage, list[str]()

    def choose(_: object, title: str, suggestion: Path) -> Path:
        asked.append(title)
        return tmp_path / f"folder {len(asked)}"

    monkeypatch.setattr(type(early.session.dialogs), "choose_new_folder", choose)
    storage.save()
    assert storage._saving is not None
    storage.save()
    early.wait_for(lambda: told.sentences.count("Saved “folder 1”.") == 2, what="the second save")
    assert len(asked) == 1
    assert not told.errors


@pytest.mark.parametrize("is_full", [False, True])
def test_what_came_during_the_first_save_is_saved_as_well_unless_that_failed(
    *,
    is_full: bool,
    model: LateModel,
    early: Person,
    told: Witness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session, coming = early.session, ["Labels are on their way."]
    storage = session.storage
    monkeypatch.setattr(type(session.dialogs), "choose_new_folder", lambda *_: tmp_path / "project")
    session.base.coming.add(LabelSource(lambda: coming[-1]))
    if is_full:

        def fail(*_: object) -> None:
            raise LatentsegError("The disk is full.")

        monkeypatch.setattr(ProjectSession, "write", fail)
    storage.save()
    assert storage._saving is not None
    coming.append("")
    storage.again.look()
    early.wait_for(lambda: storage._saving is None and not waiting_jobs(early), what="nothing waits any more")
    if is_full:
        assert storage.project is None
        assert len(told.errors) == 1
    else:
        early.wait_for(lambda: told.sentences.count("Saved “project”.") == 2, what="the second save")
        assert not told.errors


def test_saving_elsewhere_waits_for_the_save_that_is_under_way(
    model: LateModel, early: Person, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = early.session.storage
    folders = iter((tmp_path / "one", tmp_path / "two"))
    monkeypatch.setattr(type(early.session.dialogs), "choose_new_folder", lambda *_: next(folders))
    storage.save_as()
    assert storage._saving is not None
    storage.save_as()
    early.wait_for(
        lambda: storage.project is not None and storage.project.folder.name == "two", what="the second folder"
    )
    assert (tmp_path / "one").is_dir()
    assert not told.errors


@pytest.fixture
def quick(person: Person, tmp_path: Path) -> Person:
    """Somebody who has accepted three objects and is faster than the model."""
    page = np.full((96, 160, 3), 40, np.uint8)
    for col in (30, 80, 130):
        page[30:60, col - 12 : col + 12] = 200
    (tmp_path / "pages").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(page).save(tmp_path / "pages" / name)
    person.open(tmp_path / "pages")
    person.wait_for(lambda: person.session.weights.live is not None, what="the model is loaded")
    person.choose("each_new")
    for col in (30.0, 80.0, 130.0, 10.0):
        person.click((col, 45.0))
    assert objects_of(person) < 3
    return person


OUTLINED = "Accepted objects are still being outlined."


def objects_of(person: Person) -> int:
    """How many objects the current mask has."""
    document, image_id = person.session.document, person.image_id
    assert image_id is not None
    return int(np.unique(document.masks.instances(image_id)[document.masks.labels(image_id) == 1]).size)


def test_masks_are_saved_beside_their_images_when_all_accepted_objects_are_there(
    quick: Person, told: Witness, tmp_path: Path
) -> None:
    quick.choose("save")
    assert told.sentences[-1] == f"{OUTLINED} Masks are saved when that is done."
    quick.wait_for(lambda: "Saved" in told.sentences[-1], what="the mask is saved")
    assert objects_of(quick) == 3
    (saved,) = (tmp_path / "pages").glob("a_*.png")
    assert np.array_equal(np.asarray(Image.open(saved)), quick.mask)
    assert not waiting_jobs(quick)


def test_what_waits_for_objects_can_be_taken_back(quick: Person, told: Witness, tmp_path: Path) -> None:
    quick.choose("save")
    (waiting,) = waiting_jobs(quick)
    quick.window.jobs.cancel_requested.emit(waiting)
    quick.wait_for(lambda: not quick.session.base.coming.sentence, what="the objects are there")
    quick.wait_for(lambda: quick.session.lanes.files.is_idle, what="nothing is written")
    assert not list((tmp_path / "pages").glob("a_*.png"))


def test_markers_say_where_accepted_objects_come_until_they_are_outlined(quick: Person) -> None:
    first, markers = quick.image_id, quick.canvas.prompts.markers
    assert first is not None
    there = len(markers.coming)
    assert there
    quick.session.images.next()
    quick.wait_for(lambda: quick.image_id != first and quick.canvas.image.is_shown, what="the next image")
    assert not markers.coming, "they are on the other image"
    quick.session.images.show(first)
    quick.wait_for(lambda: quick.image_id == first and quick.canvas.image.is_shown, what="back again")
    assert len(markers.coming) <= there
    assert bool(markers.coming) == bool(quick.session.base.coming.sentence)
    quick.wait_for(lambda: objects_of(quick) == 3, what="the objects are there")
    assert not markers.coming


def test_an_export_is_confirmed_when_all_accepted_objects_are_there(
    quick: Person, told: Witness, tmp_path: Path
) -> None:
    quick.choose("export_all")
    output = quick.session.export.output
    dialog = output.dialog
    assert dialog is not None
    dialog.set_folder(tmp_path / "out")
    dialog.set_formats(("png",))
    shown, allowed = list[str](), list[bool]()

    def look() -> bool:
        shown.append(dialog._preview.text())
        if quick.session.base.coming.sentence:
            allowed.append(dialog._do.isEnabled())
        return dialog._do.isEnabled()

    quick.wait_for(look, what="nothing was pressed, and now it can be exported")
    assert any(OUTLINED in each for each in shown)
    assert not any(allowed)
    dialog._do.click()
    quick.wait_for(lambda: any((tmp_path / "out").glob("a*.png")), what="the mask is written")
    (written,) = (tmp_path / "out").glob("a*.png")
    assert np.array_equal(np.asarray(Image.open(written)) == 1, quick.mask == 1)
    assert objects_of(quick) == 3


def test_who_exports_before_the_first_object_is_there_is_not_offered_the_prediction_round_it(
    model: LateModel, person: Person, photo: Path, tmp_path: Path
) -> None:
    person.open(photo)
    person.session.base.coming.add(LabelSource(lambda: OUTLINED))
    person.choose("export_all")
    dialog = person.session.export.output.dialog
    assert dialog is not None
    dialog.set_folder(tmp_path / "out")
    assert dialog.choice is not None
    assert not dialog.choice.is_completed
    assert dialog.choice.scope == "labelled"
    dialog.reject()


def test_a_project_is_saved_at_once_and_again_when_all_accepted_objects_are_there(
    quick: Person, told: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = quick.session
    monkeypatch.setattr(type(session.dialogs), "choose_new_folder", lambda *_: tmp_path / "project")
    quick.choose("save_project")
    assert told.sentences[-1] == f"{OUTLINED} The project is saved again when that is done."
    quick.wait_for(lambda: told.sentences.count("Saved “project”.") == 2, what="the second save")
    assert not session.storage.has_unsaved
    assert objects_of(quick) == 3


def test_who_leaves_before_accepted_objects_are_outlined_is_asked(
    quick: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    for name in ("confirm", "choose_action"):
        monkeypatch.setattr(
            type(quick.session.dialogs), name, lambda dialogs, title, text, _: asked.append(text)
        )
    quick.window.close()
    assert quick.window.isVisible()
    assert OUTLINED in asked[-1]


def test_objects_of_the_image_before_are_copied_when_all_are_there(quick: Person, told: Witness) -> None:
    first = quick.image_id
    quick.session.images.next()
    quick.wait_for(lambda: quick.image_id != first and quick.canvas.image.is_shown, what="the next image")
    is_early = bool(quick.session.base.coming.sentence)
    quick.choose("take_over_objects")
    assert is_early == (OUTLINED in told.sentences[-1])
    quick.wait_for(lambda: objects_of(quick), what="they are copied")
    assert objects_of(quick) == 3


def test_objects_that_a_quick_hand_accepted_are_learned_from_and_not_called_background(
    quick: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, learned_from = quick.session, []

    def see(*given: Any) -> None:
        learned_from.extend(np.unique(sample.instances[sample.instances > 0]).size for sample in given[-1])
        session.finetune.cancel()

    monkeypatch.setattr(session.finetune, "_submit", see)
    vars(session.dialogs)["choose_action"] = lambda title, text, actions: actions[0][0]
    quick.choose("finetune")
    quick.wait_for(lambda: learned_from, what="the image is read")
    assert learned_from == [3]
