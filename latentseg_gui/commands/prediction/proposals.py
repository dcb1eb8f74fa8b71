"""Making proposals and predictions part of the mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from latentseg_gui.commands.masks.patch import Ink, MaskPatch, area_patch, values_patch
from latentseg_gui.commands.masks.rectangles import relative_to
from latentseg_gui.commands.source import LayerSource, MaskSource, next_instance
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.masks.object_rules import without_crumbs
from latentseg_gui.document.prediction.candidates import ObjectCandidate, candidate_numbers
from latentseg_gui.document.prediction.predicted_objects import taken_over
from latentseg_gui.document.prediction.proposals import MaskProposal
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Mask, Provenance, Rect


@dataclass(frozen=True, slots=True)
class Overlap:
    """Pixels of a proposal that belong to an object already.

    Attributes:
        number: of that object.
        class_id: of it.
        pixels: how many.
    """

    number: int
    class_id: int
    pixels: int


def overlaps(source: MaskSource, proposal: MaskProposal) -> list[Overlap]:
    """The objects that a proposal lies over, the one with the most pixels first."""
    layer = source.masks.layer(proposal.image_id)
    if not layer.has_instances:
        return []
    area = proposal.rect.slices
    numbers = layer.instances[area][proposal.mask]
    labels = layer.labels[area][proposal.mask]
    found = []
    for number in np.setdiff1d(numbers, 0).tolist():
        where = numbers == number
        found.append(Overlap(number, int(labels[where][0]), int(where.sum())))
    return sorted(found, key=lambda overlap: -overlap.pixels)


def accept_proposal(
    source: MaskSource,
    proposal: MaskProposal,
    class_id: int,
    *,
    protect_others: bool = False,
    yields: bool = True,
) -> MaskPatch | None:
    """The step that makes a proposed object part of the mask, with an object number of its own.

    Args:
        source: what is edited.
        proposal: the object.
        class_id: of the object.
        protect_others: whether pixels of other classes stay, objects or not.
        yields: whether objects that are there keep their pixels. Where most of the proposal is one object of
            the same class, the rest extends that one instead of becoming an object of its own. The background
            yields to nothing: it is how objects are taken away.

    Returns:
        The step; None if nothing would change.
    """
    image_id, mask = proposal.image_id, proposal.mask
    maker = f" by {proposal.made_by}" if proposal.made_by else ""
    label = f"Accept {_class_name(source, class_id)}{maker}"
    if class_id in (BACKGROUND, UNLABELLED):
        ink = Ink(class_id, Provenance.CLICKED, 0, protect_others)
        return area_patch(source, image_id, proposal.rect, mask, ink, label)
    mask, number = _beside_there(source, proposal, class_id, yields=yields)
    ink = Ink(class_id, Provenance.CLICKED, number, protect_others)
    return area_patch(source, image_id, proposal.rect, mask, ink, label)


def _beside_there(
    source: MaskSource, proposal: MaskProposal, class_id: int, *, yields: bool
) -> tuple[Mask, int]:
    """What the only proposal gets of its pixels, and its number: that of the object that it extends, or a free one."""
    mask, number = proposal.mask, next_instance(source, proposal.image_id)
    if yields and (there := overlaps(source, proposal)):
        layer = source.masks.layer(proposal.image_id)
        is_free = there[0].number not in layer.marks.locked
        if is_free and there[0].class_id == class_id and 2 * there[0].pixels >= np.count_nonzero(mask):
            number = there[0].number
        instances = layer.instances[proposal.rect.slices]
        mask = mask & (instances == 0)
        mask &= without_crumbs(mask | (instances == number))
    return mask, number


def accept_proposals(
    source: MaskSource,
    proposals: Sequence[MaskProposal],
    class_id: int,
    *,
    protect_others: bool = False,
    yields: bool = True,
) -> MaskPatch | None:
    """The step that makes several proposed objects of an image part of its mask, as if one came after the other.

    Args:
        source: what is edited.
        proposals: at least one.
        class_id: of the objects.
        protect_others: whether pixels of other classes stay, objects or not.
        yields: as for `accept_proposal`; whatever it is, a later proposal yields to the earlier ones.

    Returns:
        The step; None if nothing would change.
    """
    image_id = proposals[0].image_id
    if len(proposals) == 1:
        return accept_proposal(source, proposals[0], class_id, protect_others=protect_others, yields=yields)
    rect, numbers, _ = _laid_out(source, proposals, class_id, yields=yields)
    if rect.is_empty:
        return None
    is_object = class_id not in (BACKGROUND, UNLABELLED)
    ink = Ink(class_id, Provenance.CLICKED, numbers if is_object else 0, protect_others)
    label = f"Accept {len(proposals)} objects of {_class_name(source, class_id)}"
    return area_patch(source, image_id, rect, numbers > 0, ink, label)


def accepted_numbers(
    source: MaskSource, proposals: Sequence[MaskProposal], class_id: int, *, yields: bool = True
) -> tuple[int, ...]:
    """The number of the object that each proposal becomes, or extends, with `accept_proposals`.

    Args:
        source: what is edited, before it is.
        proposals: at least one, of one image.
        class_id: of the objects.
        yields: as for `accept_proposal`.

    Returns:
        As many numbers; 0 for a proposal that gets no pixel.
    """
    if class_id in (BACKGROUND, UNLABELLED):
        return (0,) * len(proposals)
    if len(proposals) == 1:
        mask, number = _beside_there(source, proposals[0], class_id, yields=yields)
        return (number if mask.any() else 0,)
    return _laid_out(source, proposals, class_id, yields=yields)[2]


def _laid_out(
    source: MaskSource, proposals: Sequence[MaskProposal], class_id: int, *, yields: bool
) -> tuple[Rect, Instances, tuple[int, ...]]:
    """Where several proposals lie, numbers of the shape of that, and the number of each; 0 where it gets no pixel."""
    image_id, rect = proposals[0].image_id, Rect(0, 0, 0, 0)
    for each in proposals:
        rect = rect.union(each.rect)
    is_object = class_id not in (BACKGROUND, UNLABELLED)
    numbers, number = np.zeros(rect.shape, np.uint32), next_instance(source, image_id)
    found = []
    for each in proposals if not rect.is_empty else ():
        inner = relative_to(each.rect, rect).slices
        mask, own = each.mask, number
        if is_object:
            others = _others(source.masks.layer(image_id), each.rect, class_id, yields=yields)
            mask, own = _beside_others(each.mask, numbers[inner], others, number)
        numbers[inner][mask] = own
        number = max(number, own + 1)
        found.append(own if mask.any() else 0)
    return rect, numbers, tuple(found)


def _others(layer: LayerSource, rect: Rect, class_id: int, *, yields: bool) -> tuple[Instances, Mask]:
    """Numbers of the objects that keep their pixels, uint32 of the shape of ``rect``, and which may be extended."""
    if not yields:
        return np.zeros(rect.shape, np.uint32), np.zeros(rect.shape, np.bool_)
    numbers = layer.instances[rect.slices]
    is_locked = np.isin(numbers, sorted(layer.marks.locked))
    return numbers, (numbers > 0) & (layer.labels[rect.slices] == class_id) & ~is_locked


def _beside_others(
    mask: Mask, new: Instances, others: tuple[Instances, Mask], number: int
) -> tuple[Mask, int]:
    """What a proposal gets of its pixels, and its number: that of the object that it extends, or a free one.

    Args:
        mask: the proposal.
        new: numbers of proposals before it, uint32 of its shape.
        others: see `_others`.
        number: that is free.
    """
    there, may_grow = others
    taken = np.where(new > 0, new, there)
    found, counts = np.unique(taken[mask & ((new > 0) | may_grow)], return_counts=True)
    if len(found) and 2 * counts.max() >= np.count_nonzero(mask):
        number = int(found[counts.argmax()])
    free = mask & (taken == 0)
    return free & without_crumbs(free | (taken == number)), number


def accept_candidates(
    source: MaskSource,
    image_id: str,
    candidates: Sequence[ObjectCandidate],
    class_id: int,
    *,
    protect_others: bool = False,
) -> MaskPatch | None:
    """The step that makes objects of candidates, each with a number of its own.

    Objects that are there keep their pixels, and so do locked classes; a candidate that is left with less than half
    of itself is dropped.

    Args:
        source: what is edited.
        image_id: the image.
        candidates: the best first: of two that overlap the first keeps the pixels.
        class_id: of the objects.
        protect_others: whether pixels of other classes stay, objects or not.

    Returns:
        The step; None if nothing would change.
    """
    layer = source.masks.layer(image_id)
    rect = Rect(0, 0, 0, 0)
    for each in candidates:
        rect = rect.union(each.rect)
    if rect.is_empty or class_id in (BACKGROUND, UNLABELLED):
        return None
    area = rect.slices
    labels, before = layer.labels[area], layer.instances[area]
    free = (before == 0) & ~np.isin(labels, tuple(source.classes.locked_ids))
    if protect_others:
        free &= np.isin(labels, (BACKGROUND, UNLABELLED, class_id))
    first = next_instance(source, image_id)
    numbers = candidate_numbers([_moved(each, rect) for each in candidates], rect.shape, free, first)
    is_new = numbers > 0
    return values_patch(
        source,
        image_id,
        rect,
        np.where(is_new, np.uint8(class_id), labels),
        np.where(is_new, np.uint8(Provenance.CLICKED), layer.provenance[area]),
        np.where(is_new, numbers, before),
        f"Accept {int(numbers.max(initial=0)) - first + 1 if is_new.any() else 0} objects",
    )


def _moved(each: ObjectCandidate, window: Rect) -> ObjectCandidate:
    """The same in pixels of a window that holds it."""
    rect = each.rect
    row, col = window.row0, window.col0
    moved = Rect(rect.row0 - row, rect.col0 - col, rect.row1 - row, rect.col1 - col)
    return replace(each, rect=moved)


def accept_prediction(
    source: MaskSource, image_id: str, within: tuple[Rect, Mask] | None = None
) -> MaskPatch | None:
    """The step that accepts the prediction wherever nothing is labelled.

    Args:
        source: what is edited.
        image_id: the image; without a prediction, the rest of it becomes background.
        within: only this area; None for the whole image.
    """
    layer = source.masks.layer(image_id)
    rect = Rect.whole(layer.shape) if within is None else within[0]
    if rect.is_empty:
        return None
    area = rect.slices
    labels, provenance = layer.labels[area], layer.provenance[area]
    where = labels == UNLABELLED
    if within is not None:
        where &= within[1]
    prediction = source.predictions.of(image_id)
    said = np.uint8(BACKGROUND) if prediction is None else prediction.labels[area]
    instances = None
    if prediction is not None and prediction.instances is not None:
        is_object = where & (said != BACKGROUND)
        numbers = taken_over(prediction.instances[area], is_object, next_instance(source, image_id))
        instances = np.where(where, numbers, layer.instances[area])
    return values_patch(
        source,
        image_id,
        rect,
        np.where(where, said, labels),
        np.where(where, np.uint8(Provenance.PREDICTED), provenance),
        instances,
        "Accept prediction",
    )


def _class_name(source: MaskSource, class_id: int) -> str:
    return "nothing" if class_id == UNLABELLED else source.classes[class_id].name
