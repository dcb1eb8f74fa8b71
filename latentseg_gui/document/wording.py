"""Lists of names, and shares, in sentences."""

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


def percent(share: float, digits: int = 0, *, is_signed: bool = False) -> str:
    """A share of 1 as all of the window writes it, "86 %"; what is there and would read as none is "< 1 %"."""
    least = 10.0**-digits
    if 0 < 100 * share < least / 2 and not is_signed:
        return f"< {least:.{digits}f} %"
    return f"{100 * share:{'+' if is_signed else ''}.{digits}f} %"
