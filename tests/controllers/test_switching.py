"""Images are switched while they are read and predicted: no answer ever lands on another image (I-11)."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from latentseg_gui.controllers.images.images import ImagesController
from latentseg_gui.controllers.prediction.class_mapping import Translator
from latentseg_gui.controllers.prediction.predict import PredictController
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.inference.messages import EncodeImage, ImageEncoded, PredictClasses
from latentseg_gui.panels.files import FilesPanel
from tests.held import HeldJobs

COUNT, SWITCHES = 12, 200


class SlowJobs(HeldJobs):
    """A lane whose answers come when the test says so, in any order.

    Args:
        ask: makes of a request a function for its answer; called when the request is made.
    """

    def __init__(self, ask: Callable[[Any], Callable[[], object]]) -> None:
        super().__init__()
        submit = self.kept.submit
        self.kept.submit = lambda request, **how: submit(ask(request), **how)  # type: ignore[method-assign]

    def settle_some(self, chance: random.Random) -> None:
        for _ in range(chance.randrange(3)):
            if self.requests:
                self.answer(index=chance.randrange(len(self.requests)))


class Silent:
    """Takes every word and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def number_of(image_id: str, document: Document) -> int:
    return int(document.images.name(image_id).split()[1].split(".")[0])


def model(document: Document, version: list[str]) -> Callable[[object], Callable[[], object]]:
    """Says of every image its number, in the name of the weights that were live when it was asked."""

    def answer(request: object, live: str) -> object:
        if isinstance(request, EncodeImage):
            assert int(request.pixels[0, 0, 0]) == number_of(request.image_id, document), "its own pixels"
            return ImageEncoded(request.image_id, live, 0.0)
        assert isinstance(request, PredictClasses)
        shape, number = document.masks.layer(request.image_id).shape, number_of(request.image_id, document)
        marked = np.full(shape, number, np.uint8)
        return Prediction(request.image_id, live, marked % 2, marked)

    return lambda request: partial(answer, request, version[0])


class Witness:
    """Looks at every prediction that the document takes."""

    def __init__(self, document: Document, version: list[str]) -> None:
        self._document, self._version = document, version
        self.applied: set[str] = set()
        document.events.prediction_changed.connect(self._on_changed)

    def _on_changed(self, image_id: str) -> None:
        prediction = self._document.predictions.of(image_id)
        if prediction is None:
            return
        self.applied.add(image_id)
        assert (prediction.confidence == number_of(image_id, self._document)).all(), "that of another image"
        assert prediction.version == self._version[0] or self._document.predictions.is_stale(image_id)


@pytest.mark.parametrize("seed", range(3))
def test_two_hundred_switches_never_mix_images_up(qtbot: QtBot, tmp_path: Path, seed: int) -> None:
    for number in range(COUNT):
        Image.new("RGB", (6 + number, 5), (number, 0, 0)).save(tmp_path / f"image {number}.png")
    chance, document, panel = random.Random(seed), Document(), FilesPanel()
    qtbot.addWidget(panel)
    version = ["v0"]
    readers, engine = SlowJobs(lambda call: call), SlowJobs(model(document, version))
    quiet = Silent()
    project = ImagesController(document, panel, readers=readers, dialogs=quiet, errors=quiet)  # type: ignore[arg-type]
    predict = PredictController(
        document,
        engine=engine,
        translator=Translator(document, readers),
        errors=quiet,
        window=quiet,
    )
    predict.use_weights(_weights("v0"))
    project.neighbour_read.connect(predict.prefetch)
    witness = Witness(document, version)
    ids = document.images.add_paths(sorted(tmp_path.iterdir()))
    for turn in range(SWITCHES):
        project.show(chance.choice(ids))
        if turn % 40 == 39:
            version[0] = f"v{turn}"
            predict.use_weights(_weights(version[0]))
        readers.settle_some(chance)
        engine.settle_some(chance)
        record = (
            document.records.of(document.images.current_id)
            if document.images.current_id is not None
            else None
        )
        assert record is None or int(record.pixels[0, 0, 0]) == number_of(record.image_id, document)
    while readers.requests or engine.requests:
        (readers if readers.requests else engine).answer()
    assert len(witness.applied) > COUNT // 2
    last = document.images.current_id
    assert last is not None
    assert document.predictions.of(last) is not None, "the image that is looked at is predicted in the end"
    assert not document.predictions.is_stale(last)


def _weights(version: str) -> WeightsInfo:
    return WeightsInfo(
        version=version,
        path=None,
        class_names=("background", "object"),
        class_colours=("#000000", "#ffffff"),
        num_experts=4,
        num_heads=2,
        device="CPU",
        device_reason="",
    )
