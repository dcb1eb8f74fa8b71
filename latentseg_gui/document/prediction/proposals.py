"""What the user points at, and the object that the model makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.types import Mask, Rect

_NEXT = count(1)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What clicks start from; one is equal only to itself, also in another process.

    Attributes:
        rect: bounding box of the object.
        mask: bool, of the shape of ``rect``.
        shape: (rows, columns) of the image.
        class_id: of the object.
        rc: a pixel of the object of the mask that it is; None for an area that is only predicted.
        number: of that object; 0 for an area without one.
        serial: tells it from all others.
    """

    rect: Rect = field(compare=False)
    mask: Mask = field(compare=False, repr=False)
    shape: tuple[int, int] = field(compare=False)
    class_id: int = field(compare=False)
    rc: tuple[int, int] | None = field(compare=False)
    number: int = field(compare=False)
    serial: int = field(default_factory=lambda: next(_NEXT))

    def reshaped(self, rect: Rect, mask: Mask) -> TakenUp:
        """The same object in another shape; clicks start anew from that."""
        return TakenUp(rect, mask, self.shape, self.class_id, self.rc, self.number)

    def whole(self) -> Mask:
        """It on the whole image, bool [H, W]."""
        made = np.zeros(self.shape, np.bool_)
        made[self.rect.slices] = self.mask
        return made


@dataclass(frozen=True, slots=True)
class PromptPoint:
    """A click at ``xy``, or a line drawn by hand that ends there: on the object, or on what is not the object.

    Attributes:
        xy: in pixels of the image.
        is_positive: whether it is the object that is pointed at.
        way: places of a line in the order in which it was drawn; empty for a click.
        is_loop: whether the line runs round what is meant, and not along it.
    """

    xy: tuple[float, float]
    is_positive: bool
    way: tuple[tuple[float, float], ...] = ()
    is_loop: bool = False

    def moved(self, xy: tuple[float, float]) -> PromptPoint:
        """It elsewhere, with its line."""
        right, down = xy[0] - self.xy[0], xy[1] - self.xy[1]
        way = tuple((x + right, y + down) for x, y in self.way)
        return PromptPoint(xy, self.is_positive, way, self.is_loop)


@dataclass(frozen=True, slots=True)
class PromptSet:
    """What was pointed at: clicks and lines, oldest first, perhaps a box (x0, y0, x1, y1); what they start from."""

    points: tuple[PromptPoint, ...] = ()
    box: tuple[float, float, float, float] | None = None
    taken_up: TakenUp | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to segment from."""
        return not self.points and self.box is None


@dataclass(frozen=True, slots=True)
class MaskProposal:
    """A transient object mask made from prompts; it touches the mask only when accepted.

    Attributes:
        rect: bounding box of the object.
        mask: bool, of the shape of ``rect``.
        score: the model's own estimate of its IoU, 0..1.
        prompts: what it was made from.
        seconds: time the model took.
        is_refining: whether a zoom is under way whose answer will take its place.
        made_by: title of the click model of others that made it; "" for the model itself.
        candidates: what else may be meant, where that was asked for: the whole that the object belongs to, then a
            part of it; empty for weights that know one meaning only.
        chances: how likely each pixel of a rectangle that holds ``rect`` belongs to the object, uint8 of its
            shape, 255 for certain; None where that is not known.
    """

    image_id: str
    version: str
    rect: Rect
    mask: Mask
    score: float
    prompts: PromptSet
    seconds: float = 0.0
    is_refining: bool = False
    made_by: str = ""
    candidates: tuple[MaskProposal, ...] = ()
    chances: tuple[Rect, NDArray[np.uint8]] | None = None

    def has(self, rc: tuple[int, int]) -> bool:
        """Whether a pixel (row, column) of the image belongs to it."""
        row, col = rc[0] - self.rect.row0, rc[1] - self.rect.col0
        is_near = 0 <= row < self.mask.shape[0] and 0 <= col < self.mask.shape[1]
        return is_near and bool(self.mask[row, col])


@dataclass(frozen=True, slots=True, eq=False)
class PointedObject:
    """An object that the hand has left for the next one; it is accepted together with that.

    Attributes:
        prompts: what was pointed at.
        proposal: what the model makes of it; None until it has answered.
    """

    prompts: PromptSet
    proposal: MaskProposal | None = None


def as_it_was(image_id: str, prompts: PromptSet) -> MaskProposal | None:
    """The proposal before the first click: what was taken up; None where nothing was."""
    taken = prompts.taken_up
    if taken is None:
        return None
    return MaskProposal(image_id, "", taken.rect, taken.mask, 1.0, prompts)


def as_shown(prompts: PromptSet, shown: MaskProposal | None) -> PromptSet:
    """What was taken up, in the shape that it was given since: that is what the first click corrects.

    Args:
        prompts: of the image.
        shown: the proposal of the image.
    """
    taken = prompts.taken_up
    if taken is None or shown is None or shown.mask is taken.mask or not prompts.is_empty:
        return prompts
    return PromptSet(taken_up=taken.reshaped(shown.rect, shown.mask)) if shown.mask.any() else prompts


def proposal_iou(one: MaskProposal, other: MaskProposal) -> float:
    """Intersection over union of the pixels of two proposals of one image, 0..1; 1 where both are empty."""
    rect = one.rect.union(other.rect)
    first, second = (_within(each, rect.row0, rect.col0, rect.shape) for each in (one, other))
    either = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / either if either else 1.0


def _within(proposal: MaskProposal, row0: int, col0: int, shape: tuple[int, int]) -> Mask:
    made = np.zeros(shape, np.bool_)
    row, col = proposal.rect.row0 - row0, proposal.rect.col0 - col0
    rows, cols = proposal.rect.shape
    made[row : row + rows, col : col + cols] = proposal.mask
    return made


def lost_at(before: MaskProposal, after: MaskProposal, rc: tuple[int, int]) -> Mask | None:
    """The part of a proposal round a pixel that another one does not have any more.

    Args:
        before: what is proposed.
        after: what would be.
        rc: (row, column) of the image.

    Returns:
        Bool, of the shape of ``before.rect``; None where nothing is lost there.
    """
    one, other, lost = before.rect, after.rect, before.mask.copy()
    row0, row1 = max(one.row0, other.row0), min(one.row1, other.row1)
    col0, col1 = max(one.col0, other.col0), min(one.col1, other.col1)
    if row0 < row1 and col0 < col1:
        kept = after.mask[row0 - other.row0 : row1 - other.row0, col0 - other.col0 : col1 - other.col0]
        lost[row0 - one.row0 : row1 - one.row0, col0 - one.col0 : col1 - one.col0] &= ~kept
    at = rc[0] - one.row0, rc[1] - one.col0
    if not before.has(rc) or not lost[at]:
        return None
    parts, _ = ndimage.label(lost, np.ones((3, 3)))
    part: Mask = parts == parts[at]
    return part
