"""File names: how they are shown, and which ones can be used everywhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{n}" for n in range(1, 10)),
    *(f"lpt{n}" for n in range(1, 10)),
}
_MAX_STEM_BYTES = 180
_DIGEST = re.compile(r"(?=[0-9]*[a-f])[0-9a-f-]{12,}(?=\.|$)")


def shown(path: Path | str) -> str:
    """The path as text that can be displayed and logged; bytes that are no text become "�"."""
    return os.fsencode(path).decode("utf-8", errors="replace")


def real(path: Path) -> Path:
    """The path with all links followed; of one that leads back to itself, itself.

    `Path.resolve` raises a RuntimeError there.
    """
    return Path(os.path.realpath(path))


def natural_key(name: str) -> tuple[object, ...]:
    """A key that sorts "image 2" before "image 10", and does not care about case.

    A name of hexadecimal digits, as of a digest or of an identifier, is text: the numbers in it mean nothing.
    """
    if _DIGEST.match(name.casefold()):
        return ((1, 0, name.casefold()),)
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def safe_stem(name: str) -> str:
    """``name`` with what some file systems refuse replaced; never empty, never longer than 180 bytes."""
    text = re.sub(r'[\x00-\x1f<>:"/\\|?*\ud800-\udfff]', "_", name).strip(" .") or "_"
    if text.split(".")[0].casefold() in _RESERVED:
        text = f"_{text}"
    while len(text.encode("utf-8")) > _MAX_STEM_BYTES:
        text = text[:-1]
    return text


def unique_stems(names: list[str]) -> list[str]:
    """`safe_stem` of each name, folder by folder, numbered where two would be the same file.

    Case does not count.
    """
    taken: set[str] = set()
    stems = []
    for name in names:
        stem = candidate = "/".join(safe_stem(part) for part in name.split("/"))
        number = 2
        while candidate.casefold() in taken:
            candidate = f"{stem} ({number})"
            number += 1
        taken.add(candidate.casefold())
        stems.append(candidate)
    return stems
