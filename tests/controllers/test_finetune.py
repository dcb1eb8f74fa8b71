"""What the controller of fine-tuning says of outcomes that nobody can bring about on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from latentseg_gui.commands.masks.classes import add_class, move_class
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.training import training_set
from latentseg_gui.controllers.training.background import BackgroundQuestion
from latentseg_gui.controllers.training.finetune import FineTuneController, TrainingPlan
from latentseg_gui.controllers.training.live import LiveController
from latentseg_gui.controllers.waiting import LabelSource
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.runs import FineTuneResult
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import UNLABELLED, ImageRecord, Provenance, Rect
from latentseg_gui.inference.training.messages import FineTune
from latentseg_gui.workers.lanes import ThreadLane

REFIT = TrainingPlan("live", 0.3)


@dataclass
class Told:
    sentences: list[str] = field(default_factory=list)
    errors: list[LatentsegError] = field(default_factory=list)

    def report(self, error: LatentsegError) -> None:
        self.errors.append(error)

    def inform(self, sentence: str) -> None:
        self.sentences.append(sentence)


class Weights:
    """As much of the controller of weights as a run needs."""

    live, coming_path, has_failed = object(), None, False

    def next_name(self) -> str:
        return "v1"

    def adopt(self, result: FineTuneResult, **how: object) -> None:
        """Nothing to do."""


class Worker:
    """Ends every job at once, as the test says."""

    def __init__(self) -> None:
        self.result: FineTuneResult | None = None
        self.on_answer: Callable[[object], None] | None = None
        self.request: object = None

    def submit(self, request: object, on_answer: Callable[[object], None], **how: object) -> int:
        self.request, self.on_answer = request, on_answer
        self.on_failure: Callable[[LatentsegError], None] = how["on_failure"]  # type: ignore[assignment]
        return 1

    def end(self, result: FineTuneResult) -> None:
        assert self.on_answer is not None
        self.on_answer(result)


def result(before: float, after: float) -> FineTuneResult:
    return FineTuneResult(Path("w"), "v1", before, after, after > before, 0.5)


@dataclass
class Desk:
    document: Document
    finetune: FineTuneController
    worker: Worker
    told: Told


@pytest.fixture
def desk(qtbot: QtBot, lane: ThreadLane, tmp_path: Path) -> Desk:
    document, told, worker = Document(), Told(), Worker()
    pixels, labels = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.uint8)
    document.images.add_record(ImageRecord("cells", pixels, pixels))
    labels[:10] = 1
    finetune = FineTuneController(
        document,
        Weights(),  # type: ignore[arg-type]
        training=worker,  # type: ignore[arg-type]
        readers=Jobs(lane, "readers", told),  # type: ignore[arg-type]
        errors=told,
        versions_folder=tmp_path,
    )
    document.masks.write("cells", Rect.whole((40, 40)), labels < 9, labels, Provenance.PAINTED)
    qtbot.waitUntil(lambda: finetune.samples.counts.is_complete)
    return Desk(document, finetune, worker, told)


def test_a_refit_that_is_not_used_says_so_once_until_one_is_used(desk: Desk) -> None:
    for before, after in ((0.7, 0.6), (0.7, 0.5), (0.7, 0.8), (0.8, 0.1)):
        desk.finetune.refit(REFIT)
        assert desk.finetune.is_refitting, desk.finetune.obstacle()
        desk.worker.end(result(before, after))
    assert [("0.60" in each, "0.10" in each) for each in desk.told.sentences] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("after", "words"), [(0.8, "v1 is in use now"), (0.6, "v1 is not better, so the weights in use stay")]
)
def test_a_run_that_was_asked_for_says_at_its_end_what_came_of_it(
    desk: Desk, after: float, words: str
) -> None:
    desk.finetune.start()
    assert desk.finetune.is_running
    assert not desk.finetune.is_refitting
    desk.worker.end(result(0.7, after))
    (sentence,) = desk.told.sentences
    assert words in sentence


def test_a_live_refit_knows_what_a_large_mask_has_counted(desk: Desk, lane: ThreadLane, qtbot: QtBot) -> None:
    live, document, shape = LiveController(desk.finetune, lane=lane), desk.document, (2000, 3000)
    pixels = np.broadcast_to(np.uint8(0), (*shape, 3))
    document.images.add_record(ImageRecord("large", pixels, pixels))
    live.set_on(True)
    labels = np.random.default_rng(0).integers(0, 2, shape).astype(np.uint8)
    document.masks.write("large", Rect.whole(shape), labels < 9, labels, Provenance.PAINTED)
    was_complete: list[bool] = []
    desk.finetune.state_changed.connect(lambda: was_complete.append(desk.finetune.samples.counts.is_complete))
    live._refit()
    qtbot.waitUntil(lambda: desk.finetune.is_refitting, timeout=20_000)
    assert all(was_complete)
    live.set_on(False)


def test_labels_of_a_large_mask_are_counted_while_they_are_written(desk: Desk, qtbot: QtBot) -> None:
    document, shape, counts = desk.document, (2000, 3000), desk.finetune.samples.counts
    pixels = np.broadcast_to(np.uint8(0), (*shape, 3))
    document.images.add_record(ImageRecord("large", pixels, pixels))
    labels = np.random.default_rng(0).integers(0, 2, shape).astype(np.uint8)
    document.masks.write("large", Rect.whole(shape), labels < 9, labels, Provenance.PAINTED)
    desk.finetune.start()
    assert desk.finetune.is_running
    assert counts.of("large").sum() == labels.size
    desk.worker.end(result(0.7, 0.6))
    qtbot.wait(1)
    assert not desk.finetune.is_running, "once"


@pytest.mark.parametrize("is_needed", [False, True])
def test_masks_that_nobody_has_looked_at_are_waited_for_only_where_they_decide(
    desk: Desk, qtbot: QtBot, is_needed: bool
) -> None:
    document, samples, gate = desk.document, desk.finetune.samples, Event()
    pixels, labels = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40), np.uint8)
    labels[:10] = 1

    def unpack() -> Arrays:
        if current_thread() is not main_thread():
            assert gate.wait(20)
        return labels.copy(), labels.copy(), None

    document.images.add_record(ImageRecord("packed", pixels, pixels))
    document.masks.layer("packed").defer(unpack, labels.size)
    document.events.mask_changed.emit("packed", Rect.whole(labels.shape))
    samples.set_ticked("cells", not is_needed)
    desk.finetune.start()
    assert not samples.counts.is_complete
    assert desk.finetune.is_running == (not is_needed)
    assert any("still being counted" in each for each in desk.told.sentences) == is_needed
    gate.set()
    qtbot.waitUntil(lambda: samples.counts.is_complete)
    qtbot.waitUntil(lambda: desk.finetune.is_running)


def test_a_worker_that_stops_leaves_the_weights_alone_and_says_so(desk: Desk) -> None:
    desk.finetune.start()
    desk.worker.on_failure(LatentsegError("The training worker stopped.", action="Repeat the last step."))
    assert str(desk.told.errors[-1]).endswith("Repeat the last step. The weights in use have not changed.")
    assert not desk.finetune.is_running


class Answers:
    """Dialogs of a user who has made up their mind."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked: list[list[str]] = []

    def choose_action(self, title: str, text: str, actions: list[tuple[str, str]]) -> str | None:
        assert "Nothing says what background is" in text
        self.asked.append([key for key, _ in actions])
        return self.answer


