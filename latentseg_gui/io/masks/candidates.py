"""Masks for many images at once, and which image each of them belongs to, by name."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from latentseg_gui.io.images.reading import SUFFIXES
from latentseg_gui.io.masks.joining import joined_reading
from latentseg_gui.io.masks.mask_names import bare_image, bare_names, numberless
from latentseg_gui.io.masks.values import ImportContext, ImportedMask

Size = tuple[int, int] | None


def _unknown_size() -> Size:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A mask that may belong to one of the images.

    Attributes:
        name: what the image is called there: a path with "/"; where the mask has a file of its own, that
            file's name, without its ending.
        label: what to call the mask, for the user.
        path: the file that it is in.
        read: reads it for an image.
        size: (rows, columns), as far as that can be known without reading it; else None.
        is_picture: whether it might as well be a picture that has nothing to do with masks.
        also: other names that the image may have, if there is none of ``name``.
        doubt: of several masks of an image the one with the least is meant: 0 for most.
    """

    name: str
    label: str
    path: Path
    read: Callable[[ImportContext], ImportedMask]
    size: Callable[[], Size] = _unknown_size
    is_picture: bool = False
    also: tuple[str, ...] = ()
    doubt: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """An image that masks are looked for.

    Attributes:
        key: by which the caller knows it.
        name: its path with "/", page included.
        stem: of the files that are written for it.
    """

    key: str
    name: str
    stem: str


@dataclass(frozen=True, slots=True)
class Matching:
    """Which mask belongs to which image.

    Attributes:
        pairs: masks with the keys of their images, in the order of the images.
        unclear: (mask or image, what it could belong to), for the user.
        strangers: masks of no image that was asked for.
    """

    pairs: tuple[tuple[Candidate, str], ...]
    unclear: tuple[tuple[str, tuple[str, ...]], ...]
    strangers: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a mask fits an image: (way of comparing, folders that agree, same place); more is better."""

    candidate: Candidate
    target: Target
    rank: tuple[int, int, bool]


def match(candidates: Iterable[Candidate], targets: Sequence[Target]) -> Matching:
    """Pair masks with images of the same name; folders decide where several have it.

    Names are compared as they are, then without ending, then without what people add to names of masks
    and images ("photo_mask.png", "street_leftImg8bit.png"), then all of this without heed to capitals. Masks
    of single objects ("photo_0.png", "photo_1.png", or whatever lies in a folder "photo") are joined where no
    image has such a name.
    """
    index = _Index(targets)
    unclear: list[tuple[str, tuple[str, ...]]] = []
    strangers: list[Candidate] = []
    fits: dict[str, list[_Fit]] = defaultdict(list)
    parts: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        best = _best(index.fits(candidate))
        if not best:
            owner = index.owner(candidate)
            (strangers if owner is None else parts[owner.key]).append(candidate)
        elif len(best) > 1:
            unclear.append((candidate.label, tuple(fit.target.name for fit in best)))
        else:
            fits[best[0].target.key].append(best[0])
    pairs: list[tuple[Candidate, str]] = []
    for target in targets:
        found, others = _chosen(fits.get(target.key, []), parts.get(target.key, []))
        strangers += others
        if len(found) > 1:
            unclear.append((target.name, tuple(each.label for each in found)))
        elif found:
            pairs.append((found[0], target.key))
    return Matching(tuple(pairs), tuple(unclear), tuple(strangers))


def _chosen(fits: list[_Fit], parts: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """The masks that may be meant, and the others; parts are joined where there is no whole."""
    if parts and not fits:
        return [joined_masks(parts)], []
    best = _preferred(_best(fits))
    return [fit.candidate for fit in best], [fit.candidate for fit in fits if fit not in best] + parts


def joined_masks(parts: Sequence[Candidate]) -> Candidate:
    """One mask of files with an object each."""
    first = parts[0]
    return Candidate(
        name=first.name,
        label=f"{first.label} and {len(parts) - 1} more" if len(parts) > 1 else first.label,
        path=first.path,
        read=joined_reading([(part.label, part.read) for part in parts]),
        size=first.size,
        is_picture=True,
    )


class _Index:
    """Images by the several ways to write their names."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._by: list[dict[str, list[Target]]] = [defaultdict(list) for _ in range(6)]
        folders = {os.path.dirname(target.name) for target in targets}
        is_one_tree = len({os.path.isabs(folder) for folder in folders}) == 1
        self._root = PurePosixPath(os.path.commonpath(folders) if is_one_tree else "")
        for target in targets:
            file = PurePosixPath(target.name).name
            for way, key in enumerate((file, target.stem, bare_image(target.stem))):
                self._by[way][key].append(target)
                self._by[way + 3][key.casefold()].append(target)

    def _is_at(self, place: PurePosixPath, target: Target) -> bool:
        """Whether an image lies in a folder, as seen from the one that holds all of them."""
        return PurePosixPath(target.name).parent == self._root / place

    def fits(self, candidate: Candidate) -> list[_Fit]:
        """The images that have its name in the strictest of the ways in which any has."""
        names = (candidate.name, *candidate.also)
        ways = ((name, way, key) for name in names for way, key in _keys(name))
        for rank, (name, way, key) in enumerate(ways):
            found = self._by[way].get(key)
            if found:
                folders, place = _folders(name), PurePosixPath(name).parent
                return [
                    _Fit(
                        candidate,
                        target,
                        (-rank, _agreement(folders, _folders(target.name)), self._is_at(place, target)),
                    )
                    for target in found
                ]
        return []

    def owner(self, candidate: Candidate) -> Target | None:
        """The image of which it shows a single object: by a number at the end of its name, or by its folder."""
        if not candidate.is_picture:
            return None
        place = PurePosixPath(candidate.name)
        names = [numberless(place.name), *reversed(place.parts[:-1])]
        for key in (each for name in names if name for each in bare_names(name)):
            found = self._by[1].get(key) or self._by[2].get(key)
            if found and len(found) == 1:
                return found[0]
        return None


def _keys(name: str) -> list[tuple[int, str]]:
    file = PurePosixPath(name).name
    stem = file[: file.rindex(".")] if file.lower().endswith(SUFFIXES) else file
    bare = [each for each in (*bare_names(stem), *bare_names(file)) if each not in (stem, file)]
    strict = [(0, file), *((1, each) for each in (file, stem, *bare)), *((0, each) for each in bare)]
    strict += [(2, each) for each in (stem, *bare)]
    loose = [(way + 3, key.casefold()) for way, key in strict]
    return [*strict, *loose]


def _folders(name: str) -> list[str]:
    return list(reversed(PurePosixPath(name).parts[:-1]))


def _agreement(one: list[str], other: list[str]) -> int:
    """How many of the innermost folders of two paths are the same."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _best(fits: list[_Fit]) -> list[_Fit]:
    top = max((fit.rank for fit in fits), default=None)
    return [fit for fit in fits if fit.rank == top]


def _preferred(fits: list[_Fit]) -> list[_Fit]:
    """Of several masks those that cannot be mere pictures: a folder may hold copies of the images, too."""
    least = min(((fit.candidate.doubt, fit.candidate.is_picture) for fit in fits), default=None)
    return [fit for fit in fits if (fit.candidate.doubt, fit.candidate.is_picture) == least]
