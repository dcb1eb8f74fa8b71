"""The window stays alive while the model learns: painting is hardly later than with nothing beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.heartbeat import Hand, Heart, begin, end
from tests.e2e.person import Person

SECONDS = 2.0
TRIES = 3
P99_MS, WORST_MS = 30.0, 100.0


def lateness(heart: Heart) -> tuple[float, float]:
    """The 99th percentile of how late the timer was, and the most that the window's thread worked in between."""
    return float(np.percentile(heart.late_ms, 99)), max(heart.own_ms)


@pytest.mark.parametrize("speed", ["live", "quick", "thorough"])
def test_painting_goes_on_while_the_model_learns(person: Person, skimage_photo: Path, speed: str) -> None:
    """M-14: p99 below 30 ms, or no more than twice what the machine does by itself; the best of three."""
    person.open(skimage_photo)
    person.wait_for_prediction()
    person.choose("tool_brush")
    person.session.tool.set_diameter(20)
    heart = Heart(Hand(person, side=256))
    heart.measure(SECONDS)
    tries = []
    for _ in range(TRIES):
        heart.measure(SECONDS)
        idle, _ = lateness(heart)
        begin(person.session, speed)
        heart.measure(SECONDS)
        tries.append((*lateness(heart), idle))
        end(person.session, speed)
        late, own, _ = tries[-1]
        if late < max(P99_MS, 2 * idle) and own < WORST_MS:
            return
    pytest.fail(f"late p99, own work, idle p99 in ms: {tries}")
