"""Compares what the live weights say with what is labelled, one image after the other, beside the window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.prediction.class_mapping import LabelMap, Translator
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.evaluation.evaluating import ImageEvaluation, evaluated
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.layers import Arrays
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.training.weights import WeightsInfo
from latentseg_gui.document.types import ImageRecord, Labels
from latentseg_gui.inference.messages import PredictedPixels, PredictionExtras, PredictPixels
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.project.manifest import knows_classes
from model.analysis.cells import image_mark

_REST_MS = 400

State = tuple[int, int, str, tuple[int, ...]]
"""What a comparison depends on: the states of mask and prediction, the weights, and the classes."""


@dataclass(frozen=True, slots=True)
class Evaluating:
    """Compares one image, in another thread.

    Attributes:
        mark: gives the name under which weights remember the image (`model.analysis.cells.image_mark`).
        unpack: gives its mask.
        said: the most likely class of every pixel, class ids uint8 [H, W].
    """

    image_id: str
    weights: WeightsInfo
    mark: Callable[[], str]
    unpack: Callable[[], Arrays]
    said: Labels
    classes: ClassTable

    def __call__(self) -> ImageEvaluation:
        """The comparison."""
        seen = self.weights.seen.get(self.mark(), 0) if self.weights.seen else 0
        arrays = self.unpack()
        return evaluated(self.image_id, self.weights.version, arrays, self.said, seen, self.classes)


class Measuring(QObject):
    """Keeps a comparison of every labelled image while somebody looks at them.

    An image that is predicted already costs no prediction; the others are predicted for this, in spare time.

    Signals:
        changed: a comparison is there, or holds no more.
    """

    changed = Signal()

    def __init__(
        self,
        document: Document,
        *,
        engine: Jobs,
        readers: Jobs,
        translator: Translator,
        extras: Callable[[], PredictionExtras],
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._engine = engine
        self._readers = readers
        self._translator = translator
        self._extras = extras
        self._errors = errors
        self._weights: WeightsInfo | None = None
        self._known: dict[str, tuple[State, ImageEvaluation | None]] = {}
        self._turns = Counter[str]()
        self._is_busy = False
        self._is_on = False
        self._timer = QTimer(self, singleShot=True, interval=_REST_MS)
        self._timer.timeout.connect(self._go_on)
        events = document.events
        events.mask_changed.connect(self._later)
        events.images_changed.connect(self._later)
        events.current_changed.connect(self._later)
        events.classes_changed.connect(self._later)
        events.prediction_changed.connect(self._on_prediction_changed)

    @property
    def weights(self) -> WeightsInfo | None:
        """The weights that are measured; None where none have learned the user's classes."""
        live = self._weights
        return live if live is not None and knows_classes(live.version) else None

    @property
    def evaluations(self) -> dict[str, ImageEvaluation]:
        """The comparisons that hold, by image."""
        return {
            image_id: known
            for image_id, (state, known) in self._known.items()
            if known is not None and self._document.images.has(image_id) and state == self._state(image_id)
        }

    @property
    def waiting(self) -> int:
        """How many labelled images are still to be compared."""
        return sum(self._is_old(each) for each in self._document.masks.labelled_ids())

    def set_on(self, is_on: bool) -> None:
        """Compares from now on, or no longer: nobody looks."""
        self._is_on = is_on
        if is_on:
            self._later()

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live."""
        self._weights = weights
        self._known.clear()
        self.changed.emit()
        self._later()

    def _later(self, *_: object) -> None:
        if self._is_on:
            self._timer.start()

    def _on_prediction_changed(self, image_id: str) -> None:
        prediction = self._document.predictions.of(image_id)
        if prediction is None or not prediction.is_altered:
            self._turns[image_id] += 1
            self._later()

    def _go_on(self) -> None:
        """Compares the next image: that which is looked at first."""
        labelled = self._document.masks.labelled_ids()
        self._known = {each: known for each, known in self._known.items() if each in labelled}
        current = self._document.images.current_id
        waiting = sorted(filter(self._is_old, labelled), key=lambda each: each != current)
        if waiting and not self._is_busy and self._is_on and self.weights is not None:
            self._begin(waiting[0], self.weights)
        self.changed.emit()

    def _state(self, image_id: str) -> State:
        version = "" if self._weights is None else self._weights.version
        mask = self._document.masks.layer(image_id).version
        return mask, self._turns[image_id], version, self._document.classes.ids

    def _is_old(self, image_id: str) -> bool:
        known = self._known.get(image_id)
        return known is None or known[0] != self._state(image_id)

    def _begin(self, image_id: str, weights: WeightsInfo) -> None:
        self._is_busy = True
        prediction = self._document.predictions.of(image_id)
        if prediction is not None and prediction.version == weights.version and not prediction.is_altered:
            read = self._reader(image_id)
            self._compare(prediction, lambda: read()[1])
            return
        self._readers.submit(
            self._reader(image_id),
            partial(self._predict, weights),
            key=f"evaluate {image_id}",
            is_current=partial(self._document.images.has, image_id),
            on_stale=self._end,
            on_cancelled=self._end,
            on_failure=partial(self._on_failed, image_id),
        )

    def _reader(self, image_id: str) -> Callable[[], tuple[ImageRecord, str]]:
        """What reads an image, and names its pixels."""
        record, path = self._document.records.of(image_id), self._document.images.path(image_id)
        frame = self._document.images.frame(image_id)

        def read() -> tuple[ImageRecord, str]:
            found = record
            if found is None and path is not None:
                found = read_image(path, image_id=image_id, frame=frame)
            if found is None:
                raise LatentsegError("This image has no file any more.", action="Remove it from the list.")
            return found, image_mark(found.pixels)

        return read

    def _predict(self, weights: WeightsInfo, read: tuple[ImageRecord, str]) -> None:
        record, mark = read
        self._engine.submit(
            PredictPixels(record.image_id, record.pixels, extras=self._extras()),
            partial(self._translate, weights, mark),
            key="evaluate",
            is_current=partial(self._document.images.has, record.image_id),
            is_fresh=lambda answer: self._is_live(answer.prediction.version),
            on_stale=self._end,
            on_cancelled=self._end,
            on_failure=partial(self._on_failed, record.image_id),
        )

    def _translate(self, weights: WeightsInfo, mark: str, answer: PredictedPixels) -> None:
        compare = partial(self._compare, mark=lambda: mark)
        self._translator.take(answer.prediction, LabelMap(weights), compare)

    def _is_live(self, version: str) -> bool:
        return self._weights is not None and self._weights.version == version

    def _compare(self, prediction: Prediction, mark: Callable[[], str]) -> None:
        image_id, weights = prediction.image_id, self._weights
        if (
            not self._document.images.has(image_id)
            or weights is None
            or weights.version != prediction.version
        ):
            self._end()
            return
        state, layer = self._state(image_id), self._document.masks.layer(image_id)
        self._readers.submit(
            Evaluating(image_id, weights, mark, layer.snapshot(), prediction.said, self._document.classes),
            partial(self._on_compared, state),
            key=f"evaluate {image_id}",
            on_cancelled=self._end,
            on_failure=partial(self._on_failed, image_id),
        )

    def _on_compared(self, state: State, answer: ImageEvaluation) -> None:
        self._known[answer.image_id] = state, answer
        self._end()

    def _on_failed(self, image_id: str, error: LatentsegError) -> None:
        if self._document.images.has(image_id):
            self._known[image_id] = self._state(image_id), None  # not again before something changes
            self._errors.report(error)
        self._end()

    def _end(self) -> None:
        self._is_busy = False
        self._go_on()
