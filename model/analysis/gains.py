"""How strongly experts are read: whole experts and single attention heads, knocked out or boosted. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelError

Head = int | tuple[int, int]
"""An attention head of all experts, or (head, expert)."""

Gains = Mapping[Any, float] | Sequence[float] | Sequence[Sequence[float]] | NDArray[np.floating[Any]]
"""Factors by expert or by (head, expert); or one for each expert, [K]; or for each head of each, [heads, K]."""


def check_gains(
    shape: tuple[int, int],
    experts_off: Iterable[int] = (),
    heads_off: Iterable[Head] = (),
    expert_gains: Gains | None = None,
) -> NDArray[np.float32] | None:
    """Factors on how strongly each expert is read; 1 as trained, 0 knocked out.

    A head of an expert is knocked out wherever that head reads experts: where experts exchange and where pixels
    mix. So all heads of an expert together are the expert.

    Args:
        shape: (heads, K) of the network.
        experts_off: experts to remove.
        heads_off: heads to remove.
        expert_gains: factors; what is named for a head counts more than what is named for its expert.

    Returns:
        float32 [K] where all heads are alike, else [heads, K]; None where all are 1.

    Raises:
        ModelError: no such expert or head, or a factor below 0.
    """
    gains = _table(shape, expert_gains)
    for expert in experts_off:
        gains[_place(expert, shape)] = 0
    for head in heads_off:
        gains[_place(head if isinstance(head, tuple) else (head, None), shape)] = 0
    if not np.isfinite(gains).all() or (gains < 0).any():
        raise ModelError("Gains of experts must be numbers from 0 upwards.", action="0 switches one off.")
    if (gains == 1).all():
        return None
    return gains[0] if (gains == gains[0]).all() else gains


def _table(shape: tuple[int, int], given: Gains | None) -> NDArray[np.float32]:
    gains = np.ones(shape, dtype=np.float32)
    if isinstance(given, Mapping):
        for key in sorted(given, key=lambda key: isinstance(key, tuple)):
            gains[_place(key, shape)] = given[key]
    elif given is not None:
        values = np.asarray(given, dtype=np.float32)
        if values.shape not in (shape, shape[1:]):
            raise ModelError(
                f"The gains have the shape {list(values.shape)}; there are {shape[1]} experts with "
                f"{shape[0]} heads.",
                action="Give one for each expert, or one for each head of each.",
            )
        gains[:] = values
    return gains


def _place(key: Any, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Where the gains of an expert, or of (head, expert), stand in the table; None is all of them."""
    head, expert = key if isinstance(key, tuple) else (None, key)
    for index, count, what in ((head, shape[0], "head"), (expert, shape[1], "expert")):
        if index is not None and not 0 <= index < count:
            raise ModelError(
                f"There is no {what} {index}: this network has {count}, counted from 0.",
                action="Choose another.",
            )
    return (slice(None) if head is None else head), (slice(None) if expert is None else expert)
