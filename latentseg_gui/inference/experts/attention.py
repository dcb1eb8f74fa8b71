"""Attention maps for the window: small enough to cross to it, and with what they say of the experts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.maps import ExpertMaps, ExpertSimilarity, PromptAttention
from latentseg_gui.document.prediction.proposals import PromptSet
from latentseg_gui.inference.pointed import map_rows, pointed
from model.analysis import inspection
from model.prediction.outputs import Attention
from model.prediction.predictor import Predictor

Floats = NDArray[np.float32]

MAX_MAP_VALUES: Final = 64 * 65536
"""Values of one kind of map that are handed to the window: 16 MiB, 16 experts with 4 heads on 1024 x 1024."""

NOTES_KEY: Final = "expert_notes"


def bounded(attention: Attention, max_values: int = MAX_MAP_VALUES) -> Attention:
    """The same maps with fewer, larger tokens where there are more than ``max_values``.

    What sums to 1 still does: a token of ``look`` is the sum, one of ``mix`` the mean of those it is made of.
    """
    *rest, rows, cols = attention.mix.shape
    step = 1
    while math.prod(rest) * -(-rows // step) * -(-cols // step) > max_values and step < max(rows, cols):
        step += 1
    if step == 1:
        return attention
    look, counts = _block_sums(attention.look, step)
    mix, _ = _block_sums(attention.mix, step)
    return replace(attention, look=look, mix=mix / counts, stride=attention.stride * step)


def _block_sums(maps: Floats, step: int) -> tuple[Floats, Floats]:
    """Sums over blocks of ``step`` x ``step`` tokens, and how many tokens a block has; the last may have fewer."""
    rows, cols = (np.arange(0, side, step) for side in maps.shape[-2:])
    sums: Floats = np.add.reduceat(np.add.reduceat(maps, rows, axis=-2), cols, axis=-1)
    heights, widths = np.diff(rows, append=maps.shape[-2]), np.diff(cols, append=maps.shape[-1])
    return sums, (heights[:, None] * widths).astype(np.float32)


def class_attention(
    predictor: Predictor, image_id: str, version: str, maps: Attention | None = None
) -> ExpertMaps:
    """Where the learned experts look and what they explain, on the predictor's present image.

    Args:
        predictor: set to the image.
        image_id: the image.
        version: of the weights.
        maps: of the image, where they are at hand.
    """
    maps = maps or bounded(predictor.attention())
    similarity = similarity_of(inspection.reduce_heads(maps.mix), predictor.expert_vectors())
    return ExpertMaps(image_id, version, maps.look, maps.mix, maps.shape, maps.stride, similarity)


def similarity_of(mix: Floats, vectors: Floats) -> ExpertSimilarity:
    """How alike experts are, by ``mix`` [K, h, w] and ``vectors`` [K, D]."""
    cosine, overlap = inspection.vector_similarity(vectors), inspection.map_overlap(mix)
    findings = inspection.examine(mix, vectors)
    return ExpertSimilarity(
        vectors=vectors,
        cosine=cosine.astype(np.float32),
        overlap=overlap.astype(np.float32),
        order=tuple(inspection.cluster_order((cosine + overlap) / 2)),
        idle=findings.idle,
        twins=findings.twins,
    )


def prompt_attention(
    predictor: Predictor, image_id: str, version: str, prompts: PromptSet, before: Floats | None = None
) -> PromptAttention:
    """What each click or line attends to and how much every pixel owes to it; the learned experts as one row.

    ``before`` is what the answer to the last click went on from: logits [h, w], None where it was the first.
    """
    places, labels, box = pointed(prompts)
    maps = bounded(predictor.prompt_attention(places, labels, box, before))
    learned, rows = predictor.num_experts, map_rows(prompts)
    named = replace(
        prompts, points=tuple(each for each, own in zip(prompts.points, rows, strict=True) if own)
    )
    corners = [] if prompts.box is None else [[-2], [-1]]
    parts = [[row if row < 0 else learned + row for row in own] for own in (*rows, *corners) if own]
    parts.append(list(range(learned)))
    look = np.stack([maps.look[:, part].mean(1) for part in parts], axis=1)
    mix = np.stack([maps.mix[:, part].sum(1) for part in parts], axis=1)
    return PromptAttention(image_id, version, named, look, mix, maps.shape, maps.stride)


def notes_in(provenance: Any) -> dict[int, str]:
    """Notes on experts out of the provenance of a file of weights; what is not a note is left out."""
    table = provenance.get(NOTES_KEY, {}) if isinstance(provenance, dict) else {}
    if not isinstance(table, dict):
        return {}
    return {int(k): v for k, v in table.items() if str(k).isdecimal() and isinstance(v, str)}
