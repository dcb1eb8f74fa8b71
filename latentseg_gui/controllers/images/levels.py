"""Levels, gamma and channels of the image on the canvas, from the values of its file."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentseg_gui.canvas import CanvasView
from latentseg_gui.controllers.jobs import Jobs
from latentseg_gui.document.document import Document
from latentseg_gui.document.types import ImageRecord
from latentseg_gui.inference.request import Priority
from latentseg_gui.io.images.display import default_levels, display_pixels, sampled_values
from latentseg_gui.panels.display import LevelsPanel, Tone, ValueRange


class AdjustController(QObject):
    """Bytes are looked up while they are drawn; other values are rendered again in the background."""

    def __init__(
        self,
        document: Document,
        canvas: CanvasView,
        panel: LevelsPanel,
        *,
        readers: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._canvas = canvas
        self._panel = panel
        self._readers = readers
        self._shown: str | None = None
        self._tone = Tone()
        self._is_rendered = False
        document.events.current_changed.connect(self._on_current_changed)
        document.events.record_changed.connect(self._on_record_changed)
        panel.tone_requested.connect(self.set_tone)

    @property
    def tone(self) -> Tone:
        """What the current image is shown with."""
        return self._tone

    def set_tone(self, tone: Tone) -> None:
        """Shows the current image in another way."""
        record = self._record()
        if record is None:
            return
        tone = _ordered(tone)
        self._tone = tone
        # A table maps what is shown; where that is not the values of the file, they are rendered again.
        is_by_table = record.source.dtype == np.uint8 and tone.channel is None and not record.is_inverted
        self._canvas.image.set_tone(_table(tone) if is_by_table else None)
        if is_by_table or tone == Tone():
            if self._is_rendered:
                self._is_rendered = False
                self._canvas.image.set(record.pixels, keep_view=True)
            return
        self._readers.submit(
            partial(_render, record, tone),
            self._on_rendered,
            key="levels",
            priority=Priority.TONE,
            is_current=partial(self._is_wanted, record.image_id, tone),
        )

    def _record(self) -> ImageRecord | None:
        return self._document.records.of(self._shown) if self._shown is not None else None

    def _on_current_changed(self, image_id: str | None) -> None:
        self._shown = None
        self._begin(image_id)

    def _on_record_changed(self, image_id: str) -> None:
        if image_id == self._document.images.current_id and image_id != self._shown:
            self._begin(image_id)

    def _begin(self, image_id: str | None) -> None:
        record = self._document.records.of(image_id) if image_id is not None else None
        self._tone, self._is_rendered = Tone(), False
        self._canvas.image.set_tone(None)
        if record is None:
            self._panel.set_range(None)
        else:
            self._panel.set_range(value_range(record.source, record.nodata), record.level_notes)
            self._shown = image_id

    def _is_wanted(self, image_id: str, tone: Tone) -> bool:
        return (image_id, tone) == (self._shown, self._tone)

    def _on_rendered(self, pixels: NDArray[np.uint8]) -> None:
        self._is_rendered = True
        self._canvas.image.set(pixels, keep_view=True)


def value_range(values: NDArray[np.generic], nodata: float | None = None) -> ValueRange:
    """What there is to choose from in the values of a file [H, W] or [H, W, channels], but for ``nodata``."""
    channels = 1 if values.ndim == 2 else int(values.shape[2])
    is_whole = values.dtype.kind in "biu"
    levels = default_levels(values, nodata=nodata)
    if values.dtype == np.uint8:
        return ValueRange(0.0, 255.0, levels, channels, "8-bit", is_whole)
    sample = sampled_values(values, nodata)
    low, high = (float(sample.min()), float(sample.max())) if sample.size else levels
    low, high = min(low, levels[0]), max(high, levels[1])
    kind = f"{values.dtype.itemsize * 8}-bit" if is_whole else "Floating-point"
    return ValueRange(low, high, levels, channels, kind, is_whole)


def _ordered(tone: Tone) -> Tone:
    """The same, where black lies below white."""
    if tone.levels is None or tone.levels[0] < tone.levels[1]:
        return tone
    low = min(tone.levels)
    return Tone(tone.channel, (low, np.nextafter(low, np.inf) + 1e-6), tone.gamma, tone.is_inverted)


def _table(tone: Tone) -> NDArray[np.uint8] | None:
    """What each byte is shown as; None where nothing changes."""
    if tone == Tone():
        return None
    ramp = np.arange(256, dtype=np.uint8)[None, :]
    shown = display_pixels(ramp, levels=tone.levels, gamma=tone.gamma, is_inverted=tone.is_inverted)
    return np.ascontiguousarray(shown[0, :, 0])


def _render(record: ImageRecord, tone: Tone) -> NDArray[np.uint8]:
    """What a tone makes of an image, uint8 [H, W, 3]."""
    return display_pixels(
        record.source,
        channels=None if tone.channel is None else (tone.channel,),
        levels=tone.levels,
        gamma=tone.gamma,
        is_inverted=tone.is_inverted != record.is_inverted,
        nodata=record.nodata,
    )
