"""Objects that are there, or predicted, taken up for clicks, and put back as they have become."""

from __future__ import annotations

from latentseg_gui.commands.masks.objects import is_object, object_at
from latentseg_gui.commands.masks.patch import MaskPatch
from latentseg_gui.commands.masks.shapes import check_unlocked, reshaped
from latentseg_gui.commands.source import MaskSource
from latentseg_gui.document.coords import is_inside
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.regions import flood_fill
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.proposals import MaskProposal, TakenUp
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Rect

RC = tuple[int, int]


def take_up(source: MaskSource, *, image_id: str, rc: RC) -> TakenUp | None:
    """The object of the mask at a pixel, else the one that is predicted there; None where there is neither.

    Raises:
        LatentsegError: it is locked, or its class is.
    """
    layer = source.masks.layer(image_id)
    if is_object(source, image_id, rc):
        check_unlocked(source, image_id, rc)
        rect, mask = object_at(source, image_id, rc)
        class_id, number = int(layer.labels[rc]), int(layer.instances[rc])
        return TakenUp(rect, mask, layer.shape, class_id, rc, number)
    prediction = source.predictions.of(image_id)
    if prediction is None or not is_inside(rc, layer.shape) or layer.labels[rc] != UNLABELLED:
        return None
    class_id = int(prediction.labels[rc])
    if class_id == BACKGROUND:
        return None
    rect, mask = _predicted_at(prediction, rc)
    free = layer.labels[rect.slices] == UNLABELLED
    return TakenUp(rect, mask & free, layer.shape, class_id, None, 0)


def accept_correction(source: MaskSource, proposal: MaskProposal, taken: TakenUp) -> MaskPatch | None:
    """The step that gives an object of the mask the shape of a proposal: it keeps its number and its class.

    Args:
        source: what is edited.
        proposal: the object as it shall be.
        taken: as it was when it was taken up.

    Raises:
        LatentsegError: it is no longer there, or locked by now.
    """
    layer, rc = source.masks.layer(proposal.image_id), taken.rc
    is_there = rc is not None and layer.labels[rc] == taken.class_id and layer.instances[rc] == taken.number
    if rc is None or not is_there:
        raise LatentsegError(
            "The object that you were correcting is no longer there.",
            action="Undo, or click on the object anew.",
        )
    return reshaped(source, proposal.image_id, rc, (proposal.rect, proposal.mask), "Correct object")


def _predicted_at(prediction: Prediction, rc: RC) -> tuple[Rect, Mask]:
    """The predicted object at a pixel; without numbers, the connected area of its class."""
    number = 0 if prediction.instances is None else int(prediction.instances[rc])
    if prediction.instances is None or number == 0:
        return flood_fill(prediction.labels, rc)
    area: Mask = prediction.instances == number
    rect = Rect.around(area)
    return rect, area[rect.slices].copy()
