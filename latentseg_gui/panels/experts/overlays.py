"""The map that lies over the image, out of the state of the panel."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PySide6.QtCore import QCoreApplication

from latentseg_gui.panels.experts.attention_math import floored
from latentseg_gui.panels.experts.state import ExpertsState
from latentseg_gui.panels.experts.values import ExpertOverlay
from latentseg_gui.panels.experts.words import scale_text


def _tr(text: str) -> str:
    return QCoreApplication.translate("experts", text)


def overlay_of(state: ExpertsState, shown: str | None, row: int, name: str) -> ExpertOverlay | None:
    """What the canvas shall show.

    Args:
        state: maps and view.
        shown: "expert", "territory", "entropy" or None.
        row: the chosen expert, -1 for none.
        name: what it is called.
    """
    if state.maps is None or shown is None:
        return None
    if shown == "expert":
        return _of_expert(state, row, name) if row >= 0 else None
    if state.maps.shares is None:
        return None
    return _of_mix(state, "territory" if shown == "territory" else "entropy")


def _of_expert(state: ExpertsState, row: int, name: str) -> ExpertOverlay:
    low, high = (float(each) for each in state.limits[row])
    finer = state.part_of(row)
    return ExpertOverlay(
        "expert",
        row,
        state.reduced[row],
        (low, high),
        state.choice.colour_map,
        np.zeros((0, 3), np.uint8),
        f"{name}: {scale_text(state)}",
        None if finer is None or state.part is None else (state.part.rect, finer),
    )


def _of_mix(state: ExpertsState, kind: Literal["territory", "entropy"]) -> ExpertOverlay:
    """Territory or indecision."""
    (values, finer), part = state.of_mix(kind), state.part
    over = None if finer is None or part is None else (part.rect, finer)
    if kind == "territory":
        caption = _tr("Territory: the expert with the largest share, mean of the heads")
        return ExpertOverlay(kind, -1, values, (0, 255), "", state.colours, caption, over)
    caption = _tr("Indecision: entropy of the mix, 0 one expert, 1 all alike")
    none = np.zeros((0, 3), np.uint8)
    return ExpertOverlay(kind, -1, values, floored(values), "viridis", none, caption, over)
