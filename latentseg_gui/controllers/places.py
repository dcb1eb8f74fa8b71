"""Where to correct next: images are ranked in spare time, and a key jumps from place to place."""

from __future__ import annotations

from collections import deque
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, QRectF, QTimer

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.ports import ErrorSink
from latentseg_gui.controllers.project import ProjectController
from latentseg_gui.document.document import Document
from latentseg_gui.document.doubts import Doubt, Doubts
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED, ImageRecord, Rect, WeightsInfo
from latentseg_gui.inference.messages import FindDoubts
from latentseg_gui.io.images import read_image
from latentseg_gui.io.reduced import reduced
from latentseg_gui.panels.files import FilesPanel
from latentseg_gui.panels.training.flash import FlashFrame
from latentseg_gui.panels.training.places import PlacesSection
from latentseg_gui.panels.training.values import PlaceRow

_SETTLE_MS = 1500
_SPARE_TIME = -10
_SHOWN = 20
_MOSTLY = 0.6
_ROOM = 3.0
"""A place that was jumped to takes up this part of the view."""


class PlacesController(QObject):
    """Ranks the image that is looked at after each prediction, and on request all of them."""

    def __init__(
        self,
        document: Document,
        panel: PlacesSection,
        canvas: CanvasView,
        files: FilesPanel,
        *,
        project: ProjectController,
        engine: Jobs,
        readers: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._panel = panel
        self._canvas = canvas
        self._files = files
        self._project = project
        self._engine = engine
        self._readers = readers
        self._errors = errors
        self._version = ""
        self._doubts: dict[str, Doubts] = {}
        self._places: list[Doubt] = []
        self._number = -1
        self._wanted: Doubt | None = None
        self._waiting: deque[str] = deque()
        self._total = 0
        self._flash = FlashFrame(canvas)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._on_settled)
        events = document.events
        events.prediction_changed.connect(self._on_prediction_changed)
        events.mask_changed.connect(self._later)
        events.current_changed.connect(self._on_current_changed)
        events.images_changed.connect(self._later)
        panel.next_requested.connect(self.go_on)
        panel.place_requested.connect(self.go_to)
        panel.scan_requested.connect(self.scan)

    @property
    def places(self) -> tuple[Doubt, ...]:
        """What is listed, the most doubtful first."""
        return tuple(self._places)

    def use_weights(self, weights: WeightsInfo) -> None:
        """Other weights are live: what the others were unsure of is of no interest."""
        self._version = weights.version
        self._doubts.clear()
        self._stop_scan()
        self._list()

    def go_on(self) -> None:
        """Goes to the next place; at first to the most doubtful one."""
        if not self._places:
            self._errors.inform(
                self.tr("Nothing is ranked yet. Wait for the prediction, or press “Rank all images”.")
            )
            return
        self.go_to((self._number + 1) % len(self._places))

    def go_to(self, number: int) -> None:
        """Shows the image of a place, goes close to the place and makes it blink."""
        place = self._places[number]
        self._number, self._wanted = number, place
        self._panel.set_current(number)
        if place.image_id == self._document.current_id:
            self._show()
        else:
            self._project.show(place.image_id)

    def scan(self, is_on: bool = True) -> None:
        """Ranks all images of the list that are not ranked yet, one after the other; or stops."""
        if not is_on or not self._version:
            self._stop_scan()
            return
        self._waiting = deque(each for each in self._document.image_ids if each not in self._doubts)
        self._total = len(self._waiting)
        self._scan_next()

    def _scan_next(self) -> None:
        while self._waiting and not self._document.has_image(self._waiting[0]):
            self._waiting.popleft()
        self._panel.set_scanning(self._total - len(self._waiting), self._total)
        if self._waiting:
            self._rank(self._waiting[0])

    def _stop_scan(self) -> None:
        self._waiting.clear()
        self._total = 0
        self._panel.set_scanning(0, 0)

    def _rank(self, image_id: str) -> None:
        """Reads and reduces an image in the background, then asks the model."""
        record, path = self._document.record(image_id), self._document.path(image_id)
        shape = self._document.shape(image_id)
        labels = self._document.labels(image_id) if shape is not None else None

        def call() -> FindDoubts:
            found: ImageRecord | None = record
            if found is None and path is not None:
                found = read_image(path, image_id=image_id, frame=frame)
            if found is None:
                raise LatentsegError("This image has no file any more.", action="Remove it from the list.")
            is_known = labels is not None and labels.shape == found.shape
            vouched = labels != UNLABELLED if is_known else np.zeros(found.shape, bool)
            pixels, small = reduced(found.pixels, np.asarray(vouched))
            return FindDoubts(image_id, pixels, small, found.shape)

        frame = self._document.frame(image_id)
        self._readers.submit(
            call, self._ask, key=f"rank {image_id}", on_failure=partial(self._on_failed, image_id)
        )

    def _ask(self, request: object) -> None:
        if isinstance(request, FindDoubts) and self._document.has_image(request.image_id):
            self._engine.submit(
                request,
                self._on_doubts,
                key=f"doubts {request.image_id}",
                priority=_SPARE_TIME,
                on_failure=partial(self._on_failed, request.image_id),
            )

    def _on_doubts(self, answer: object) -> None:
        if not isinstance(answer, Doubts):
            return
        if answer.version == self._version and self._document.has_image(answer.image_id):
            self._doubts[answer.image_id] = answer
            reason = _words(self, answer.places[0]) if answer.places else self.tr("no doubtful place")
            self._files.set_uncertainty(answer.image_id, answer.uncertainty, reason)
            self._list()
        self._scanned(answer.image_id)

    def _on_failed(self, image_id: str, error: LatentsegError) -> None:
        self._scanned(image_id)

    def _scanned(self, image_id: str) -> None:
        if self._waiting and self._waiting[0] == image_id:
            self._waiting.popleft()
            self._scan_next()

    def _list(self) -> None:
        """Puts the places in order: those that a person has seen to since are left out."""
        current = self._places[self._number] if 0 <= self._number < len(self._places) else None
        places = [place for doubts in self._doubts.values() for place in doubts.places]
        places = [place for place in places if self._is_open(place)]
        self._places = sorted(places, key=lambda place: -place.score)[:_SHOWN]
        self._number = self._places.index(current) if current in self._places else -1
        self._panel.set_places([PlaceRow(self._name(place), _words(self, place)) for place in self._places])
        if self._number >= 0:
            self._panel.set_current(self._number)

    def _is_open(self, place: Doubt) -> bool:
        if not self._document.has_image(place.image_id):
            return False
        if self._document.shape(place.image_id) is None:
            return True
        labels = self._document.labels(place.image_id)[place.rect.slices]
        step = max(1, int(labels.size**0.5) // 64)
        return bool((labels[::step, ::step] != UNLABELLED).mean() < _MOSTLY)

    def _name(self, place: Doubt) -> str:
        return self._document.name(place.image_id)

    def _show(self) -> None:
        place, self._wanted = self._wanted, None
        if place is None or not self._canvas.has_image:
            return
        rect = place.rect
        centre = (rect.col0 + rect.col1) / 2, (rect.row0 + rect.row1) / 2
        rows, cols = (max(1, side) for side in rect.shape)
        room = min(self._canvas.width() / cols, self._canvas.height() / rows) * _ROOM / 4
        self._canvas.zoom_to(room * self._canvas.devicePixelRatioF())
        self._canvas.centre_on(centre)
        self._flash.flash(self._on_canvas(rect).toRect())

    def _on_canvas(self, rect: Rect) -> QRectF:
        viewport = self._canvas.viewport
        corner = viewport.to_logical((float(rect.col0), float(rect.row0)))
        return QRectF(corner, viewport.to_logical((float(rect.col1), float(rect.row1))))

    def _on_prediction_changed(self, image_id: str) -> None:
        if image_id == self._document.current_id and not self._document.is_prediction_stale(image_id):
            self._doubts.pop(image_id, None)
            self._later()

    def _on_current_changed(self, image_id: str | None) -> None:
        if self._wanted is not None and self._wanted.image_id == image_id:
            QTimer.singleShot(0, self, self._show)
        self._later()

    def _later(self, *_: object) -> None:
        self._settle.start()

    def _on_settled(self) -> None:
        image_id = self._document.current_id
        if image_id is not None and not self._document.prompts(image_id).is_empty:
            self._settle.start()  # somebody is clicking, and clicks come first
            return
        is_predicted = image_id is not None and self._document.prediction(image_id) is not None
        is_ranked = image_id in self._doubts or (bool(self._waiting) and self._waiting[0] == image_id)
        if image_id is not None and is_predicted and not is_ranked and self._version:
            self._rank(image_id)
        self._doubts = {key: each for key, each in self._doubts.items() if self._document.has_image(key)}
        self._list()


def _words(context: QObject, place: Doubt) -> str:
    """Why a place should be looked at, as a sentence."""
    first, second = place.classes
    unsure = context.tr("unsure between {0} and {1} ({2} %)").format(first, second, round(100 * place.unsure))
    experts = context.tr("experts disagree ({0} %)").format(round(100 * place.disagreement))
    if place.why == "both":
        return context.tr("{0}; {1}").format(unsure, experts)
    return unsure if place.why == "unsure" else experts
