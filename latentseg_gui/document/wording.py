"""Lists of names in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

FEW: Final = 5
"""More names than these make a sentence that nobody reads."""


def listed(names: Sequence[str], *, few: int = FEW) -> str:
    """Names with commas between them; of more than ``few`` the first, and how many more there are."""
    rest = f" and {len(names) - few:,} more" if len(names) > few else ""
    return ", ".join(names[:few]) + rest


def in_quotes(names: Sequence[str]) -> list[str]:
    """Each name in quotation marks."""
    return [f"“{name}”" for name in names]
