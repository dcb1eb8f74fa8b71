"""Knock-out, solo and boost as factors per expert; experts not named keep 1, as trained."""

from __future__ import annotations

from collections.abc import Mapping

Gains = dict[int, float]


def with_gain(gains: Mapping[int, float], expert: int, gain: float) -> Gains:
    """One expert at another factor."""
    changed = {key: value for key, value in gains.items() if key != expert}
    if gain != 1.0:
        changed[expert] = gain
    return dict(sorted(changed.items()))


def toggled_out(gains: Mapping[int, float], expert: int) -> Gains:
    """One expert knocked out, or back as trained if it was."""
    return with_gain(gains, expert, 1.0 if gains.get(expert, 1.0) == 0.0 else 0.0)


def toggled_solo(gains: Mapping[int, float], expert: int, count: int) -> Gains:
    """All other experts knocked out; all as trained if they were."""
    if is_solo(gains, expert, count):
        return {}
    return {other: 0.0 for other in range(count) if other != expert}


def is_solo(gains: Mapping[int, float], expert: int, count: int) -> bool:
    """Whether all experts but this one are knocked out."""
    others = (gains.get(other, 1.0) for other in range(count) if other != expert)
    return count > 1 and gains.get(expert, 1.0) != 0.0 and all(gain == 0.0 for gain in others)
