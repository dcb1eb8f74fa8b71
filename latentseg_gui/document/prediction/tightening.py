"""A proposal made tighter or wider before it is accepted: how sure the model must be, edges of the picture, pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.masks import regions
from latentseg_gui.document.masks.object_rules import without_crumbs
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.types import Mask, Rect

NEUTRAL: Final = 0.5

MOST_SHIFT: Final = 50
"""Pixels by which a border can be moved: a tenth of the side of an object of 500 pixels."""

_REACH_SHARE: Final = 0.06
_LEAST_REACH, _MOST_REACH = 3, 12
_SMOOTHNESS: Final = 1e-3
_CERTAIN: Final = 255
_TOUCHING: Final = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True)
class Tightening:
    """What is done to a proposal, in this order.

    Attributes:
        cutoff: how sure the model must be that a pixel belongs to the object, 0..1; 0.5 is as proposed.
        shift: the border moves outwards by so many pixels, inwards where it is negative.
        follows_edges: the border moves to edges of the picture that lie near it.
    """

    cutoff: float = NEUTRAL
    shift: int = 0
    follows_edges: bool = False

    @property
    def is_neutral(self) -> bool:
        """Whether a proposal stays as it is."""
        return self == Tightening()

    def shifted(self, pixels: int) -> Tightening:
        """The same with the border farther outwards, or inwards where ``pixels`` is negative; at most `MOST_SHIFT`."""
        return replace(self, shift=int(np.clip(self.shift + pixels, -MOST_SHIFT, MOST_SHIFT)))


def tightened(proposal: MaskProposal, tightening: Tightening, pixels: NDArray[np.uint8]) -> MaskProposal:
    """A proposal with another shape; all else of it stays.

    Args:
        proposal: as the model gave it.
        tightening: what is done to it.
        pixels: the picture, uint8 [H, W, 3].
    """
    if tightening.is_neutral or proposal.rect.is_empty:
        return proposal
    shape = int(pixels.shape[0]), int(pixels.shape[1])
    rect, area = _cut(proposal, tightening.cutoff)
    rect, area = _with_room(rect, area, max(tightening.shift, 0) + 1, shape)
    if tightening.shift > 0:
        area = regions.grow(area, tightening.shift)
    elif tightening.shift < 0:
        area = regions.shrink(area, -tightening.shift)
    if tightening.follows_edges and area.any():
        rect, area = _with_room(rect, area, 2 * reach_of(area), shape)
        area = follow_edges(area, pixels[rect.slices])
    area = without_crumbs(area)
    box = Rect.around(area)
    place = Rect(box.row0 + rect.row0, box.col0 + rect.col0, box.row1 + rect.row0, box.col1 + rect.col0)
    return replace(proposal, rect=place, mask=area[box.slices].copy())


def _cut(proposal: MaskProposal, cutoff: float) -> tuple[Rect, Mask]:
    """The proposal at another cut-off: less of it above a half, more of what touches it below."""
    if proposal.chances is None or cutoff == NEUTRAL:
        return proposal.rect, proposal.mask
    rect, chances = proposal.chances
    mask = np.zeros(rect.shape, np.bool_)
    row, col = proposal.rect.row0 - rect.row0, proposal.rect.col0 - rect.col0
    mask[row : row + proposal.mask.shape[0], col : col + proposal.mask.shape[1]] = proposal.mask
    is_sure = chances >= round(cutoff * _CERTAIN)
    if cutoff > NEUTRAL:
        return rect, mask & is_sure
    parts, _ = ndimage.label(mask | is_sure, _TOUCHING)
    return rect, np.isin(parts, np.setdiff1d(parts[mask], 0))


def _with_room(rect: Rect, area: Mask, margin: int, shape: tuple[int, int]) -> tuple[Rect, Mask]:
    wide = Rect(rect.row0 - margin, rect.col0 - margin, rect.row1 + margin, rect.col1 + margin).clipped(shape)
    made = np.zeros(wide.shape, np.bool_)
    row, col = rect.row0 - wide.row0, rect.col0 - wide.col0
    made[row : row + area.shape[0], col : col + area.shape[1]] = area
    return wide, made


def reach_of(area: Mask) -> int:
    """How far from the border of an area edges are looked for, in pixels."""
    return int(np.clip(round(_REACH_SHARE * sqrt(np.count_nonzero(area))), _LEAST_REACH, _MOST_REACH))


def follow_edges(area: Mask, pixels: NDArray[np.uint8]) -> Mask:
    """The area with its border moved to edges of the picture near it; what lies deeper, or farther off, stays.

    The area is filtered with the picture as its guide (He, Sun and Tang, Guided image filtering, 2013): in every
    small window it becomes the linear function of the colours that fits it best.

    Args:
        area: bool [h, w], with room round it.
        pixels: the picture under it, uint8 [h, w, 3].
    """
    reach = reach_of(area)
    depth = np.maximum(ndimage.distance_transform_edt(area), ndimage.distance_transform_edt(~area))
    guide = (pixels / np.float32(255)).astype(np.float32)
    # A pixel near the border depends on fits in the square round it, whose corners are 1.5 times as far.
    soft = _guided(area.astype(np.float32), guide, reach, where=depth <= 2.5 * reach)
    return np.where(depth <= reach, soft > 0.5, area)


def _guided(
    values: NDArray[np.float32], guide: NDArray[np.float32], radius: int, *, where: Mask
) -> NDArray[np.float32]:
    """``values`` [h, w] filtered with a colour guide [h, w, 3] in 0..1; only ``where`` [h, w] is fitted."""

    def mean(plane: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.asarray(ndimage.uniform_filter(plane, 2 * radius + 1, mode="nearest"), np.float32)

    channels = np.moveaxis(guide, -1, 0)  # [3, h, w]
    means = np.stack([mean(channel) for channel in channels])
    mean_value = mean(values)
    with_value = np.stack([mean(channel * values) for channel in channels]) - means * mean_value
    spread = np.empty(
        (np.count_nonzero(where), 3, 3), np.float32
    )  # most pixels of a large object are far away
    for one in range(3):
        for other in range(one, 3):
            common = mean(channels[one] * channels[other]) - means[one] * means[other]
            spread[:, one, other] = spread[:, other, one] = common[where]
    spread += _SMOOTHNESS * np.eye(3, dtype=np.float32)
    slope = np.zeros_like(guide)  # [h, w, 3]
    slope[where] = np.linalg.solve(spread, with_value[:, where].T[..., None])[..., 0]
    offset = mean_value - np.einsum("hwc,chw->hw", slope, means)
    slopes = np.stack([mean(slope[..., channel]) for channel in range(3)])
    return np.asarray(np.einsum("chw,chw->hw", slopes, channels) + mean(offset), np.float32)
