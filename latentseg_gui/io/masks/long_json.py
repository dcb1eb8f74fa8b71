"""A JSON object with a very long list in it, taken apart entry by entry.

Parsed as a whole, a file of COCO's takes ten times its size in memory, and the window stands still while the
garbage collector looks through it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_PLACE = tuple[Any, int]


def split(text: str, key: str, take: Callable[[Any, str], None]) -> Any:
    """Parse ``text``, but hand the entries of its list ``key`` over one by one instead of keeping them.

    Args:
        text: the file.
        key: of the list, at the top level.
        take: called with every entry of it, parsed and as text.

    Returns:
        The rest: the list is there, empty.

    Raises:
        ValueError: if it is not JSON.
    """
    start = _after(text, 0)
    decode = json.JSONDecoder().raw_decode
    if text[start : start + 1] != "{":
        return json.loads(text)
    found: dict[str, Any] = {}
    place = _after(text, start + 1)
    while text[place : place + 1] != "}":
        name, place = decode(text, place)
        if not isinstance(name, str):
            raise ValueError("a key that is not text")
        place = _after(text, _expected(text, place, ":"))
        if name == key and text[place : place + 1] == "[":
            found[name], place = [], _entries(text, place + 1, decode, take)
        else:
            found[name], place = decode(text, place)
        place = _after(text, place)
        if text[place : place + 1] != "}":
            place = _after(text, _expected(text, place, ","))
    if _after(text, place + 1) != len(text):
        raise ValueError("something follows the end")
    return found


def _entries(
    text: str, place: int, decode: Callable[[str, int], _PLACE], take: Callable[[Any, str], None]
) -> int:
    """Take entries until the list ends; where that is."""
    place = _after(text, place)
    while text[place : place + 1] != "]":
        entry, end = decode(text, place)
        take(entry, text[place:end])
        place = _after(text, end)
        if text[place : place + 1] != "]":
            place = _after(text, _expected(text, place, ","))
    return place + 1


def _expected(text: str, place: int, mark: str) -> int:
    """The place after ``mark``."""
    place = _after(text, place)
    if text[place : place + 1] != mark:
        raise ValueError(f"{mark!r} expected at {place}")
    return place + 1


def _after(text: str, place: int) -> int:
    """The place after white space."""
    match = _SPACE.match(text, place)
    return place if match is None else match.end()