def objects_only(desk: Desk, qtbot: QtBot, *, answer: str | None, classes: int = 2) -> Answers:
    """The image with accepted objects of so many classes, and nothing else; what would be asked."""
    dialogs = Answers(answer)
    desk.finetune.background = desk.finetune.readiness.background = BackgroundQuestion(
        desk.finetune.samples, dialogs
    )  # type: ignore[arg-type]
    labels = np.full((40, 40), UNLABELLED, np.uint8)
    for number in range(classes):
        labels[10 * number : 10 * number + 5] = number + 1
    everywhere = np.ones((40, 40), bool)
    desk.document.masks.write("cells", Rect.whole((40, 40)), everywhere, labels, Provenance.CLICKED)
    qtbot.waitUntil(lambda: desk.finetune.samples.counts.is_complete)
    return dialogs


@pytest.mark.parametrize("classes", [1, 2])
def test_objects_alone_bring_the_question_what_background_is(desk: Desk, qtbot: QtBot, classes: int) -> None:
    dialogs = objects_only(desk, qtbot, answer="rest", classes=classes)
    assert desk.finetune.obstacle() == "", "it can be started"
    desk.finetune.start()
    assert dialogs.asked == [["rest", "none"][:classes]]
    assert isinstance(desk.worker.request, FineTune)
    assert desk.worker.request.is_rest_background
    (sample,) = desk.worker.request.samples
    assert sample.provenance is not None
    assert set(np.unique(sample.labels)) == {*range(1, classes + 1), UNLABELLED}, "masks stay as they are"


