"""Making proposals and predictions part of the mask."""

from __future__ import annotations

import numpy as np

from latentseg_gui.commands.patch import Ink, MaskPatch, area_patch, values_patch
from latentseg_gui.commands.source import MaskSource, next_instance
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, MaskProposal, Provenance, Rect


def accept_proposal(
    source: MaskSource, proposal: MaskProposal, class_id: int, *, protect_others: bool = False
) -> MaskPatch | None:
    """The step that makes a proposed object part of the mask, with an object number of its own."""
    image_id = proposal.image_id
    instance = 0 if class_id in (BACKGROUND, UNLABELLED) else next_instance(source, image_id)
    ink = Ink(class_id, Provenance.CLICKED, instance, protect_others)
    label = f"Accept {_class_name(source, class_id)}"
    return area_patch(source, image_id, proposal.rect, proposal.mask, ink, label)


def accept_prediction(
    source: MaskSource, image_id: str, within: tuple[Rect, Mask] | None = None
) -> MaskPatch | None:
    """The step that vouches for the prediction wherever nobody has vouched yet.

    Args:
        source: what is edited.
        image_id: the image; without a prediction, the rest of it becomes background.
        within: only this area; None for the whole image.
    """
    layer = source.layer(image_id)
    rect = Rect.whole(layer.shape) if within is None else within[0]
    if rect.is_empty:
        return None
    area = rect.slices
    labels, provenance = layer.labels[area], layer.provenance[area]
    where = labels == UNLABELLED
    if within is not None:
        where &= within[1]
    prediction = source.prediction(image_id)
    said = np.uint8(BACKGROUND) if prediction is None else prediction.labels[area]
    return values_patch(
        source,
        image_id,
        rect,
        np.where(where, said, labels),
        np.where(where, np.uint8(Provenance.PREDICTED), provenance),
        None,
        "Accept prediction",
    )


def _class_name(source: MaskSource, class_id: int) -> str:
    return "nothing" if class_id == UNLABELLED else source.classes[class_id].name
