"""The list of faults names tests that exist, and every row has one."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
GROUPS = {"S": 18, "I": 11, "M": 19, "W": 10}
"""How many faults of each group there were to begin with; rows are added, and none goes."""


def test_every_fault_has_a_test_that_exists() -> None:
    text = (TESTS / "FAULTS.md").read_text(encoding="utf-8")
    rows = {
        line.split("|")[1].strip(): line
        for line in text.splitlines()
        if line.startswith(tuple(f"| {group}-" for group in GROUPS))
    }
    for group, count in GROUPS.items():
        numbers = [row for row in rows if row.startswith(f"{group}-")]
        assert numbers == [f"{group}-{number:02}" for number in range(1, len(numbers) + 1)], (
            "in order, no gap"
        )
        assert len(numbers) >= count
    for row, line in rows.items():
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", line)
        assert named, row
        for path, name in named:
            assert f"def {name}(" in (TESTS / path).read_text(encoding="utf-8"), f"{row}: {path}::{name}"
