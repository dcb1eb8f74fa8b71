"""Gestures on the canvas -> edits of the mask, each one step of the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal

from latentseg_gui.canvas.view import CanvasView
from latentseg_gui.commands.history import History
from latentseg_gui.commands.masks.patch import Ink, MaskPatch, StrokeRecorder, area_patch
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.controllers.masks.edit_queue import EditQueue
from latentseg_gui.controllers.masks.tool import ToolController
from latentseg_gui.document.coords import is_inside, rc_from_xy
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.brush import polygon_mask, stroke_mask
from latentseg_gui.document.masks.regions import flood_fill, magic_wand
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Rect

XY = tuple[float, float]
Area = tuple[Rect, Mask]
FindArea = Callable[[MaskSource, str], Area]
"""Finds the area that is to be filled, in the mask that it is given."""

_WAND_WEIGHT: Final = 5.0
"""Comparing colours takes this much longer than comparing classes."""


class PaintController(QObject):
    """Brush, eraser, polygon, lasso, fill, wand and picker."""

    class_picked = Signal(int)

    def __init__(
        self,
        document: Document,
        history: History,
        canvas: CanvasView,
        tool: ToolController,
        edits: EditQueue,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._history = history
        self._tool = tool
        self._edits = edits
        self._recorder: StrokeRecorder | None = None
        self._stroke_image = ""
        self._is_erasing = False
        self._last: XY = (0.0, 0.0)
        canvas.stroke_started.connect(self._on_stroke_started)
        canvas.stroke_moved.connect(self._on_stroke_moved)
        canvas.stroke_finished.connect(self._on_stroke_finished)
        canvas.stroke_aborted.connect(self._on_stroke_aborted)
        canvas.polygon_completed.connect(self._on_polygon_completed)
        canvas.lasso_completed.connect(self._on_lasso_completed)
        canvas.fill_requested.connect(self._on_fill_requested)
        canvas.wand_requested.connect(self._on_wand_requested)
        canvas.pick_requested.connect(self._on_pick_requested)

    @property
    def is_painting(self) -> bool:
        """Whether a stroke is in progress."""
        return self._recorder is not None

    def _ink(self, *, is_erasing: bool = False) -> Ink:
        options = self._tool.options
        if is_erasing:
            leaves = BACKGROUND if options.is_erasing_to_background else UNLABELLED
            return Ink(leaves, keeps_larger=options.keeps_larger)
        return Ink(
            self._document.active_class,
            protect_others=options.protect_others,
            keeps_larger=options.keeps_larger,
        )

    def _on_stroke_started(self, xy: XY, is_erasing: bool) -> None:
        image_id = self._document.readable_id
        if image_id is None:
            return
        self._is_erasing = is_erasing
        label = self.tr("Erase") if is_erasing else self.tr("Brush stroke")
        self._tool.show_diameter(is_erasing=is_erasing)
        ink = self._ink(is_erasing=is_erasing)
        self._edits.then(partial(self._begin, image_id, ink, label, xy))
        self._on_stroke_moved(xy)

    def _on_stroke_moved(self, xy: XY) -> None:
        diameter = self._tool.diameter_of(is_erasing=self._is_erasing)
        self._edits.then(partial(self._extend, xy, diameter))

    def _on_stroke_finished(self) -> None:
        self._tool.show_diameter()
        self._edits.then(self._finish)

    def _on_stroke_aborted(self) -> None:
        self._tool.show_diameter()
        self._edits.then(self._abort)

    def _begin(self, image_id: str, ink: Ink, label: str, xy: XY) -> None:
        if self._document.images.has(image_id):
            self._document.check_class(ink.class_id)
            self._stroke_image = image_id
            self._recorder = StrokeRecorder(self._document, image_id, ink, label)
            self._last = xy

    def _extend(self, xy: XY, diameter: float) -> None:
        if self._recorder is None:
            return
        shape = self._document.masks.layer(self._stroke_image).shape
        self._recorder.add(*stroke_mask(self._last, xy, diameter, shape))
        self._last = xy

    def _finish(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self._history.record(recorder.finish())

    def _abort(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.abort()

    def _on_polygon_completed(self, vertices: Sequence[XY]) -> None:
        self._fill_outline(vertices, self.tr("Polygon"))

    def _on_lasso_completed(self, vertices: Sequence[XY]) -> None:
        self._fill_outline(vertices, self.tr("Lasso"))

    def _fill_outline(self, vertices: Sequence[XY], label: str) -> None:
        def area(source: MaskSource, image_id: str) -> Area:
            return polygon_mask(vertices, source.masks.layer(image_id).shape)

        self._fill(area, label)

    def _on_fill_requested(self, x: float, y: float) -> None:
        def area(source: MaskSource, image_id: str) -> Area:
            return flood_fill(source.masks.layer(image_id).labels, rc_from_xy((x, y)))

        self._fill(area, self.tr("Fill"))

    def _on_wand_requested(self, x: float, y: float) -> None:
        image_id = self._document.readable_id
        record = self._document.records.of(image_id) if image_id is not None else None
        if record is None:
            return
        pixels, tolerance = record.pixels, self._tool.options.wand_tolerance

        def area(source: MaskSource, image_id: str) -> Area:
            return magic_wand(pixels, rc_from_xy((x, y)), tolerance)

        self._fill(area, self.tr("Magic wand"), weight=_WAND_WEIGHT)

    def _fill(self, area: FindArea, label: str, *, weight: float = 1.0) -> None:
        """Gives an area that is still to be found the class in use."""
        image_id, ink = self._document.readable_id, self._ink()
        if image_id is None:
            return

        def make(source: MaskSource, class_id: int) -> MaskPatch | None:
            found = area(source, image_id)
            return area_patch(source, image_id, *found, replace(ink, class_id=class_id), label)

        self._edits.do(image_id, label, make, weight=weight, class_id=ink.class_id)

    def _on_pick_requested(self, x: float, y: float) -> None:
        image_id = self._document.readable_id
        rc = rc_from_xy((x, y))
        if image_id is None or not is_inside(rc, self._document.masks.layer(image_id).shape):
            return
        label = int(self._document.masks.labels(image_id)[rc])
        prediction = self._document.predictions.of(image_id)
        if label == UNLABELLED and prediction is not None:
            label = int(prediction.labels[rc])
        if label in self._document.classes.ids:
            self.class_picked.emit(label)
