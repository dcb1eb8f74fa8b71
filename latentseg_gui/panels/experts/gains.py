"""Knock-out, solo and boost as factors per expert, or per attention head of one; what is not named keeps 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.experts.experts import Gains

Table = NDArray[np.float32]
Shape = tuple[int, int]
"""(heads, K)."""


@dataclass(frozen=True, slots=True)
class Where:
    """What an intervention is about.

    Attributes:
        expert: an expert; None for all of them.
        heads: attention heads; None for all of them.
    """

    expert: int | None
    heads: tuple[int, ...] | None = None

    def mask(self, shape: Shape) -> NDArray[np.bool_]:
        """True for what is meant, bool [heads, K]."""
        mask = np.zeros(shape, np.bool_)
        rows = slice(None) if self.heads is None else [each for each in self.heads if each < shape[0]]
        mask[rows, slice(None) if self.expert is None else self.expert] = True
        return mask


def table_of(gains: Gains, shape: Shape) -> Table:
    """One factor for every head of every expert, float32 [heads, K]; what is said of a head counts more."""
    table = np.ones(shape, np.float32)
    for key in sorted(gains, key=lambda key: isinstance(key, tuple)):
        head, expert = key if isinstance(key, tuple) else (slice(None), key)
        table[head, expert] = gains[key]
    return table


def gains_of(table: Table) -> Gains:
    """The shortest way to say ``table``: by expert where its heads are alike."""
    gains: Gains = {}
    for expert, column in enumerate(table.T):
        if (column == column[0]).all():
            gains[expert] = float(column[0])
        else:
            gains |= {(head, expert): float(gain) for head, gain in enumerate(column)}
    return {key: gain for key, gain in gains.items() if gain != 1.0}


def with_gain(gains: Gains, where: Where, gain: float, shape: Shape) -> Gains:
    """Some heads at another factor."""
    return gains_of(np.where(where.mask(shape), np.float32(gain), table_of(gains, shape)))


def toggled_out(gains: Gains, where: Where, shape: Shape) -> Gains:
    """Some heads knocked out, or back as trained if they were."""
    return with_gain(gains, where, 1.0 if gain_at(gains, where, shape) == 0.0 else 0.0, shape)


def toggled_solo(gains: Gains, where: Where, shape: Shape) -> Gains:
    """Everything else knocked out; all as trained if it was."""
    if is_solo(gains, where, shape):
        return {}
    return gains_of(where.mask(shape).astype(np.float32))


def is_solo(gains: Gains, where: Where, shape: Shape) -> bool:
    """Whether all but this is knocked out."""
    mask, table = where.mask(shape), table_of(gains, shape)
    return bool(not mask.all() and (table[mask] != 0).all() and (table[~mask] == 0).all())


def gain_at(gains: Gains, where: Where, shape: Shape) -> float | None:
    """The factor of some heads; None where they differ."""
    values = table_of(gains, shape)[where.mask(shape)]
    return float(values[0]) if values.size and (values == values[0]).all() else None
