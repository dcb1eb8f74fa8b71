"""Masks of a whole list come in: matched, asked about, one step each, and nothing that was labelled is lost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from latentseg_gui.canvas import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.classes import delete_class, lock_class, move_class
from latentseg_gui.commands.masks.marking import hide_objects, lock_objects
from latentseg_gui.commands.masks.patch import Ink, area_patch
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.training.labelled import LabelledCounts
from latentseg_gui.controllers.transfer.import_run import ImportReport, summary_of
from latentseg_gui.controllers.transfer.importing import ImportController
from latentseg_gui.controllers.transfer.mask_snapshots import snapshot_of
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.project.kept_marks import take_over
from latentseg_gui.document.types import UNLABELLED, Provenance, Rect
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import MaskItem, export_folder
from latentseg_gui.io.project.opening import open_project
from latentseg_gui.io.project.saving import save_project
from latentseg_gui.panels.output import ImportChoice
from latentseg_gui.workers.lanes import ThreadLane
from tests.controllers.told import Told
from tests.io.made_masks import made

SHAPE = (30, 41)
CLASSES = ClassTable.from_names(("background", "leaf", "stem", "Wurzel ü"))
SQUARE = Rect(2, 2, 8, 9)


class Dialogs:
    """Chooses what the test says."""

    def __init__(self) -> None:
        self.answer: Path | None = None

    def choose_file(self, *_: object) -> Path | None:
        return self.answer

    def choose_folder(self, *_: object) -> Path | None:
        return self.answer


class Desk:
    """A list of images, none of which was read but the one that is looked at."""

    def __init__(self, qtbot: QtBot, lane: ThreadLane, folder: Path, count: int) -> None:
        self.qtbot = qtbot
        folder.mkdir()
        rng = np.random.default_rng(0)
        for number in range(count):
            pixels = rng.integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.jpg")
        self.document = Document(CLASSES)
        self.ids = self.document.images.add_paths(sorted(folder.iterdir()))
        self.document.records.attach(read_image(folder / "0.jpg", image_id=self.ids[0]))
        self.document.images.current_id = self.ids[0]
        self.history, self.told, self.canvas = History(self.document), Told(), CanvasView()
        qtbot.addWidget(self.canvas)
        jobs = Jobs(lane, "batch", self.told)
        self.counts = LabelledCounts(self.document, jobs, self.canvas)
        self.edits = EditQueue(self.document, self.history, self.canvas, jobs=jobs, errors=self.told)
        self.dialogs, self.is_painting = Dialogs(), False
        self.importing = ImportController(
            self.document,
            self.history,
            edits=self.edits,
            readers=jobs,
            is_painting=lambda: self.is_painting,
            dialogs=self.dialogs,
            errors=self.told,
            window=self.canvas,
        )

    def import_from(self, *paths: Path) -> None:
        """Up to the question, or to the end where nothing is asked."""
        said = len(self.told.sentences) + len(self.told.errors)
        self.importing.import_from(paths)
        self.qtbot.waitUntil(
            lambda: (
                self.importing.dialog is not None or len(self.told.sentences) + len(self.told.errors) > said
            ),
            timeout=20_000,
        )

    def answer(self, mode: str = "skip", *, rest: bool = True, current: bool = False) -> ImportReport:
        """Answers the question and waits for the end."""
        dialog = self.importing.dialog
        assert dialog is not None
        dialog.set_mode(mode)
        dialog.set_rest_background(rest)
        dialog.set_current_only(current)
        assert dialog.choice == ImportChoice(mode, rest, current)
        dialog._on_accepted()
        run = self.importing._run
        assert run is not None
        with self.qtbot.waitSignal(run.finished, timeout=20_000):
            pass
        return run.report

    def paint(self, number: int, class_id: int = 2) -> None:
        image_id = self.ids[number]
        if self.document.masks.shape(image_id) is None:
            self.document.masks.expect_shape(image_id, SHAPE)
        ink = Ink(class_id, instance=7)
        self.history.do(
            area_patch(self.document, image_id, SQUARE, np.ones(SQUARE.shape, bool), ink, "Paint")
        )

    def labels(self, number: int) -> np.ndarray:
        return np.array(self.document.masks.labels(self.ids[number]))


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane, tmp_path: Path) -> Desk:
    return Desk(qtbot, lane, tmp_path / "photos", 4)


def items(count: int) -> list[MaskItem]:
    masks = [made(seed) for seed in range(count)]
    return [
        MaskItem(str(number), item.labels, item.instances, None, image_name=f"{number}.jpg")
        for number, item in enumerate(masks)
    ]


def coco(folder: Path, count: int = 4) -> tuple[Path, list[MaskItem]]:
    masks = items(count)
    list(export_folder(folder, masks, CLASSES, "coco"))
    return folder / "annotations.json", masks


def test_a_coco_file_brings_the_masks_of_the_whole_list(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.import_from(file)
    assert desk.importing.dialog is not None
    assert desk.importing.dialog.count == 4
    report = desk.answer()
    assert (report.made, report.refused) == (4, [])
    for number, item in enumerate(masks):
        assert np.array_equal(desk.labels(number), item.labels)
        assert np.array_equal(desk.document.masks.instances(desk.ids[number]), item.instances)
        provenance = desk.document.masks.provenance(desk.ids[number])
        assert np.array_equal(provenance == Provenance.IMPORTED, item.labels != UNLABELLED)
    assert [entry.label for entry in desk.history.entries] == [f"Import mask of {n}.jpg" for n in range(4)]
    assert "4 masks were imported." in desk.told.sentences[-1]


def test_classes_that_were_moved_or_deleted_take_in_what_is_meant_for_them(
    desk: Desk, tmp_path: Path
) -> None:
    document = desk.document
    desk.paint(1, class_id=3)
    delete_class(document, 1).apply(document)
    move_class(document, 3, 1).apply(document)
    file, masks = coco(tmp_path / "coco")
    desk.import_from(file)
    desk.answer("replace")
    assert document.classes.named_ids == ((0, "background"), (3, "Wurzel ü"), (2, "stem"), (4, "leaf"))
    ids = np.arange(256, dtype=np.uint8)
    ids[1] = 4
    for number, item in enumerate(masks):
        assert np.array_equal(desk.labels(number), ids[item.labels])
    snapshot = snapshot_of(document, desk.ids[1], "1", is_completed=False)
    written, numbers = snapshot.item(["npy"]).labels, np.arange(256, dtype=np.uint8)
    numbers[[1, 2, 3]] = 3, 2, 1
    assert np.array_equal(written, numbers[masks[1].labels])


def test_masks_of_images_that_are_not_looked_at_stay_packed(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.import_from(file)
    desk.answer()
    desk.qtbot.waitUntil(lambda: desk.counts.is_complete)
    for number, item in enumerate(masks[1:], 1):
        layer = desk.document.masks.layer(desk.ids[number])
        assert layer.nbytes == 0, "nobody has looked"
        expected = np.bincount(item.labels.reshape(-1), minlength=256)[:UNLABELLED]
        assert np.array_equal(desk.counts.of(desk.ids[number]), expected)
        assert layer.num_labelled == expected.sum()
    assert all(desk.document.masks.layer(each).nbytes == 0 for each in desk.ids[1:])
    desk.paint(1)
    desk.qtbot.waitUntil(lambda: desk.counts.is_complete)
    counted = np.bincount(desk.labels(1).reshape(-1), minlength=256)[:UNLABELLED]
    assert np.array_equal(desk.counts.of(desk.ids[1]), counted)


def test_every_image_is_a_step_of_its_own_that_can_be_undone(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.paint(1)
    before = desk.labels(1)
    desk.import_from(file)
    desk.answer("replace")
    assert np.array_equal(desk.labels(1), masks[1].labels)
    for _ in range(4):
        desk.history.undo()
    assert np.array_equal(desk.labels(1), before)
    assert (desk.document.masks.instances(desk.ids[1])[SQUARE.slices] == 7).all()
    assert (desk.labels(3) == UNLABELLED).all()
    while desk.history.can_redo:
        desk.history.redo()
    for number, item in enumerate(masks):
        assert np.array_equal(desk.labels(number), item.labels)
        assert np.array_equal(desk.document.masks.instances(desk.ids[number]), item.instances)


def test_what_is_labelled_is_left_alone_unless_that_is_asked_for(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.paint(0)
    desk.paint(2)
    before = {number: desk.labels(number) for number in (0, 2)}
    desk.import_from(file)
    assert desk.importing.dialog is not None
    assert desk.importing.dialog.count == 2, "the others have a mask, and leaving them alone is suggested"
    report = desk.answer("skip")
    assert (report.made, report.skipped) == (2, 2)
    assert np.array_equal(desk.labels(0), before[0])
    assert np.array_equal(desk.labels(2), before[2])
    assert np.array_equal(desk.labels(1), masks[1].labels)
    assert "2 images have a mask already and were left as they are." in desk.told.sentences[-1]


def test_filling_keeps_what_is_labelled_with_its_objects(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.paint(0)
    desk.paint(1)
    desk.import_from(file)
    desk.answer("fill")
    for number in (0, 1):
        expected = masks[number].labels.copy()
        expected[SQUARE.slices] = 2
        assert np.array_equal(desk.labels(number), expected)
        instances = desk.document.masks.instances(desk.ids[number])
        assert (instances[SQUARE.slices] == 7).all()
        outside = np.ones(SHAPE, bool)
        outside[SQUARE.slices] = False
        assert not (instances[outside] == 7).any(), "the numbers of new objects are others"
        assert ((instances > 0) == (masks[number].instances > 0))[outside].all()


def test_locked_classes_are_not_replaced(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.paint(1)
    desk.history.do(lock_class(desk.document, 2, is_locked=True))
    desk.import_from(file)
    desk.answer("replace")
    expected = masks[1].labels.copy()
    assert (expected[SQUARE.slices] != 2).any()
    expected[SQUARE.slices] = 2
    assert np.array_equal(desk.labels(1), expected)
    assert "Locked, so left as it was: “stem”." in desk.told.sentences[-1]


def test_only_the_image_that_is_looked_at_can_be_meant(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    desk.import_from(file)
    report = desk.answer(current=True)
    assert report.made == 1
    assert np.array_equal(desk.labels(0), masks[0].labels)
    assert list(desk.document.masks.labelled_ids()) == [desk.ids[0]]


def test_a_mask_for_the_image_that_is_looked_at_is_taken_at_once_whatever_its_name(
    desk: Desk, tmp_path: Path
) -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:9, 5:9] = 1
    np.save(tmp_path / "anything.npy", mask)
    desk.import_from(tmp_path / "anything.npy")
    assert desk.importing.dialog is None
    assert np.array_equal(desk.labels(0), mask)
    desk.import_from(tmp_path / "anything.npy")
    assert desk.importing.dialog is not None, "now there is something that could be lost"
    assert desk.importing.dialog.choice.mode == "fill", (
        "what is labelled stays, unless it is chosen otherwise"
    )
    report = desk.answer("replace")
    assert (report.made, report.same) == (0, 1)


def test_a_mask_named_like_another_image_is_for_that_one_and_it_is_asked(desk: Desk, tmp_path: Path) -> None:
    mask = np.ones(SHAPE, np.uint8)
    np.save(tmp_path / "2.npy", mask)
    desk.import_from(tmp_path / "2.npy")
    report = desk.answer()
    assert report.made == 1
    assert np.array_equal(desk.labels(2), mask)
    assert (desk.labels(0) == UNLABELLED).all()


def test_what_does_not_fit_is_said_before_and_after(desk: Desk, tmp_path: Path) -> None:
    masks, lost = tmp_path / "masks", list[str]()
    desk.importing.labels.lost.connect(lost.append)
    masks.mkdir()
    Image.fromarray(np.ones(SHAPE, np.uint8)).save(masks / "0.png")
    Image.fromarray(np.ones((5, 6), np.uint8)).save(masks / "1.png")
    np.save(masks / "2.npy", np.ones((5, 6), np.uint8))
    Image.fromarray(np.ones(SHAPE, np.uint8)).save(masks / "nobody.png")
    (masks / "3.json").write_text(json.dumps({"shapes": 3}))
    desk.import_from(masks)
    dialog = desk.importing.dialog
    assert dialog is not None
    said = {row.mask: row.remark for row in dialog._question.rows if not row.fits}
    assert said == {
        "1.png": "it is 6 x 5 pixels, the image 41 x 30",
        "nobody.png": "there is no image of this name on the list",
    }
    assert [row.fits for row in dialog._question.rows] == [False, True, True, True, False]
    report = desk.answer()
    assert report.made == 1
    assert {each.label for each in report.refused} == {"2.npy", "3.json"}
    error = desk.told.errors[-1]
    assert "2 of 3 masks could not be imported" in str(error)
    assert "6 x 5 pixels" in error.detail
    assert np.array_equal(desk.labels(0), np.ones(SHAPE))
    assert list(desk.document.masks.labelled_ids()) == [desk.ids[0]]
    assert lost == ["Not all masks could be imported."], "who waits for them does not go on without"


def test_nothing_that_fits_is_an_error_that_says_why(desk: Desk, tmp_path: Path) -> None:
    Image.fromarray(np.ones((5, 6), np.uint8)).save(tmp_path / "1.png")
    desk.import_from(tmp_path / "1.png")
    assert "it is 6 x 5 pixels, the image 41 x 30" in str(desk.told.errors[-1])
    (tmp_path / "empty").mkdir()
    desk.import_from(tmp_path / "empty")
    assert "There are no masks in “empty”" in str(desk.told.errors[-1])


def test_new_classes_come_once_and_are_a_step(desk: Desk, tmp_path: Path) -> None:
    theirs = ClassTable.from_names(("background", "stem", "flower"))
    masks = [MaskItem(str(n), made(n).labels % 3, image_name=f"{n}.jpg") for n in range(4)]
    list(export_folder(tmp_path / "coco", masks, theirs, "coco"))
    desk.import_from(tmp_path / "coco" / "annotations.json")
    report = desk.answer()
    assert report.new_classes == ["flower"]
    assert desk.document.classes.names == (*CLASSES.names, "flower")
    for number, item in enumerate(masks):
        assert np.array_equal(desk.labels(number), np.array([0, 2, 4])[item.labels])
    assert "New classes: flower." in desk.told.sentences[-1]


def test_pixels_outside_objects_can_stay_without_label(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "yolo").mkdir()
    for number in range(4):
        (tmp_path / "yolo" / f"{number}.txt").write_text("0 0 0 0.5 0 0.5 0.5 0 0.5\n")
    desk.import_from(tmp_path / "yolo")
    report = desk.answer(rest=False)
    assert report.made == 4
    assert (desk.labels(3)[:15, :20] == 1).all()
    assert (desk.labels(3)[16:] == UNLABELLED).all()


def test_a_run_can_be_stopped_and_says_how_far_it_came(desk: Desk, tmp_path: Path) -> None:
    file, masks = coco(tmp_path / "coco")
    announced: list[str] = []
    desk.importing.began.connect(lambda name, title: announced.append(title))
    desk.import_from(file)
    dialog = desk.importing.dialog
    assert dialog is not None
    dialog._on_accepted()
    run = desk.importing._run
    assert run is not None
    desk.document.events.mask_changed.connect(lambda *_: desk.importing.cancel_named(run.name))
    with desk.qtbot.waitSignal(run.finished, timeout=20_000):
        pass
    assert run.report.is_cancelled
    assert run.report.made == 1
    assert announced[0] == "Importing mask 1 of 4"
    assert "Stopped: " in desk.told.sentences[-1]
    assert np.array_equal(desk.labels(0), masks[0].labels)
    assert not desk.importing.is_running


def test_a_mask_that_is_edited_meanwhile_is_read_again(desk: Desk, tmp_path: Path) -> None:
    """The step that was worked out for another mask is never applied."""
    file, _ = coco(tmp_path / "coco")
    desk.import_from(file)
    dialog = desk.importing.dialog
    assert dialog is not None
    dialog.set_mode("fill")
    dialog._on_accepted()
    desk.paint(0)  # the first mask is being read now
    run = desk.importing._run
    assert run is not None
    with desk.qtbot.waitSignal(run.finished, timeout=20_000):
        pass
    while desk.history.can_undo:
        desk.history.undo()
    assert (desk.labels(0) == UNLABELLED).all()


def test_nothing_is_applied_in_the_middle_of_a_stroke(desk: Desk, tmp_path: Path) -> None:
    file, _ = coco(tmp_path / "coco")
    desk.is_painting = True
    desk.import_from(file)
    dialog = desk.importing.dialog
    assert dialog is not None
    dialog._on_accepted()
    run = desk.importing._run
    assert run is not None
    desk.qtbot.wait(150)
    assert not desk.document.masks.labelled_ids()
    desk.is_painting = False
    with desk.qtbot.waitSignal(run.finished, timeout=20_000):
        pass
    assert run.report.made == 4


def test_images_that_go_meanwhile_are_left_out(desk: Desk, tmp_path: Path) -> None:
    file, _ = coco(tmp_path / "coco")
    desk.import_from(file)
    desk.document.images.remove(desk.ids[2])
    report = desk.answer()
    assert (report.made, len(report.refused)) == (3, 1)
    assert "taken off the list" in str(desk.told.errors[-1])


def test_without_images_there_is_nothing_to_import_for(
    qtbot: QtBot, lane: ThreadLane, tmp_path: Path
) -> None:
    desk = Desk(qtbot, lane, tmp_path / "photos", 1)
    desk.document.images.remove(desk.ids[0])
    desk.importing.import_from([tmp_path])
    assert "Open the images first" in desk.told.sentences[-1]


def test_notes_of_many_images_are_added_up() -> None:
    notes = [("a", "3 pixels were lost."), ("b", "4 pixels were lost."), ("c", "White is leaf.")]
    assert summary_of(notes) == ["2 masks: 7 pixels were lost.", "White is leaf."]


def test_masks_of_a_project_that_nobody_has_looked_at_are_counted_beside_the_window(
    qtbot: QtBot, lane: ThreadLane, tmp_path: Path
) -> None:
    desk = Desk(qtbot, lane, tmp_path / "photos", 4)
    document = Document(CLASSES)
    masks = items(4)
    for number, item in enumerate(masks):
        document.masks.load(
            document.images.add_path(tmp_path / "photos" / f"{number}.jpg"), item.labels, item.labels
        )
    save_project(document, tmp_path / "work").close()
    opened = open_project(tmp_path / "work")
    counts = desk.counts
    take_over(desk.document, opened.document)
    assert not counts.is_complete
    qtbot.waitUntil(lambda: counts.is_complete, timeout=20_000)
    for image_id, item in zip(desk.document.images.ids, masks, strict=True):
        expected = np.bincount(item.labels.reshape(-1), minlength=256)[:UNLABELLED]
        assert np.array_equal(counts.of(image_id), expected)
        assert desk.document.masks.layer(image_id).nbytes == 0, "it is still packed"
    desk.ids = list(desk.document.images.ids)
    desk.paint(1)
    qtbot.waitUntil(lambda: counts.is_complete)
    expected = np.bincount(desk.labels(1).reshape(-1), minlength=256)[:UNLABELLED]
    assert np.array_equal(counts.of(desk.ids[1]), expected)
    opened.session.close()


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_locked_objects_stay_whatever_a_file_says_and_it_is_told(
    desk: Desk, tmp_path: Path, is_looked_at: bool
) -> None:
    file, masks = coco(tmp_path / "coco")
    number = 0 if is_looked_at else 1
    image_id = desk.ids[number]
    desk.paint(number, class_id=3)
    other = Rect(20, 30, 24, 34)
    hidden = Ink(1, instance=3)
    desk.history.do(area_patch(desk.document, image_id, other, np.ones(other.shape, bool), hidden, "Paint"))
    desk.history.do(lock_objects(desk.document, image_id, [(2, 2)], is_locked=True))
    desk.history.do(hide_objects(desk.document, image_id, [(20, 30)], is_hidden=True))
    desk.import_from(file)
    desk.answer("replace")
    expected = masks[number].labels.copy()
    assert (expected[SQUARE.slices] != 3).any(), "the file says something else"
    expected[SQUARE.slices] = 3
    assert np.array_equal(desk.labels(number), expected)
    instances = desk.document.masks.instances(image_id)
    assert (instances[SQUARE.slices] == 7).all()
    assert not (instances == 3).any(), "no new object is hidden because an old one of its number was"
    assert "1 locked object was left as it was." in desk.told.sentences[-1]
    for _ in range(desk.history.position):
        desk.history.undo()
    assert (desk.labels(number) == UNLABELLED).all()
