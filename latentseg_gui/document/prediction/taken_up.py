"""An object that is there already, taken up to be corrected by clicks."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import numpy as np

from latentseg_gui.document.types import Mask, MaskProposal, PromptSet, Rect

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

    def whole(self) -> Mask:
        """It on the whole image, bool [H, W]."""
        made = np.zeros(self.shape, np.bool_)
        made[self.rect.slices] = self.mask
        return made


def as_it_was(image_id: str, prompts: PromptSet) -> MaskProposal | None:
    """The proposal before the first click: what was taken up; None where nothing was."""
    taken = prompts.taken_up
    if taken is None:
        return None
    return MaskProposal(image_id, "", taken.rect, taken.mask, 1.0, prompts)
