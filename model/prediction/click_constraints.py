"""A further click must not spoil a good mask: what may change is decided by the click, and by how sure the answer is.

Guaranteed, by construction, for a click that continues from an earlier answer, or from a mask of any other origin
that is not rough (`model.prediction.rough_masks`):

- a click on what already has its sign (on the object and positive, beside it and negative) changes nothing;
- a positive click takes no pixel away, and a negative one adds none;
- no more pixels change than the click is trusted with (`model.prediction.click_trust`). So whatever is right, the
  IoU falls by no more than that, as a share of the mask.

A mask that the network thinks good by its own estimate follows a click in all that is connected to it where that is
little, where the click lies in the middle of it, or where it is large and the clicks are few, since they still say
which object is meant; else as far as some times the widest disk round the click that would change as a whole, and
there what is nearest and surest. A click at the very rim of what would change counts for less. What is not connected
comes along only if all of it is little and decided. A mask that is not good yet follows much further.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.prediction.click_trust import LITTLE, REFINING, leave_trusted, too_much
from model.prediction.inputs import Pointing
from model.prediction.postprocess import agree, clean_mask, clicked_pixels
from model.prediction.rough_masks import SeenTwice, redrawn

Mask = NDArray[np.bool_]
Answer = tuple[Mask, float, NDArray[np.float32]]

MOST_LOGIT: Final = 60.0
"""Logits are kept up to this size; what is more is as sure."""

REMEMBERED_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class _Packed:
    """A mask, packed, its estimated IoU; None where it is of another origin; and whether it is a plain region."""

    shape: tuple[int, int]
    bits: NDArray[np.uint8]
    score: float | None
    is_plain: bool


@dataclass(frozen=True, slots=True)
class PreviousMask:
    """What a click is put on: mask bool [H, W], its estimated IoU if there is one, and logits [h, w] with it."""

    mask: Mask
    score: float | None
    logits: NDArray[np.float32]


@dataclass(slots=True)
class AnsweredClicks:
    """Masks that were given for clicks on one image, so that the next click knows what it starts from.

    Attributes:
        masks: shape and packed bits by clicks, box and the logits that came with them, the oldest first.
    """

    masks: OrderedDict[bytes, _Packed] = field(default_factory=OrderedDict)

    @property
    def nbytes(self) -> int:
        """Memory of all of them."""
        return sum(known.bits.nbytes for known in self.masks.values())

    def put(
        self,
        pointing: Pointing,
        mask: Mask,
        score: float | None,
        logits: NDArray[np.float32],
        *,
        is_plain: bool = False,
    ) -> None:
        """Remember what was answered; the oldest are forgotten when there are too many."""
        key = _key(pointing, len(pointing.xy), logits)
        self.masks[key] = _Packed((mask.shape[0], mask.shape[1]), np.packbits(mask), score, is_plain)
        self.masks.move_to_end(key)
        while len(self.masks) > 1 and self.nbytes > REMEMBERED_BYTES:
            self.masks.popitem(last=False)

    def before(self, pointing: Pointing, logits: NDArray[np.float32]) -> tuple[Mask, float | None] | None:
        """Mask and estimated IoU that were put for all but the last click, if ``logits`` came with them.

        Whoever hands in something else goes on from that, not from what was once answered.
        """
        known = self._known(pointing, logits)
        if known is None:
            return None
        count = known.shape[0] * known.shape[1]
        return np.unpackbits(known.bits, count=count).reshape(known.shape).view(np.bool_), known.score

    def is_plain(self, pointing: Pointing, logits: NDArray[np.float32]) -> bool:
        """Whether that mask is a plain region rather than what the network said."""
        known = self._known(pointing, logits)
        return known is not None and known.is_plain

    def _known(self, pointing: Pointing, logits: NDArray[np.float32]) -> _Packed | None:
        count = len(pointing.xy)
        return self.masks.get(_key(pointing, count - 1, logits)) if count else None


def guarded(
    stages: Iterator[tuple[bool, Answer]],
    answered: AnsweredClicks,
    pointing: Pointing,
    start: PreviousMask | None,
    afar: NDArray[np.float32] | None = None,
) -> Iterator[tuple[bool, Answer]]:
    """Answers to the last click that keep what the click does not contradict.

    Args:
        stages: (is final, answer), as the network gives them.
        answered: takes the final mask.
        pointing: in pixels of the image.
        start: what the last click was put on; None where there is nothing.
        afar: logits [h, w] before zooming in; None where there was none.
    """
    for is_final, (mask, score, logits) in stages:
        constrained: Mask = mask
        known: float | None = score
        if start is not None:
            constrained, known = after_click(start, (mask, score, logits), pointing, afar)
            logits = _taken_back(logits, start.logits, mask != constrained)
        if is_final:
            answered.put(pointing, constrained, known, logits)
        yield is_final, (constrained, score, logits)


def after_click(
    start: PreviousMask, answer: Answer, pointing: Pointing, afar: NDArray[np.float32] | None = None
) -> tuple[Mask, float | None]:
    """The mask after the last click, and its estimated IoU; None as long as it is of another origin.

    One that was off all round and goes where the answer has it is the answer from then on. Arguments as below.
    """
    mask, score, logits = answer
    if start.score is None and _is_spoken_for(start.mask, mask, pointing):
        looks = SeenTwice(mask, logits if afar is None else afar, score)
        moved = looks.moved_all_round(start.mask, pointing)
        if moved is not None:
            return moved, score
    constrained = constrained_mask(start, mask, score, logits, pointing, afar)
    return constrained, None if start.score is None else score


def _is_spoken_for(before: Mask, mask: Mask, pointing: Pointing) -> bool:
    """Whether the last click contradicts the mask, and the answer does not contradict the click."""
    rows, cols = clicked_pixels(pointing, mask.shape)
    click, is_positive = (int(rows[-1]), int(cols[-1])), bool(pointing.is_positive[-1])
    return bool(before[click] != is_positive and mask[click] == is_positive)


def constrained_mask(
    start: PreviousMask,
    mask: Mask,
    score: float,
    logits: NDArray[np.float32],
    pointing: Pointing,
    afar: NDArray[np.float32] | None = None,
) -> Mask:
    """The mask as it was with those changes towards ``mask`` that the last click supports.

    Args:
        start: what the last click was put on.
        mask: bool [H, W], the new answer, in agreement with all clicks.
        score: estimated IoU of the new answer.
        logits: [h, w] of the new answer, perhaps smaller.
        pointing: in pixels of the mask.
        afar: logits [h, w] of the new answer before zooming in; None where there was none.
    """
    rows, cols = clicked_pixels(pointing, mask.shape)
    before = start.mask
    click, is_positive = (int(rows[-1]), int(cols[-1])), bool(pointing.is_positive[-1])
    if before[click] == is_positive:
        return before
    wanted = (mask & ~before) if is_positive else (before & ~mask)
    if not wanted[click]:  # an answer that contradicts its own click speaks for nothing
        return before
    if start.score is None:
        drawn = redrawn(before, SeenTwice(mask, logits if afar is None else afar), pointing)
        if drawn is not None:
            return drawn
    area, believed = int(np.count_nonzero(before)), logits if is_positive else -logits
    scores, clicks = _trusted_as(start, score, len(pointing.xy))
    count = leave_trusted(wanted, believed, click, area, scores, clicks)
    changed = before ^ wanted
    constrained = clean_mask(changed, pointing)
    if is_positive:  # setting a disk right round an earlier click must not undo what was there
        return before | constrained
    loose = agree(changed, pointing) & ~constrained
    left_over = max(count - int(np.count_nonzero(wanted)), int(LITTLE * area))
    return before & (constrained | too_much(loose, left_over))


def _trusted_as(start: PreviousMask, score: float, clicks: int) -> tuple[tuple[float, float], int]:
    """Estimated IoU of the mask and of the answer, and how many clicks made the mask.

    A mask of another origin that is not rough counts as one that is good and has been refined for long.
    """
    if start.score is None:
        return (1.0, 1.0), clicks + REFINING
    return (start.score, score), clicks


def _taken_back(
    logits: NDArray[np.float32], earlier: NDArray[np.float32], where: Mask
) -> NDArray[np.float32]:
    """``logits`` [h, w] with the ``earlier`` ones wherever the mask [H, W] did not follow.

    Otherwise the next answer would start from what was refused, and insist on it.
    """
    rows, cols = (
        ((np.arange(small) + 0.5) * (side / small)).astype(np.intp)
        for small, side in zip(logits.shape, where.shape, strict=True)
    )
    return np.where(where[rows][:, cols], earlier, logits)


def _key(pointing: Pointing, count: int, logits: NDArray[np.float32]) -> bytes:
    """The first ``count`` clicks, the box, and a digest of logits, which may have been kept with 16 bits."""
    kept = logits.clip(-MOST_LOGIT, MOST_LOGIT).astype(np.float16)
    digest = blake2b(kept.tobytes() + repr(kept.shape).encode(), digest_size=16).digest()
    box = b"" if pointing.box is None else pointing.box.astype(np.float32).tobytes()
    clicks = pointing.xy[:count].astype(np.float32).tobytes() + pointing.is_positive[:count].tobytes()
    return digest + box + b"|" + clicks
