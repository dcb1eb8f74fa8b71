"""I-09 in the real window: a large image never stops it, nor fills the memory; 20 megapixels, nightly 100."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import thread_time

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from skimage import data

from latentseg_gui.app.session import Session
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import UNLABELLED
from tests.e2e.person import Person

MARK_MS = 100.0
REST = 100
"""So often one looks, every 10 ms, before a step is over: what follows from it is to be seen, too."""
OPEN_BYTES, EXPORT_BYTES = 11, 18
"""Per pixel: the most that opening may take, and exporting too, beyond what the window takes anyway."""
_PEAK = Path("/proc/self/clear_refs")


class Turns:
    """The longest turn of the event loop in every step: what this thread itself worked, whoever else is busy."""

    def __init__(self, person: Person, rest: int = REST) -> None:
        self.longest: dict[str, float] = {}
        self._person, self._rest = person, rest
        self._step, self._own = "", thread_time()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(5)

    def during(self, step: str, begin: Callable[[], object], is_done: Callable[[], object]) -> None:
        """Does a step, and what the window does for a while after it."""
        self._step, self._own = step, thread_time()
        begin()
        self._person.wait_for(is_done, what=step)
        self._wait(self._rest)
        self._beat()

    def stop(self) -> None:
        """Ends the measurement once nothing is left to do."""
        self._wait(REST)
        self._timer.stop()

    def _wait(self, looks: int) -> None:
        beats = iter(range(looks))
        self._person.wait_for(lambda: next(beats, None) is None, what=f"the rest after {self._step}")

    def _beat(self) -> None:
        own = thread_time()
        self.longest[self._step] = max(self.longest.get(self._step, 0.0), (own - self._own) * 1e3)
        self._own = own


def peak_bytes() -> int:
    """The most memory since `forget_peak`."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    return int(line.split()[1]) * 1024


def forget_peak() -> None:
    """The peak begins anew."""
    _PEAK.write_text("5")


