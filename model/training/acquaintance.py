"""Whether what is known of any object knows these ones is asked of the labelled pictures, which it has not seen.

It learned from pictures that are made up (`model.pretraining.objects`), so that numbered objects are held out for it.
It tells those of every picture by itself, before anything is learned, and is heard where it finds enough of them and
little else: nuclei it finds; plates, bottles and feet it cuts to pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from model.analysis.object_metrics import BARS, ObjectTally
from model.analysis.objects import ObjectOptions, objects_of
from model.networks.detail_head import Levels
from model.networks.known_objects import KnownObjects
from model.training.evidence import JUDGED
from model.training.session import TrainingSession

LEAST_FOUND: Final = 0.5
"""F1 at an IoU of one half. In draws of four pictures: nuclei .67 to .81, plates at most .29, bottles and feet .13."""

MOST_OFF: Final = 0.5
"""How far counts may be off, in parts of the true number. Nuclei: .17 at most; fruit, which it finds and sees in leaves
and dishes as well, .7 to 3.4; plates from 3.7 on.
"""

LATEST: Final = 0.3
"""Share of the time by which it must be asked; later, what held before goes on."""

MOST_SIDE: Final = 512
"""Of a picture that is told, in pixels; of a larger one a part with objects in the middle."""

ALIGN: Final = 16


def ask_known_objects(session: TrainingSession) -> Iterator[str]:
    """Set whether what is known of any object is heard; needs encoded pictures, and nothing learned from them yet."""
    known = session.network.known_objects
    session.hears_objects = session.network.detail_config.known_objects > 0
    if len(session.things) != 1 or session.clock.fraction > LATEST or session.processes.size > 1:
        return
    tally = ObjectTally()
    for index in range(min(JUDGED, session.encoded)):
        if known is not None and session.object_class is not None:
            _tell(session, known, index, tally)
        yield "asking what is known"
    session.hears_objects = tally.f1(BARS[0]) >= LEAST_FOUND and tally.count_off <= MOST_OFF


@torch.no_grad()
def _tell(session: TrainingSession, known: KnownObjects, index: int, tally: ObjectTally) -> None:
    """Count what it finds in a picture; where nobody said what there is, nothing counts."""
    view, truth = session.views[index], session.pictures[index].objects
    if view.targets is None or truth is None or not bool(truth.any()):
        return
    place = _part(truth)
    levels = session.with_answers(view.features.levels, view.features.experts)
    with session.autocast():
        logit, depth = known(_cropped(levels, place))
    rows, cols = place
    truth, is_known = truth[rows, cols], view.targets[1, rows, cols] > 0  # [h, w]
    chance, deep = (
        torch.sigmoid(each[0, 0, : truth.shape[0], : truth.shape[1]]).cpu().numpy() for each in (logit, depth)
    )
    options = ObjectOptions()
    inside = (chance >= options.threshold) & is_known[: truth.shape[0], : truth.shape[1]].numpy()
    tally.add(truth.numpy(), objects_of(inside, np.asarray(deep, np.float32), options))


def _part(objects: Tensor) -> tuple[slice, slice]:
    """Rows and columns of at most `MOST_SIDE` pixels, with the middle of the numbered ones as near as may be."""
    parts = []
    for middle, length in zip(objects.nonzero().double().mean(0).tolist(), objects.shape, strict=True):
        start = max(0, min(round(middle) - MOST_SIDE // 2, length - MOST_SIDE)) // ALIGN * ALIGN
        parts.append(slice(start, start + MOST_SIDE))
    return parts[0], parts[1]


def _cropped(levels: Levels, place: tuple[slice, slice]) -> Levels:
    """Levels of a part of a picture, whose edges are multiples of `ALIGN`."""
    height = levels.fine.shape[-2]

    def part(level: Tensor) -> Tensor:
        stride = height // level.shape[-2]
        rows, cols = (slice(each.start // stride, each.stop // stride) for each in place)
        return level[..., rows, cols]

    decided = None if levels.decided is None else part(levels.decided)
    return replace(Levels.of(part(level) for level in levels.maps), decided=decided)
