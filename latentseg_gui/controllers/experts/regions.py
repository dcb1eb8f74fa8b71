"""Finer maps of the experts for the part of a large image that is being looked at."""

from __future__ import annotations

import math
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.experts.inspect import InspectController
from latentseg_gui.controllers.interfaces import ErrorSink
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.experts.experts import RegionAttention
from latentseg_gui.document.experts.maps import ExpertMaps
from latentseg_gui.document.types import Rect
from latentseg_gui.inference.messages import ComputeRegionAttention
from latentseg_gui.panels.experts.maps import learned_part
from latentseg_gui.panels.experts.panel import ExpertsPanel

_SETTLE_MS: Final = 250
"""How long the view must rest before a part is encoded."""

STRIDE: Final = 4
"""Pixels per token of a part that is encoded as it is; smaller ones cannot be had."""
MAX_PIXELS: Final = 1 << 20
"""Larger parts are reduced to this before they are encoded."""
_COARSE: Final = 6.0
"""A value that covers fewer device pixels than this, along one side, is fine enough."""
_WORTHWHILE: Final = 1.5
_MARGIN: Final = 1 / 6
_GRID: Final = 32


class RegionAttentionController(QObject):
    """Watches the view; a rest on something that the maps show coarsely is answered by finer ones.

    The part is encoded in the background, after everything that the user waits for. What arrives for a view
    that was left is dropped here and remembered by the engine.
    """

    def __init__(
        self,
        document: Document,
        panel: ExpertsPanel,
        inspect: InspectController,
        canvas: CanvasView,
        *,
        engine: Jobs,
        errors: ErrorSink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._sources = panel.sources
        self._inspect = inspect
        self._canvas = canvas
        self._engine = engine
        self._errors = errors
        self._part: RegionAttention | None = None
        self._wanted: tuple[str, str, Rect] | None = None
        self._resting = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._resting.timeout.connect(self._refine)
        canvas.camera.changed.connect(self._resting.start)
        panel.selection.changed.connect(self._on_selection_changed)
        inspect.maps_arrived.connect(self._on_maps_arrived)

    @property
    def part(self) -> RegionAttention | None:
        """What is shown finer now."""
        return self._part

    def _on_selection_changed(self) -> None:
        if self._inspect.is_overlaid:
            self._resting.start()

    def _on_maps_arrived(self) -> None:
        self._drop()
        self._resting.start()

    def _drop(self) -> None:
        self._wanted, had = None, self._part is not None
        self._part = None
        self._sources.set_refining(False)
        if had:
            self._sources.set_part(None)

    def _refine(self) -> None:
        maps, canvas = self._inspect.maps, self._canvas
        if maps is None or maps.image_id != self._document.images.current_id or not self._inspect.is_overlaid:
            return
        visible, scale = canvas.camera.viewport.visible_rect(), canvas.camera.zoom
        if visible.is_empty or maps.stride * scale < _COARSE:
            self._drop()
            return
        if self._part is not None and _covers(self._part, maps, visible, scale):
            return
        rect = encoded_around(visible, maps.shape)
        if stride_of(rect) * _WORTHWHILE > maps.stride:
            self._drop()
            return
        key = maps.image_id, maps.version, rect
        if key == self._wanted:
            return
        self._wanted = key
        self._sources.set_refining(True)
        self._engine.submit(
            ComputeRegionAttention(maps.image_id, rect),
            self._on_part,
            key="refine attention",
            is_current=partial(self._is_wanted, key),
            is_fresh=lambda part: (part.image_id, part.version, part.rect) == key,
            on_stale=partial(self._end, key),
            on_failure=partial(self._on_failed, key),
            on_cancelled=partial(self._end, key),
        )

    def _is_wanted(self, key: tuple[str, str, Rect]) -> bool:
        maps = self._inspect.maps
        return key == self._wanted and maps is not None and (maps.image_id, maps.version) == key[:2]

    def _on_part(self, answer: RegionAttention) -> None:
        self._end((answer.image_id, answer.version, answer.rect))
        self._part = answer
        self._sources.set_part(learned_part(answer))

    def _on_failed(self, key: tuple[str, str, Rect], error: LatentsegError) -> None:
        self._end(key)
        self._errors.inform(str(error))

    def _end(self, key: tuple[str, str, Rect]) -> None:
        """Nothing is refined any more, unless another part is wanted by now."""
        if key == self._wanted:
            self._wanted = None
            self._sources.set_refining(False)


def encoded_around(visible: Rect, shape: tuple[int, int]) -> Rect:
    """What is encoded for a visible rectangle: some more, so that small moves need nothing new."""
    rows, cols = (round(side * _MARGIN) for side in visible.shape)
    return Rect(
        _down(visible.row0 - rows),
        _down(visible.col0 - cols),
        _up(visible.row1 + rows),
        _up(visible.col1 + cols),
    ).clipped(shape)


def stride_of(rect: Rect) -> float:
    """Pixels of the image per token in the maps of a part, along one side."""
    return STRIDE * max(1.0, math.sqrt(rect.shape[0] * rect.shape[1] / MAX_PIXELS))


def _covers(part: RegionAttention, maps: ExpertMaps, visible: Rect, scale: float) -> bool:
    """Whether a part is of these maps, shows all that is visible, and could hardly be finer or need not be."""
    if (part.image_id, part.version) != (maps.image_id, maps.version):
        return False
    inside = part.rect.union(visible) == part.rect
    is_fine = part.stride * scale < _COARSE or part.stride < _WORTHWHILE * stride_of(
        encoded_around(visible, maps.shape)
    )
    return inside and is_fine


def _down(value: int) -> int:
    return value // _GRID * _GRID


def _up(value: int) -> int:
    return -(-value // _GRID) * _GRID
