"""Class ids as colours: sampled per device pixel, so that a change costs only what it shows.

Nothing is stored but a reference to the array, which its owner may change in place and then say where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from latentseg_gui.canvas.layers.base import Samples, paint_samples
from latentseg_gui.canvas.packing import Packed, pack_table
from latentseg_gui.canvas.viewport import Viewport
from latentseg_gui.document.types import UNLABELLED, Labels

EDGE: Final = 256
"""Offset of the colours of outline pixels in the table."""

_GAP: Final = 2 * EDGE
"""Offset of the colours between the lines of a hatching."""

_HATCH: Final = 6.0
"""From one line of a hatching to the next, in logical pixels along a row."""

VEIL: Final = (235, 235, 235)
"""The colour of the lines over what is said to be background; dark between them, it shows on any image."""

_BETWEEN: Final = (60, 60, 60)


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """How ids become colours.

    Attributes:
        colours: straight RGBA of each id, uint8 [256, 4]; alpha 0 hides it.
        opacity: factor on the alpha of the fill.
        edge_opacity: factor on the alpha of outlines.
        halo_opacity: alpha of the dark line that runs outside an outline; 0 for none.
        edge_width: width of outlines in logical pixels.
        is_hatched: whether fills are hatched.
        veiled: an id without a colour that is hatched in grey all the same; None for none.
    """

    colours: NDArray[np.uint8]
    opacity: float = 0.45
    edge_opacity: float = 1.0
    halo_opacity: float = 0.45
    edge_width: float = 1.25
    is_hatched: bool = False
    veiled: int | None = None

    @property
    def has_hatching(self) -> bool:
        """Whether anything is hatched."""
        return self.is_hatched or self.veiled is not None

    def table(self) -> Packed:
        """Packed colours [1024] of each id: its fill, its outline (for a hidden one: the halo), both in a gap."""
        fill, edge = self.colours.copy(), self.colours.copy()
        is_shown = self.colours[:, 3] > 0
        fill[:, 3] = np.round(self.colours[:, 3] * self.opacity).astype(np.uint8)
        edge[:, 3] = np.where(is_shown, round(255 * self.edge_opacity), round(255 * self.halo_opacity))
        edge[~is_shown, :3] = 0
        gap = fill.copy()
        if self.is_hatched:
            gap[:, 3] //= 4
        if self.veiled is not None:
            # A mask from elsewhere may call nearly all of an image background: what is below must be seen.
            fill[self.veiled] = (*VEIL, round(150 * self.opacity))
            edge[self.veiled] = (*VEIL, round(200 * self.edge_opacity))
            gap[self.veiled] = (*_BETWEEN, round(80 * self.opacity))
        return pack_table(np.concatenate([fill, edge, gap, edge]))

    @property
    def is_hidden(self) -> NDArray[np.bool_]:
        """Which ids are not drawn, bool [256]."""
        is_hidden = np.asarray(self.colours[:, 3] == 0)
        if self.veiled is not None:
            is_hidden[self.veiled] = False
        return is_hidden

    def merged_ids(self) -> NDArray[np.uint8]:
        """Maps every hidden id to one of them, so that no outline runs between two that are hidden."""
        ids = np.arange(256, dtype=np.uint8)
        hidden = np.flatnonzero(self.is_hidden)
        if hidden.size:
            ids[hidden] = hidden[0]
        return ids


@dataclass(frozen=True, slots=True)
class ObjectCodes:
    """What takes the place of class ids where objects are told apart; worked out where it is drawn.

    Attributes:
        numbers: object numbers, uint32 [H, W], 0 where a pixel belongs to none; None where there are none.
        of_class: the code of a pixel without a number by its class, uint8 [256].
        has_objects: the classes whose pixels may belong to objects, bool [256].
        count: how many codes, from 1, the numbers share.
    """

    numbers: NDArray[np.uint32] | None
    of_class: NDArray[np.uint8]
    has_objects: NDArray[np.bool_]
    count: int

    def of(self, labels: Labels, samples: Samples) -> NDArray[np.uint8]:
        """Codes of samples of the labels."""
        codes = self.of_class.take(labels)
        if self.numbers is not None:
            numbers = samples.of(self.numbers)
            codes = np.where(
                (numbers > 0) & self.has_objects.take(labels), (numbers - 1) % self.count + 1, codes
            )
        return codes.astype(np.uint8, copy=False)


@dataclass(frozen=True, slots=True)
class HiddenObjects:
    """Objects that are not drawn.

    Attributes:
        numbers: object numbers of the image, uint32 [H, W].
        hidden: the numbers of those, uint32 [N].
    """

    numbers: NDArray[np.uint32]
    hidden: NDArray[np.uint32]

    def of(self, samples: Samples) -> NDArray[np.bool_]:
        """Which samples belong to one of them."""
        return np.isin(samples.of(self.numbers), self.hidden)


@dataclass(slots=True)
class LabelLayer:
    """Draws an array of class ids.

    Attributes:
        labels: uint8 [H, W] of the image's shape, read only here; None draws nothing.
        objects: what is drawn instead of the class ids; None for those.
        hidden: objects that are not drawn; None for none.
        above: labels of a layer above; where they are given by a person, this layer stays silent.
        clip: device columns (start, stop) to which drawing is limited; None for all.
    """

    style: LabelStyle
    labels: Labels | None = None
    objects: ObjectCodes | None = None
    hidden: HiddenObjects | None = None
    above: Labels | None = None
    clip: tuple[int, int] | None = None
    _table: Packed = field(init=False)
    _merged: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        self.set_style(self.style)

    def set_style(self, style: LabelStyle) -> None:
        """Takes another look."""
        self.style = style
        self._table = style.table()
        self._merged = style.merged_ids()

    def margin(self, viewport: Viewport) -> int:
        """Device pixels around a changed pixel whose colour may change with it."""
        return max(1, round(self.style.edge_width * viewport.ratio))

    def paint(self, painter: QPainter, viewport: Viewport, device: QRect) -> None:
        """Draws what lies in ``device``, in device pixels (of `Layer`)."""
        if self.labels is None or self.labels.shape != viewport.image_shape:
            return
        if self.clip is not None:
            start, stop = self.clip
            device = device.intersected(QRect(start, 0, stop - start, viewport.device_size[1]))
        pad = self.margin(viewport)
        samples = Samples.under(viewport, device, pad)
        if samples is None:
            return
        drawn = samples.of(self.labels)
        ids = self._merged.take(drawn if self.objects is None else self.objects.of(drawn, samples))
        clear = self._merged[np.argmax(self.style.is_hidden)]
        if self.hidden is not None:
            ids[self.hidden.of(samples)] = clear
        if self.above is not None and self.above.shape == self.labels.shape:
            ids[samples.of(self.above) != UNLABELLED] = clear
        is_clear = ids.min() == ids.max() and self.style.is_hidden[ids[0, 0]]
        if not is_clear:
            gaps = None
            if self.style.has_hatching:
                # What is said and what is predicted slant to different sides: one is the other's opposite.
                gaps = hatching(viewport, samples.device, is_mirrored=not self.style.is_hatched)
            paint_samples(painter, samples, outlined(ids, pad, self._table, gaps))


def hatching(viewport: Viewport, device: QRect, *, is_mirrored: bool = False) -> NDArray[np.uint16]:
    """What the gaps of slanting lines add to a code, uint16 [h, w]; the lines keep to the image when it is moved.

    Args:
        viewport: where the image lies.
        device: what is drawn, in device pixels.
        is_mirrored: whether lines fall to the right, as those over labelled background; else they rise.
    """
    period = max(4, round(_HATCH * viewport.ratio))
    x0, y0, _, _ = viewport.image_box
    places = np.arange(period + device.width()) + (device.x() - x0)
    line = np.where(places % period < max(1, period // 3), 0, _GAP).astype(np.uint16)
    shifted = np.stack([line[phase : phase + device.width()] for phase in range(period)])  # [period, w]
    down = np.arange(device.height()) + (device.y() - y0)
    return shifted[(-down if is_mirrored else down) % period]


def outlined(
    ids: NDArray[np.uint8], pad: int, table: Packed, gaps: NDArray[np.uint16] | None = None
) -> Packed:
    """The colours of the inner part of ``ids``, whose pixels near another id count as outline.

    Args:
        ids: [h + 2 pad, w + 2 pad].
        pad: half the width of an outline.
        table: see `LabelStyle.table`.
        gaps: of a hatching, see `hatching`; None where nothing is hatched.

    Returns:
        Packed colours [h, w].
    """
    rows, cols = ids.shape[0] - 2 * pad, ids.shape[1] - 2 * pad
    inner = ids[pad : pad + rows, pad : pad + cols]
    is_edge = np.zeros(inner.shape, np.bool_)
    for row, col in ((0, pad), (2 * pad, pad), (pad, 0), (pad, 2 * pad)):
        is_edge |= inner != ids[row : row + rows, col : col + cols]
    codes = inner.astype(np.uint16)
    codes[is_edge] += EDGE
    if gaps is not None:
        codes += gaps
    return table.take(codes)
