"""What the hand points at on the canvas, as the prompts of the current image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.prediction.in_turn import InTurn
from latentseg_gui.controllers.prediction.segment import SegmentController
from latentseg_gui.document.coords import rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.prediction.proposals import PromptPoint, PromptSet, as_shown

Box = tuple[float, float, float, float]

_SAME_BOX: Final = 0.5
"""A box that shares at least this much of the smaller one's area with the one before is the same, drawn again."""

_MOST_PLACES = 512
"""Of a line; what is drawn with more is thinned out evenly."""


class PointingController(QObject):
    """Clicks, boxes and lines join those before, or begin a new object each."""

    acts = Signal()
    """The proposal that is shown is about to be accepted or corrected."""

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        segment: SegmentController,
        in_turn: InTurn,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._segment = segment
        self._in_turn = in_turn
        self._each_is_new = False
        canvas.prompt_added.connect(self.add_click)
        canvas.box_added.connect(self.add_box)
        canvas.line_added.connect(self.add_line)
        canvas.prompt_moved.connect(self.move_click)
        canvas.prompt_removed.connect(self.remove_click)
        self._canvas = canvas
        in_turn.labels.changed.connect(self._show_coming)
        document.events.current_changed.connect(self._show_coming)
        document.events.record_changed.connect(self._show_coming)

    def _show_coming(self) -> None:
        """Markers stay where something was accepted, until it is outlined."""
        self._canvas.prompts.set_coming(self._in_turn.coming(self._document.images.current_id))

    def set_each_new(self, is_on: bool) -> None:
        """Lets each click, box or line on an object be an object of its own; the one before is accepted."""
        self._each_is_new = is_on

    def add_click(self, x: float, y: float, is_positive: bool) -> None:
        """One more click; it waits, and says so, where the image is not encoded yet."""
        self._add(PromptPoint((x, y), is_positive))

    def add_line(self, places: Sequence[tuple[float, float]], is_positive: bool, is_loop: bool) -> None:
        """A line along the object or round it, or along or round what it is not."""
        step = -(-len(places) // _MOST_PLACES)
        way = (*places[:-1:step], places[-1])
        self._add(PromptPoint(way[-1], is_positive, way, is_loop))

    def add_box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A box round the object, drawn again perhaps; one elsewhere begins the next object, and this one waits."""
        image_id = self._document.images.current_id
        if image_id is None:
            return
        self.acts.emit()
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        prompts = self._begun(image_id, is_positive=True)
        if _is_elsewhere(box, prompts):
            self._in_turn.keep(image_id)
            prompts = PromptSet()
        self._segment.use(image_id, replace(prompts, box=box))

    def move_click(self, index: int, x: float, y: float) -> None:
        """A marker was dragged elsewhere."""
        image_id = self._document.images.current_id
        if image_id is None:
            return
        prompts = self._document.prompts.of(image_id)
        points = list(prompts.points)
        points[index] = points[index].moved((x, y))
        self._segment.use(image_id, replace(prompts, points=tuple(points)))

    def remove_click(self, index: int) -> None:
        """A marker was taken away."""
        image_id = self._document.images.current_id
        if image_id is None:
            return
        prompts = self._document.prompts.of(image_id)
        points = prompts.points[:index] + prompts.points[index + 1 :]
        self._segment.use(image_id, replace(prompts, points=points))

    def drop_last(self) -> None:
        """Takes the last click or line back; the box when there is none left, then those of the object before."""
        image_id = self._document.images.current_id
        if image_id is None:
            return
        earlier = self._document.prompts.earlier(image_id)
        prompts = self._document.prompts.of(image_id)
        if earlier and prompts.is_empty and prompts.taken_up is None:
            self._in_turn.take_back(image_id, earlier[-1])
            prompts = self._document.prompts.of(image_id)
        if prompts.points:
            self._segment.use(image_id, replace(prompts, points=prompts.points[:-1]))
        elif prompts.box is not None:
            self._segment.use(image_id, PromptSet(taken_up=prompts.taken_up))
        else:
            self._segment.use(image_id, PromptSet())

    def accept(self) -> None:
        """Accepts what is shown; where nothing is yet, what is pointed at, as soon as it is outlined."""
        self.acts.emit()
        image_id = self._document.images.current_id
        if image_id is None or not self._is_awaited(image_id):
            self._segment.accept()
            return
        self._in_turn.accept_early(image_id)
        self._segment.use(image_id, PromptSet())

    def _is_awaited(self, image_id: str) -> bool:
        """Whether an object is pointed at, and none is shown."""
        prompts = self._document.prompts
        wanted, earlier = prompts.of(image_id), prompts.earlier(image_id)
        is_shown = prompts.proposal(image_id) is not None or any(
            each.proposal is not None for each in earlier
        )
        is_object = wanted.box is not None or any(each.is_positive for each in wanted.points)
        is_hopeless = self._in_turn.has_no_model()
        return is_object and not is_shown and not is_hopeless and wanted.taken_up is None

    def clear(self) -> None:
        """Throws clicks, lines, boxes and proposals away."""
        image_id = self._document.images.current_id
        if image_id is not None:
            self._document.prompts.set_earlier(image_id, ())
            self._segment.use(image_id, PromptSet())

    def _add(self, point: PromptPoint) -> None:
        image_id = self._document.images.current_id
        if image_id is not None:
            self.acts.emit()
            self._take_back_at(image_id, rc_from_xy(point.xy))
            prompts = self._begun(image_id, is_positive=point.is_positive)
            self._segment.use(image_id, replace(prompts, points=(*prompts.points, point)))

    def _take_back_at(self, image_id: str, rc: tuple[int, int]) -> None:
        """Lets a click into an object that waits be about that one."""
        present = self._document.prompts.proposal(image_id)
        if present is not None and present.has(rc):
            return
        for each in reversed(self._document.prompts.earlier(image_id)):
            if each.proposal is not None and each.proposal.has(rc):
                self._in_turn.take_back(image_id, each)
                return

    def _begun(self, image_id: str, *, is_positive: bool) -> PromptSet:
        """What more is added to: what is there, or nothing where it was an object by itself."""
        prompts = self._document.prompts.of(image_id)
        is_done = self._each_is_new and is_positive and not prompts.is_empty and prompts.taken_up is None
        if not is_done:
            return as_shown(prompts, self._document.prompts.proposal(image_id))
        self._in_turn.accept(image_id)
        return PromptSet()


def _is_elsewhere(box: Box, prompts: PromptSet) -> bool:
    """Whether a box is about another object than what is pointed at."""
    if prompts.is_empty or prompts.taken_up is not None:
        return False
    if prompts.box is None:
        return not any(_holds(box, each.xy) for each in prompts.points if each.is_positive)
    other = prompts.box
    width, height = (
        min(box[2], other[2]) - max(box[0], other[0]),
        min(box[3], other[3]) - max(box[1], other[1]),
    )
    return max(width, 0.0) * max(height, 0.0) < _SAME_BOX * min(_area(box), _area(other))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _holds(box: Box, xy: tuple[float, float]) -> bool:
    return box[0] <= xy[0] <= box[2] and box[1] <= xy[1] <= box[3]