def photograph(path: Path, megapixels: float) -> Path:
    """A photograph, repeated to the size."""
    tile, side = data.astronaut(), round((megapixels * 1e6) ** 0.5)
    times = -(-side // tile.shape[0])
    Image.fromarray(np.tile(tile, (times, times, 1))[:side, :side]).save(path)
    return path


def with_prediction_of_other_weights(session: Session, image_id: str) -> Callable[[], object]:
    """Lets an answer of the model come in, as large as the image, whose classes have other numbers."""
    names = tuple(reversed(session.document.classes.names))
    colours = ClassTable.from_names(names).colours
    session.predict.use_weights(WeightsInfo("other", None, names, colours, 8, 1, "CPU", ""))
    rows, cols = session.document.masks.layer(image_id).shape
    labels, confidence = np.zeros((rows, cols), np.uint8), np.full((rows, cols), 200, np.uint8)
    labels[: rows // 3] = 1
    answers = [Prediction(image_id, "other", labels, confidence)]
    return lambda: session.predict._on_predicted(answers.pop())


def silence_the_model(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take a minute on one core. It works in a process of its own; here only its answer matters."""
    session.lanes.engine.cancel_all()
    monkeypatch.setattr(session.jobs.engine, "submit", lambda *_, **__: 0)


LARGE = pytest.mark.parametrize(
    "megapixels", [20, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)


@pytest.mark.skipif(not _PEAK.exists(), reason="measures memory as Linux does")
@LARGE
def test_a_large_image_never_stops_the_window(
    session: Session, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, megapixels: int
) -> None:
    document, window = session.document, session.window
    silence_the_model(session, monkeypatch)
    large = photograph(tmp_path / "large.jpg", megapixels)

    def walk(path: Path, turns: Turns) -> int:
        """Everything once; the most memory that opening took."""
        before = document.images.current_id
        turns.during(
            "open",
            lambda: session.images.open([path]),
            lambda: document.images.current_id != before and person.canvas.image.is_complete,
        )
        opened, image_id = peak_bytes(), document.images.current_id
        assert image_id is not None
        rows, cols = document.masks.layer(image_id).shape
        come = with_prediction_of_other_weights(session, image_id)
        turns.during("predict", come, lambda: document.predictions.of(image_id) is not None)
        person.choose("tool_brush")
        way = (cols * 0.3, rows * 0.4), (cols * 0.6, rows * 0.5), (cols * 0.5, rows * 0.7)
        turns.during(
            "paint", lambda: person.drag(*way), lambda: document.masks.layer(image_id).num_labelled > 0
        )
        for action in ("undo", "redo"):
            turns.during(
                action, lambda what=action: person.choose(what), lambda: not session.edits.is_working
            )
        for is_on in (True, False):
            switch = window.action["show_uncertainty"].setChecked
            turns.during("uncertainty", partial(switch, is_on), lambda: True)
        for name, target in (("png", path.with_suffix(".png")), ("coco", path.with_suffix(".json"))):
            turns.during(
                f"export {name}",
                lambda name=name, target=target: session.export.export_to(target, name),
                lambda target=target: target.exists() and session.lanes.files.is_idle,
            )
        return opened

    first = Turns(person, rest=5)
    walk(photograph(tmp_path / "small.jpg", 0.3), first)  # what is loaded only once is not counted
    first.stop()
    turns = Turns(person)
    forget_peak()
    before = peak_bytes()
    opened = walk(large, turns)
    turns.stop()
    shape = document.masks.layer(document.images.current_id or "").shape
    pixels = shape[0] * shape[1]
    assert {step: ms for step, ms in turns.longest.items() if ms > MARK_MS} == {}
    assert opened - before < OPEN_BYTES * pixels
    assert peak_bytes() - before < EXPORT_BYTES * pixels
    labels = document.masks.labels(document.images.current_id or "")
    exported = np.asarray(Image.open(large.with_suffix(".png")))
    assert 0 < document.masks.layer(document.images.current_id or "").num_labelled < pixels
    prediction = document.predictions.of(document.images.current_id or "")
    assert prediction is not None
    assert np.array_equal(exported, np.where(labels == UNLABELLED, prediction.labels, labels))


@LARGE
def test_classes_of_a_large_image_go_without_stopping_the_window(
    session: Session, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, megapixels: int
) -> None:
    document, edits = session.document, session.edits
    silence_the_model(session, monkeypatch)

    def walk(path: Path, turns: Turns) -> None:
        """Every way in which a class goes, and comes back, on a mask that is labelled from side to side."""
        before = document.images.current_id
        session.images.open([path])
        person.wait_for(lambda: document.images.current_id != before and person.canvas.image.is_complete)
        image_id = document.images.current_id or ""
        with_prediction_of_other_weights(session, image_id)()
        edits.then(session.classes.add_class)
        session.edit.mark_current_reviewed()
        person.wait_for(lambda: document.masks.layer(image_id).num_labelled > 0 and not edits.is_working)
        names, labels = document.classes.names, np.array(document.masks.labels(image_id))
        for what, begin in (
            ("merge", partial(session.classes.merge_classes, 1, len(names) - 1)),
            ("delete", partial(session.classes.delete_class, 1, UNLABELLED)),
            ("move", partial(session.classes.move_class, 1, len(names) - 1)),
        ):
            turns.during(what, begin, lambda: document.classes.names != names and not edits.is_working)
            turns.during(
                f"undo {what}",
                partial(person.choose, "undo"),
                lambda: document.classes.names == names and not edits.is_working,
            )
            assert np.array_equal(document.masks.labels(image_id), labels)

    first = Turns(person, rest=5)
    walk(photograph(tmp_path / "small.jpg", 0.3), first)
    first.stop()
    turns = Turns(person)
    walk(photograph(tmp_path / "large.jpg", megapixels), turns)
    turns.stop()
    turns.longest.pop("", None)  # what the test itself does
    assert {step: ms for step, ms in turns.longest.items() if ms > MARK_MS} == {}
