"""Images are ranked one after the other, and what no longer holds is forgotten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject

from latentseg_gui.controllers.training.labelled import LabelledCounts
from latentseg_gui.controllers.training.ranking import UncertaintyRanking
from latentseg_gui.controllers.training.training_set import TrainingSet
from latentseg_gui.document.document import Document
from latentseg_gui.document.training.uncertain_regions import UncertainRegions
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord, Provenance, Rect
from latentseg_gui.inference.training.messages import FindUncertainRegions
from tests.held import HeldJobs


class Desk(HeldJobs):
    """Takes jobs and does them when it is told to; the answer is what a function makes of the request."""

    def __init__(self, answer):
        super().__init__()
        self.asked, self._answer = [], answer

    def submit(self, request, on_answer, **options):
        self.asked.append(request)
        return super().submit(request, on_answer, **options)

    def work(self):
        while self.requests:
            self.answer(self._answer)


def document_with(count=3, size=(300, 520)):
    document = Document()
    for number in range(count):
        pixels = np.zeros((*size, 3), np.uint8)
        document.images.add_record(ImageRecord(f"i{number}", pixels, pixels))
    return document


def weights(version="v1"):
    return WeightsInfo(version, None, ("background", "foreground"), (), 4, 2, "CPU", "")


@pytest.fixture
def ranking(qapp):
    document = document_with()
    engine = Desk(lambda request: UncertainRegions(request.image_id, "v1", 0.5, ()))
    readers = Desk(lambda call: call())
    made = UncertaintyRanking(document, engine=engine, readers=readers)
    made.use_weights(weights())
    made.document, made.engine, made.readers = document, engine, readers
    return made


def finish(ranking):
    while ranking.readers.requests or ranking.engine.requests:
        ranking.readers.work()
        ranking.engine.work()


def test_a_scan_looks_at_every_image_once_and_small(ranking):
    told = []
    ranking.scanned.connect(lambda done, total: told.append((done, total)))
    ranking.scan()
    finish(ranking)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert set(ranking.regions) == {"i0", "i1", "i2"}
    for request in ranking.engine.asked:
        assert isinstance(request, FindUncertainRegions)
        assert request.pixels.shape[:2] == request.labelled.shape
        assert request.labelled.size < 130_000
        assert request.shape == (300, 520)
    ranking.scan()
    finish(ranking)
    assert len(ranking.engine.asked) == 3, "what is known is not asked again"


def test_a_scan_goes_on_when_an_image_is_removed_while_it_is_read(ranking):
    ranking.scan()
    ranking.document.images.remove("i0")
    finish(ranking)
    assert set(ranking.regions) == {"i1", "i2"}


def test_a_scan_can_be_stopped_and_other_weights_end_it(ranking):
    ranking.scan()
    ranking.stop()
    finish(ranking)
    assert len(ranking.regions) == 1
    ranking.use_weights(weights("v2"))
    assert not ranking.regions
    ranking.rank("i0")
    finish(ranking)
    assert not ranking.regions, "an answer of the weights before does not count"


def test_a_scan_that_waits_for_the_model_is_forgotten_with_its_images(qapp):
    document = document_with()
    engine = Desk(lambda request: UncertainRegions(request.image_id, "v1", 0.5, ()))
    readers = Desk(lambda call: call())
    ranking = UncertaintyRanking(document, engine=engine, readers=readers)
    ranking.scan()
    for image_id in document.images.ids:
        document.images.remove(image_id)
    pixels = np.zeros((30, 52, 3), np.uint8)
    document.images.add_record(ImageRecord("of another project", pixels, pixels))
    ranking.use_weights(weights())
    assert not readers.requests


def test_classes_of_the_weights_are_called_as_in_the_document(ranking):
    assert ranking.class_name("background") == "background"
    assert ranking.class_name("foreground") == ranking.document.classes.names[1]


def paint(document, image_id, rect, class_id):
    changed = np.ones(rect.shape, bool)
    labels = np.full(rect.shape, class_id, np.uint8)
    document.masks.write(image_id, rect, changed, labels, Provenance.PAINTED)


def test_labelled_pixels_are_counted_where_they_change(qapp, qtbot):
    document = document_with(1, (700, 900))
    counts = LabelledCounts(document, Desk(lambda call: call()))
    with qtbot.waitSignal(counts.changed):
        paint(document, "i0", Rect(10, 10, 20, 30), 1)
    assert counts.of("i0")[1] == 200
    paint(document, "i0", Rect(15, 10, 600, 30), 0)
    assert counts.is_complete
    labels = document.masks.labels("i0")
    assert (counts.of("i0") == np.bincount(labels.ravel(), minlength=256)[:255]).all()


def test_a_training_set_hands_over_snapshots_and_reads_what_is_not_in_memory(qapp, qtbot, tmp_path: Path):
    document = document_with(2)
    owner = QObject()
    made = TrainingSet(document, readers=Desk(lambda call: call()), parent=owner)
    for image_id in ("i0", "i1"):
        paint(document, image_id, Rect(0, 0, 4, 4), 1)
    paint(document, "i0", Rect(8, 8, 12, 12), 0)
    qtbot.waitUntil(lambda: made.counts.is_complete)
    assert made.classes == {0, 1}
    made.set_ticked("i0", False)
    assert made.image_ids == ("i1",)
    assert made.classes == {1}
    got = []
    made.collect(got.append, lambda error: None, is_current=lambda: True, on_dropped=got.clear)
    ((sample,),) = got
    paint(document, "i1", Rect(0, 0, 4, 4), 0)
    assert (sample.labels[:4, :4] == 1).all(), "a snapshot stays as it was"