def test_who_does_not_answer_does_not_start_and_who_wants_none_gets_none(desk: Desk, qtbot: QtBot) -> None:
    objects_only(desk, qtbot, answer=None)
    desk.finetune.start()
    assert not desk.finetune.is_running
    objects_only(desk, qtbot, answer="none")
    desk.finetune.start()
    assert isinstance(desk.worker.request, FineTune)
    assert not desk.worker.request.is_rest_background


def test_a_live_refit_never_asks_but_keeps_to_the_last_answer(desk: Desk, qtbot: QtBot) -> None:
    dialogs = objects_only(desk, qtbot, answer="rest")
    desk.finetune.refit(REFIT, says_why=True)
    assert not desk.finetune.is_running
    assert "Nothing says what background is" in desk.told.sentences[-1]
    assert not dialogs.asked
    desk.finetune.start()
    desk.worker.end(result(0.7, 0.8))
    desk.finetune.refit(REFIT)
    assert desk.finetune.is_refitting
    assert isinstance(desk.worker.request, FineTune)
    assert desk.worker.request.is_rest_background
    assert len(dialogs.asked) == 1


def test_no_refit_begins_while_the_user_is_asked(desk: Desk, qtbot: QtBot) -> None:
    dialogs = objects_only(desk, qtbot, answer="rest")
    desk.finetune.start()
    desk.worker.end(result(0.7, 0.8))
    desk.worker.request = None
    answer = dialogs.choose_action

    def choose_action(*question: Any) -> str | None:
        desk.finetune.refit(REFIT)  # a correction was made just before
        assert desk.worker.request is None
        return answer(*question)

    dialogs.choose_action = choose_action  # type: ignore[method-assign]
    desk.finetune.start()
    assert isinstance(desk.worker.request, FineTune)
    assert desk.worker.request.speed != REFIT.speed
    assert not desk.finetune.is_refitting


def paint_all(desk: Desk, image_id: str, labels: np.ndarray) -> None:
    desk.document.masks.write(
        image_id, Rect.whole((40, 40)), np.ones((40, 40), bool), labels, Provenance.PAINTED
    )


@pytest.mark.parametrize("is_labelled", [True, False], ids=["labelled before", "labels are imported"])
def test_what_waits_is_forgotten_with_the_images_that_it_was_asked_for(
    desk: Desk, qtbot: QtBot, is_labelled: bool
) -> None:
    document, finetune = desk.document, desk.finetune
    labels, coming = document.masks.labels("cells").copy(), ["Masks are still being imported."]
    if not is_labelled:
        paint_all(desk, "cells", np.full((40, 40), UNLABELLED, np.uint8))
    finetune.samples.coming.add(LabelSource(lambda: coming[-1]))
    finetune.start()
    assert finetune.waiting.sentence
    document.images.remove("cells")  # as when another project is opened
    pixels = np.zeros((40, 40, 3), np.uint8)
    document.images.add_record(ImageRecord("of another project", pixels, pixels))
    paint_all(desk, "of another project", labels)
    coming.append("")
    qtbot.waitUntil(lambda: not finetune.waiting.sentence)
    assert not finetune.is_running


def test_images_that_are_left_while_they_are_read_for_training_are_no_failure(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_set, "_AT_ONCE", 0)  # so much that it takes a moment
    desk.finetune.start()
    assert desk.finetune.is_running
    desk.document.images.remove("cells")  # as when another project is opened
    qtbot.waitUntil(lambda: not desk.finetune.is_running)
    assert desk.worker.request is None
    assert not desk.told.errors
    assert "Fine-tuning was cancelled" in desk.told.sentences[-1]


def test_why_nothing_waits_any_more_is_said_where_labels_are_undone(desk: Desk, qtbot: QtBot) -> None:
    coming = ["Masks are still being imported."]
    desk.finetune.samples.coming.add(LabelSource(lambda: coming[-1]))
    desk.finetune.start()
    coming.append("")
    paint_all(desk, "cells", np.full((40, 40), UNLABELLED, np.uint8))
    qtbot.waitUntil(lambda: not desk.finetune.waiting.sentence)
    assert "Paint or accept a mask" in desk.told.sentences[-1]


