"""The list of objects beside the canvas: the same objects are chosen in both, and a click goes there."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.controllers.masks.current_table import CurrentTable
from latentseg_gui.controllers.masks.objects import ObjectsController
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.object_marks import NO_MARKS
from latentseg_gui.document.masks.object_table import ObjectTable
from latentseg_gui.document.masks.regions import component_at
from latentseg_gui.document.types import Rect
from latentseg_gui.io.masks.measuring import PixelSize, pixel_size
from latentseg_gui.panels.objects import AreaUnit, ObjectsLook, ObjectsPanel

_SHARE: Final = 0.35
"""Of the canvas, that an object fills when one goes to it."""

_CLOSEST: Final = 12.0
"""Device pixels per pixel of the image: closer one sees nothing more."""

_FEW: Final = 20
"""More objects than that are found by a table of their first pixels."""

_PICTURE: Final = 64
_ROUND_IT: Final = 0.25


class ObjectListController(QObject):
    """Shows the objects of the current image and takes what is chosen among them."""

    def __init__(
        self,
        document: Document,
        current: CurrentTable,
        objects: ObjectsController,
        panel: ObjectsPanel,
        canvas: CanvasView,
        *,
        files: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._current = current
        self._objects = objects
        self._panel = panel
        self._canvas = canvas
        self._files = files
        self._unit = AreaUnit()
        self._shown: ObjectTable = current.table
        panel.set_pictures(self._picture)
        panel.chosen.connect(self._on_chosen)
        panel.go_requested.connect(self.go_to)
        current.changed.connect(self._show)
        objects.selection_changed.connect(self._on_selection_changed)
        document.events.classes_changed.connect(self._show)
        document.events.marks_changed.connect(self._on_marks_changed)
        document.events.current_changed.connect(self._on_other_image)
        document.events.record_changed.connect(self._on_record_changed)
        self._show()

    def go_to(self, key: int) -> None:
        """Shows an object in the middle of the canvas, large enough to be judged."""
        row = self._shown.row_of(key)
        if row is None or not self._canvas.image.is_shown:
            return
        rect, camera = self._shown.box(row), self._canvas.camera
        rows, cols = rect.shape
        ratio = self._canvas.devicePixelRatioF()
        scale = _SHARE * ratio * min(self._canvas.width() / cols, self._canvas.height() / rows)
        camera.zoom_to(min(scale, _CLOSEST * ratio))
        camera.centre_on(((rect.col0 + rect.col1) / 2, (rect.row0 + rect.row1) / 2))

    def _show(self) -> None:
        classes, image_id = self._document.classes, self._document.images.current_id
        has_mask = image_id is not None and self._document.masks.shape(image_id) is not None
        marks = self._document.masks.layer(image_id).marks if image_id is not None and has_mask else NO_MARKS
        colours = dict(zip(classes.ids, classes.colours, strict=True))
        table = self._current.table
        self._shown = table.taken(np.isin(table.classes, classes.thing_ids))
        makers = {} if image_id is None else self._document.makers.of_image(image_id)
        look = ObjectsLook(dict(classes.named_ids), colours, marks, self._unit, makers)
        self._panel.set_objects(self._shown, look)
        self._on_selection_changed()

    def _on_chosen(self, keys: tuple[int, ...]) -> None:
        table = self._shown
        rows = np.searchsorted(table.keys, keys)
        rows = rows[np.isin(keys, table.keys)]
        self._objects.choose([(row, col) for row, col in table.pixels[rows].tolist()])

    def _on_selection_changed(self, *_: object) -> None:
        self._panel.set_selected(self._keys_of_chosen())

    def _keys_of_chosen(self) -> list[int]:
        image_id, pixels = self._document.images.current_id, self._objects.chosen
        if image_id is None or not pixels:
            return []
        layer = self._document.masks.layer(image_id)
        instances = layer.instances
        if len(pixels) > _FEW:
            table = self._shown
            known = dict(zip(map(tuple, table.pixels.tolist()), table.keys.tolist(), strict=True))
            return [int(instances[rc]) or known.get(rc, 0) or self._key_of_area(rc) for rc in pixels]
        return [int(instances[rc]) or self._key_of_area(rc) for rc in pixels]

    def _key_of_area(self, rc: tuple[int, int]) -> int:
        """The key of the object without number that the pixel belongs to; 0 where the list does not know it yet."""
        table = self._shown
        row0, col0, row1, col1 = table.boxes.T
        around = (row0 <= rc[0]) & (rc[0] < row1) & (col0 <= rc[1]) & (rc[1] < col1) & (table.keys < 0)
        rows = np.flatnonzero(around)
        if len(rows) < 2:
            return int(table.keys[rows[0]]) if len(rows) else 0
        by_pixel = {table.pixel(int(row)): int(table.keys[row]) for row in rows}
        if rc in by_pixel:
            return by_pixel[rc]
        return by_pixel.get(self._first_pixel(rc), 0)

    def _first_pixel(self, rc: tuple[int, int]) -> tuple[int, int]:
        image_id = self._document.images.current_id
        assert image_id is not None
        layer = self._document.masks.layer(image_id)
        area = (layer.labels == layer.labels[rc]) & (layer.instances == 0)
        rect, mask = component_at(area, rc)
        first = int(mask[0].argmax())
        return rect.row0, rect.col0 + first

    def _on_marks_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id:
            self._show()

    def _on_other_image(self, image_id: str | None) -> None:
        self._unit = AreaUnit()
        self._panel.set_pictures(self._picture)
        path = None if image_id is None else self._document.images.path(image_id)
        if image_id is None or path is None or path.suffix.lower() not in (".tif", ".tiff"):
            return
        self._files.submit(
            partial(pixel_size, path, self._document.images.frame(image_id)),
            self._on_measured,
            key="pixel size",
            is_current=lambda: self._document.images.current_id == image_id,
            on_failure=self._on_not_measured,
        )

    def _on_measured(self, size: PixelSize | None) -> None:
        if size is not None:
            (high, wide), unit = size
            self._unit = AreaUnit(high * wide, f"{unit}²")
            self._show()

    def _on_not_measured(self, error: LatentsegError) -> None:
        """Areas stay in pixels; what is wrong with the file is said by whoever reads its pixels."""

    def _on_record_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id:
            self._panel.set_pictures(self._picture)

    def _picture(self, rect: Rect) -> NDArray[np.uint8] | None:
        """The pixels of a part of the image with something round it, square, hardly more than are shown."""
        record = self._document.current_record
        if record is None:
            return None
        half = max(*rect.shape, 8) * (0.5 + _ROUND_IT)
        row, col = (rect.row0 + rect.row1) / 2, (rect.col0 + rect.col1) / 2
        square = Rect(round(row - half), round(col - half), round(row + half), round(col + half))
        step = max(1, square.shape[0] // _PICTURE)
        part = record.pixels[square.clipped(record.shape).slices][::step, ::step]
        return np.ascontiguousarray(part) if part.size else None
