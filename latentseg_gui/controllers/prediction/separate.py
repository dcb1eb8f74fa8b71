"""Depth of a prediction -> its objects, anew whenever a setting changes; the model does not run for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.separating import Separated, landscape_of, with_objects
from latentseg_gui.panels.counting import CountingPanel
from model.analysis.objects import Hills, ObjectOptions

LATER_MS: Final = 600
"""After which images that nobody looks at follow."""


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """Objects of a prediction, and the landscape that they were made from, while it is looked at."""

    settings: tuple[object, ...]
    ground: tuple[object, ...]
    hills: Hills | None
    answer: Separated


class SeparateController(QObject):
    """Keeps the objects of every prediction as the panel says.

    Signals:
        options_changed: the `ObjectOptions` that objects are made with from now on.
    """

    options_changed = Signal(object)

    def __init__(
        self,
        document: Document,
        panel: CountingPanel,
        *,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._jobs = jobs
        self._options = ObjectOptions()
        self._made: dict[str, _Made] = {}
        self._others = QTimer(self, singleShot=True, interval=LATER_MS)
        self._others.timeout.connect(self._update_others)
        events = document.events
        events.prediction_changed.connect(self._update)
        events.images_changed.connect(self._on_images_changed)
        events.current_changed.connect(self._on_current_changed)
        events.classes_changed.connect(self._on_classes_changed)
        events.active_class_changed.connect(self._show_class)
        panel.options_requested.connect(self.set_options)
        self.set_options(self._options.threshold, self._options.separation, self._options.smoothness)
        self._show_class(document.active_class)

    @property
    def options(self) -> ObjectOptions:
        """What objects are made with."""
        return self._options

    def set_options(self, threshold: float, separation: float, smoothness: float) -> None:
        """Makes the objects of all predictions anew: that of the current image first."""
        self._options = ObjectOptions(threshold, separation, smoothness)
        self._panel.set_options(threshold, separation, smoothness)
        self.options_changed.emit(self._options)
        self._update_all()

    def counts(self, image_id: str) -> dict[int, int] | None:
        """Objects of the prediction by class id; None where there are none to be told apart."""
        made = self._made.get(image_id)
        prediction = self._document.predictions.of(image_id)
        is_of_it = made is not None and made.answer.prediction is prediction
        return made.answer.counts if made is not None and is_of_it else None

    def _update_all(self) -> None:
        """The current image at once, the others when nothing has changed for a while."""
        current = self._document.images.current_id
        if current is not None:
            self._update(current)
        self._others.start()

    def _update_others(self) -> None:
        for image_id in self._document.images.ids:
            self._update(image_id)

    def _update(self, image_id: str) -> None:
        """Asks for the objects of a prediction, unless they are there."""
        prediction = self._document.predictions.of(image_id)
        if prediction is not None and prediction.depth is not None:
            settings = _settings(self._document.classes, self._options)
            made = self._made.get(image_id)
            if made is None or made.answer.prediction is not prediction or made.settings != settings:
                self._ask(prediction, made, settings)
        else:
            self._made.pop(image_id, None)
        if image_id == self._document.images.current_id:
            self._show_counts()

    def _ask(self, prediction: Prediction, made: _Made | None, settings: tuple[object, ...]) -> None:
        image_id = prediction.image_id
        known = made if made is not None and made.ground[0] is prediction.depth else None
        self._jobs.submit(
            partial(_make, prediction, self._document.classes, self._options, known),
            partial(self._on_made, image_id, prediction),
            key=f"objects {image_id}",
            is_current=lambda: settings == _settings(self._document.classes, self._options),
        )

    def _on_made(self, image_id: str, before: Prediction, made: _Made) -> None:
        if not self._document.images.has(image_id):
            return
        if self._document.predictions.of(image_id) is not before:
            return  # another one came meanwhile, and is on its way here as well
        is_shown = image_id == self._document.images.current_id
        self._made[image_id] = made if is_shown else replace(made, hills=None)
        self._document.predictions.refine(made.answer.prediction)

    def _show_counts(self) -> None:
        image_id, classes = self._document.images.current_id, self._document.classes
        counts = None if image_id is None else self.counts(image_id)
        if counts is not None:
            named = [(classes[each].name, counts.get(each, 0)) for each in classes.thing_ids]
            why = (
                "" if named else self.tr("No class is counted. Choose one, and tick that its objects count.")
            )
            self._panel.show_counts(named, why)
            return
        prediction = None if image_id is None else self._document.predictions.of(image_id)
        if prediction is not None and prediction.depth is not None:
            return  # the new count is a moment away
        self._panel.show_counts(
            None,
            self.tr(
                "The model does not tell objects apart yet: label some as objects of their own, and train."
            ),
        )

    def _show_class(self, class_id: int) -> None:
        if class_id in self._document.classes.ids:
            entry = self._document.classes[class_id]
            self._panel.set_class(
                entry.name, is_own=class_id > 0, is_thing=entry.is_thing, smallest=entry.smallest
            )

    def _on_current_changed(self, image_id: str | None) -> None:
        for other, made in self._made.items():
            if other != image_id and made.hills is not None:
                self._made[other] = replace(made, hills=None)
        self._show_counts()
        if image_id is not None:
            self._update(image_id)

    def _on_images_changed(self) -> None:
        for image_id in set(self._made) - set(self._document.images.ids):
            del self._made[image_id]

    def _on_classes_changed(self) -> None:
        self._show_class(self._document.active_class)
        self._update_all()


def _settings(classes: ClassTable, options: ObjectOptions) -> tuple[object, ...]:
    """All that objects depend on beside the prediction."""
    return options, tuple((each, classes[each].smallest) for each in classes.thing_ids)


def _make(prediction: Prediction, classes: ClassTable, options: ObjectOptions, known: _Made | None) -> _Made:
    """Runs in a background thread; the landscape is kept where only objects are joined in another way."""
    ground = prediction.depth, prediction.said, options.threshold, options.smoothness, classes.thing_ids
    is_known = known is not None and all(
        a is b or (not hasattr(a, "shape") and a == b) for a, b in zip(known.ground, ground, strict=True)
    )
    hills = known.hills if known is not None and is_known else None
    hills = hills or landscape_of(prediction, classes, options)
    if hills is None:
        raise ValueError("a prediction without depth has no objects")
    plain = replace(prediction, labels=prediction.said)
    answer = with_objects(plain, hills, classes, options)
    return _Made(_settings(classes, options), ground, hills, answer)
