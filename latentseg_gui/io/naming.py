"""What files are called that are written for images: each name belongs to one image, and says which."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from latentseg_gui.io.paths import safe_stem, shown, unique_stems


def page_name(stem: str, frame: int) -> str:
    """The stem of the files of a page: the first has that of the file."""
    return f"{stem}_{frame + 1}" if frame else stem


def picture_name(path: Path, frame: int = 0, root: Path | None = None) -> str:
    """What a picture is called inside mask files: its file, relative to ``root``, and its page."""
    is_inside = root is not None and path.is_relative_to(root)
    name = shown(path.relative_to(root).as_posix() if is_inside and root is not None else path.name)
    return f"{name} [{frame + 1}]" if frame else name


def common_folder(paths: Iterable[Path]) -> Path | None:
    """The innermost folder that all of them are in; None where they have none in common."""
    folders = {path.parent for path in paths if path.is_absolute()}
    if not folders:
        return None
    first, *rest = sorted(folders)
    for candidate in (first, *first.parents):
        if all(folder.is_relative_to(candidate) for folder in rest):
            return candidate
    return None


def folder_beside(images: Path) -> Path:
    """A folder for the masks of images: beside theirs, or in it where no other can be made there.

    Nothing goes among the files of the program itself, where the samples are: those have one in the home folder.
    """
    if any(images.is_relative_to(each) for each in (sys.prefix, Path(__file__).parents[2])):
        return Path.home() / f"{images.name} masks"
    can_be_made = os.access(images.parent, os.W_OK)
    return images.with_name(f"{images.name} masks") if can_be_made else images / "masks"


def stems_of(pages: Sequence[tuple[Path, int]], root: Path | None = None) -> list[str]:
    """Names without ending for the files of pictures, with "/" where they lie in a folder of their own.

    The stem of an image alone where no other has it ("img"); else with its folder ("sub/img"); where that is
    not enough, with its ending and page ("img.jpg", "img.tif [2]"). Importing finds the image by any of them.

    Args:
        pages: files and pages of them, from 0.
        root: the folder that names are relative to; the innermost that holds all of them if None.
    """
    base = root or common_folder(path.absolute() for path, _ in pages)
    ways = [_ways(path if root else path.absolute(), frame, base) for path, frame in pages]
    level = [0] * len(pages)
    while True:
        names = [each[at] for each, at in zip(ways, level, strict=True)]
        same = _clashing(names)
        rising = [index for index in same if level[index] < len(ways[index]) - 1]
        if not rising:
            return unique_stems(names) if same else names
        for index in rising:
            level[index] += 1


def _clashing(names: Sequence[str]) -> list[int]:
    """Which names others have too; of those that differ in capitals only the first may keep its own."""
    exact, loose = Counter(names), Counter(name.casefold() for name in names)
    seen: set[str] = set()
    found = []
    for index, name in enumerate(names):
        is_first = name.casefold() not in seen
        seen.add(name.casefold())
        if exact[name] > 1 or (loose[name.casefold()] > 1 and not is_first):
            found.append(index)
    return found


def _ways(path: Path, frame: int, base: Path | None) -> tuple[str, ...]:
    """The names that a picture may get, the shortest first."""
    is_inside = base is not None and path.is_relative_to(base)
    place = path.relative_to(base).parent if is_inside and base is not None else Path()
    folders = [safe_stem(part) for part in place.parts]
    short = safe_stem(page_name(path.stem, frame))
    whole = safe_stem(picture_name(path, frame))
    return short, str(PurePosixPath(*folders, short)), str(PurePosixPath(*folders, whole))