def test_background_alone_asks_for_an_object(desk: Desk, qtbot: QtBot) -> None:
    objects_only(desk, qtbot, answer=None, classes=0)
    labels = np.zeros((40, 40), np.uint8)
    desk.document.masks.write("cells", Rect.whole((40, 40)), labels < 1, labels, Provenance.PAINTED)
    qtbot.waitUntil(lambda: desk.finetune.samples.counts.is_complete)
    assert "All that is labelled is background. Label an object too" in desk.finetune.obstacle()


@pytest.mark.parametrize(
    ("names", "shape", "is_shown"),
    [(("background", "object"), (40, 40), True), (("background", "cat"), (40, 40), False),
     (("background", "object"), (20, 40), False)],
)  # fmt: skip
def test_a_preview_of_other_classes_or_another_size_is_not_shown(
    desk: Desk, names: tuple[str, ...], shape: tuple[int, int], is_shown: bool
) -> None:
    desk.finetune._on_progress(
        names, Prediction("cells", "v1", np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
    )
    assert desk.document.classes.names == ("background", "object")
    assert (desk.document.predictions.of("cells") is not None) == is_shown


def test_training_counts_classes_by_their_place_and_its_answers_are_shown_as_they_are_meant(
    desk: Desk,
) -> None:
    document = desk.document
    for step in (partial(add_class, name="leaf"), partial(move_class, class_id=2, to_number=1)):
        step(document).apply(document)
    assert document.classes.named_ids == ((0, "background"), (2, "leaf"), (1, "object"))
    desk.finetune.start()
    request = desk.worker.request
    assert isinstance(request, FineTune)
    assert request.class_names == ("background", "leaf", "object")
    (sample,) = request.samples
    assert (sample.labels[:10] == 2).all(), "the object, which stands third"
    assert (sample.labels[10:] == 0).all()
    assert (document.masks.labels("cells")[:10] == 1).all()
    said = np.full((40, 40), 2, np.uint8)
    desk.finetune._on_progress(request.class_names, Prediction("cells", "v1", said, said))
    prediction = document.predictions.of("cells")
    assert prediction is not None
    assert document.classes[int(prediction.labels[0, 0])].name == "object"


def test_classes_that_change_while_images_are_read_do_not_give_labels_other_names(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_set, "_AT_ONCE", 0)  # as where there are many images
    document = desk.document
    desk.finetune.start()
    assert desk.worker.request is None
    for step in (partial(add_class, name="leaf"), partial(move_class, class_id=2, to_number=1)):
        step(document).apply(document)
    qtbot.waitUntil(lambda: desk.worker.request is not None)
    request = desk.worker.request
    assert isinstance(request, FineTune)
    (sample,) = request.samples
    assert request.class_names[int(sample.labels[0, 0])] == "object"


def live_weights(network: str, title: str, *capabilities: str) -> WeightsInfo:
    return WeightsInfo(
        "v7", None, ("background", "object"), (), 0, 1, "CPU", "", network=network, title=title,
        capabilities=frozenset(capabilities),
    )  # fmt: skip


def test_the_network_in_use_goes_on_from_its_weights_and_another_does_not(desk: Desk) -> None:
    weights = desk.finetune._weights
    weights.live = live_weights("unet", "U-Net")  # type: ignore[misc, assignment]
    weights.coming_path = Path("v7.safetensors")  # type: ignore[misc]
    for network, path in (
        ("unet", Path("v7.safetensors")),
        ("", Path("v7.safetensors")),
        ("setr", None),
        ("latent-expert", None),
    ):
        desk.finetune.plan = TrainingPlan(network=network)
        desk.finetune.start()
        asked = desk.worker.request
        assert isinstance(asked, FineTune)
        assert (asked.network, asked.weights) == (network, path)
        desk.worker.end(result(0.7, 0.8))


def test_a_network_that_cannot_learn_live_is_not_refitted_and_that_is_said(desk: Desk) -> None:
    desk.finetune._weights.live = live_weights("unet", "U-Net")  # type: ignore[misc, assignment]
    desk.finetune.refit(REFIT, says_why=True)
    assert desk.worker.request is None
    assert "U-Net cannot learn while you correct" in desk.told.sentences[0]
    desk.finetune._weights.live = live_weights("latent-expert", "Latent experts", "live")  # type: ignore[misc]
    desk.finetune.refit(REFIT)
    assert desk.worker.request is not None
