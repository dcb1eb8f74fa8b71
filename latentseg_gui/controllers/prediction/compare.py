"""Two layers beside a divider: mask and prediction, or the predictions of two versions of the weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from functools import partial
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.types import Labels, Rect
from latentseg_gui.document.wording import percent

What = Literal["", "mask", "earlier", "version"]

_KEPT_BYTES = 256 << 20


class KeptPredictions:
    """What versions of the weights said of images, the latest of them, as long as there is room."""

    def __init__(self, limit: int = _KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str], Prediction] = OrderedDict()
        self._now: dict[str, str] = {}
        self._before: dict[str, str] = {}

    def add(self, prediction: Prediction) -> None:
        """Keeps a prediction, and forgets the oldest that have no room any more."""
        image_id, version = prediction.image_id, prediction.version
        before = self._now.get(image_id, version)
        if before != version:
            self._before[image_id] = before
        self._now[image_id] = version
        self._kept[image_id, version] = prediction
        self._kept.move_to_end((image_id, version))
        self._trim()

    def put(self, prediction: Prediction) -> None:
        """Keeps what a version says that is not in use; earlier, where nothing else is."""
        self._before.setdefault(prediction.image_id, prediction.version)
        self._kept[prediction.image_id, prediction.version] = prediction
        self._trim()

    def _trim(self) -> None:
        while sum(map(_size, self._kept.values())) > self._limit and len(self._kept) > 2:
            self._kept.popitem(last=False)

    def get(self, image_id: str, version: str) -> Prediction | None:
        """What a version said of an image."""
        return self._kept.get((image_id, version))

    def earlier(self, image_id: str) -> Prediction | None:
        """What the weights before those of the latest prediction said of an image."""
        return self.get(image_id, self._before.get(image_id, ""))

    def keep(self, versions: Collection[str], images: Collection[str]) -> None:
        """Forgets other versions and other images, but for what weights said last, and before."""
        for image_id, version in tuple(self._kept):
            is_last = version in (self._now.get(image_id), self._before.get(image_id))
            if image_id not in images or not (is_last or version in versions):
                del self._kept[image_id, version]

    def clear(self) -> None:
        """Forgets everything."""
        for each in (self._kept, self._now, self._before):
            each.clear()


def _share_of_changes(before: Labels, after: Labels) -> float:
    """Pixels of another class, 0..1; any thread."""
    changed = sum(np.count_nonzero(left != right) for left, right in zip(before, after, strict=True))
    return changed / max(1, after.size)


def _size(prediction: Prediction) -> int:
    return prediction.labels.nbytes + prediction.confidence.nbytes


class CompareController(QObject):
    """Keeps the comparison in step with what is shown; it ends where there is nothing to compare.

    Signals:
        changed: what is compared: "mask", "earlier", "version" or "" for nothing.
        missing: image and version ("" for the one before those in use) whose prediction is to be given to
            `take`, or else `give_up` called.
    """

    changed = Signal(str)
    missing = Signal(str, str)

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        *,
        jobs: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._jobs = jobs
        self._errors = errors
        self._choices = 0
        self._what: What = ""
        self._version = ""
        self._shown: Labels | None = None
        self._kept = KeptPredictions()
        self._class_ids = set(document.classes.ids)
        document.events.prediction_changed.connect(self._on_prediction_changed)
        document.events.current_changed.connect(self._on_record_changed)
        document.events.record_changed.connect(self._on_record_changed)
        document.events.mask_changed.connect(self._on_mask_changed)
        document.events.classes_changed.connect(self._on_classes_changed)

    @property
    def what(self) -> What:
        """What is compared."""
        return self._what

    def set_mask(self, is_on: bool) -> None:
        """Compares the mask with the prediction, or ends that."""
        self._choose("mask" if is_on else "")

    def set_earlier(self, is_on: bool) -> None:
        """Compares what earlier weights said with what those in use say, or ends that."""
        self._choose("earlier" if is_on else "")

    def toggle_version(self, version: str) -> None:
        """Compares what a version of the weights said with what those in use say; again ends that."""
        is_on = self._what == "version" and self._version == version
        self._version = version
        self._choose("" if is_on else "version")

    def keep_versions(self, versions: Collection[str]) -> None:
        """These versions are on the list: what others said is not needed any more."""
        self._kept.keep(versions, self._document.images.ids)

    def _choose(self, what: What) -> None:
        self._what = what
        self._choices += 1
        if not what:
            self._end()
        elif self._show():
            self._tell_changes()
        elif not self._ask():
            self.give_up(self.tr("There is no prediction of this image to compare with yet."))
            return
        self.changed.emit(self._what)

    def take(self, prediction: Prediction) -> None:
        """What was missing: the prediction of a version that is not in use, in classes of the document."""
        self._kept.put(prediction)
        is_wanted = self._what == "earlier" or (
            self._what == "version" and self._version == prediction.version
        )
        if is_wanted and prediction.image_id == self._document.images.current_id and self._show():
            self._tell_changes()

    def give_up(self, reason: str = "") -> None:
        """What was missing cannot be had: there is no comparison."""
        if self._what:
            self._errors.inform(reason or self.tr("There are no earlier weights to compare with."))
            self._what = ""
            self._end()
            self.changed.emit("")

    def _ask(self) -> bool:
        """Asks for what is missing; says whether there is something to compare it with."""
        self._end()
        image_id = self._document.images.current_id
        if self._what == "mask" or image_id is None or self._document.predictions.of(image_id) is None:
            return False
        self.missing.emit(image_id, self._version if self._what == "version" else "")
        return True

    def _before(self, image_id: str) -> Prediction | None:
        is_version = self._what == "version"
        return self._kept.get(image_id, self._version) if is_version else self._kept.earlier(image_id)

    def _show(self) -> bool:
        image_id = self._document.images.current_id
        now = self._document.predictions.of(image_id) if image_id is not None else None
        if image_id is None or now is None or self._document.records.of(image_id) is None:
            return False
        if self._what == "mask":
            self._shown = self._document.masks.labels(image_id)
            self._canvas.comparison.set(self._shown, now.labels, (self.tr("mask"), now.version))
            return True
        before = self._before(image_id)
        if before is None or before.labels.shape != now.labels.shape:
            return False
        self._canvas.comparison.set(before.labels, now.labels, (before.version, now.version))
        return True

    def _tell_changes(self) -> None:
        if self._what == "mask":
            return
        image_id = self._document.images.current_id
        now = self._document.predictions.of(image_id) if image_id is not None else None
        before = self._before(image_id) if image_id is not None else None
        choice = self._choices
        if now is not None and before is not None:
            self._jobs.submit(
                partial(_share_of_changes, before.labels, now.labels),
                partial(self._on_changes_counted, before.version),
                key="compare",
                is_current=lambda: choice == self._choices and bool(self._what),
            )

    def _on_changes_counted(self, version: str, share: float) -> None:
        words = self.tr("{0} of the pixels have another class than with “{1}”. Drag the divider.")
        self._errors.inform(words.format(percent(share, 1), version))

    def _end(self) -> None:
        self._shown = None
        self._canvas.comparison.set(None, None)

    def _again(self) -> None:
        if self._what and not self._show():
            self._ask()

    def _on_prediction_changed(self, image_id: str) -> None:
        prediction = self._document.predictions.of(image_id)
        if prediction is None or prediction.is_altered:
            return
        self._kept.add(prediction)
        if image_id == self._document.images.current_id:
            self._again()

    def _on_record_changed(self, image_id: str | None) -> None:
        if image_id == self._document.images.current_id:
            self._again()

    def _on_classes_changed(self) -> None:
        """Where a class is gone, what was said with it is no longer true."""
        before, self._class_ids = self._class_ids, set(self._document.classes.ids)
        if not before <= self._class_ids:
            self._kept.clear()

    def _on_mask_changed(self, image_id: str, rect: Rect) -> None:
        is_mask = self._what == "mask" and image_id == self._document.images.current_id
        if not is_mask or self._shown is None:
            return
        # The first write to a mask makes its array; what was handed out before does not follow.
        if not np.may_share_memory(self._document.masks.labels(image_id), self._shown):
            self._again()
