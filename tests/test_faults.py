"""The lists of faults and of planted ones name tests that exist, and every row has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
GROUPS = {"S": (1, 18), "I": (1, 11), "M": (1, 19), "W": (1, 10), "T": (0, 13)}
"""The first number of each group, and how many there were to begin with; rows are added, and none goes."""

PLANTED = 72


def rows_of(name: str) -> list[str]:
    """The rows of the table of a document, without its head."""
    lines = (TESTS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ")][1:]


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split(" | ")]


def missing(row: str) -> list[str]:
    """What a row names as tests and is none."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row)
    return [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^(async )?(def {name}\(|{name} = )", _text(path), re.MULTILINE)
    ] or ([] if named else ["no test"])


def _text(path: str) -> str:
    file = TESTS / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def test_every_fault_has_a_test_that_exists() -> None:
    rows = rows_of("FAULTS.md")
    names = [cells(row)[0] for row in rows]
    for group, (first, count) in GROUPS.items():
        numbers = [name for name in names if name.startswith(f"{group}-")]
        in_order = [f"{group}-{number:02}" for number in range(first, first + len(numbers))]
        assert numbers == in_order, "in order, no gap, none twice"
        assert len(numbers) >= count
    assert {name.partition("-")[0] for name in names} == set(GROUPS)
    assert {cells(row)[0]: missing(row) for row in rows if missing(row)} == {}


def test_every_planted_fault_is_of_a_file_and_seen_by_a_test_that_exist() -> None:
    rows = rows_of("MUTANTS.md")
    assert len(rows) >= PLANTED
    assert len({tuple(cells(row)[:2]) for row in rows}) == len(rows), "none twice"
    assert {row: missing(row) for row in rows if missing(row)} == {}
    gone = [cells(row)[0] for row in rows if not (TESTS.parent / cells(row)[0].strip("`")).is_file()]
    assert gone == []


@pytest.mark.parametrize("row", ["| A | b | `io/test_images.py::test_that_is_none` |", "| A | b | nothing |"])
def test_a_row_without_a_test_is_seen(row: str) -> None:
    assert missing(row)
