"""Masks for many images at once, and which image each of them belongs to, by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from latentseg_gui.io.images import SUFFIXES
from latentseg_gui.io.masks.values import ImportContext, ImportedMask

Size = tuple[int, int] | None

_ENDINGS = (
    "mask",
    "masks",
    "label",
    "labels",
    "seg",
    "gt",
    "annotation",
    "annotations",
    "labelids",
    "objects",
)


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
    """

    name: str
    label: str
    path: Path
    read: Callable[[ImportContext], ImportedMask]
    size: Callable[[], Size] = _unknown_size
    is_picture: bool = False


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
    """How well a mask fits an image: (way of comparing, folders that agree); more is better."""

    candidate: Candidate
    target: Target
    rank: tuple[int, int]


def match(candidates: Iterable[Candidate], targets: Sequence[Target]) -> Matching:
    """Pair masks with images of the same name; folders decide where several have it.

    Names are compared as they are, then without ending, then without what people add to names of masks
    ("photo_mask.png"), then all of this without heed to capitals.
    """
    index = _Index(targets)
    unclear: list[tuple[str, tuple[str, ...]]] = []
    strangers: list[Candidate] = []
    fits: dict[str, list[_Fit]] = defaultdict(list)
    for candidate in candidates:
        best = _best(index.fits(candidate))
        if not best:
            strangers.append(candidate)
        elif len(best) > 1:
            unclear.append((candidate.label, tuple(fit.target.name for fit in best)))
        else:
            fits[best[0].target.key].append(best[0])
    pairs: list[tuple[Candidate, str]] = []
    for target in targets:
        best = _preferred(_best(fits.get(target.key, [])))
        strangers += [fit.candidate for fit in fits.get(target.key, []) if fit not in best]
        if len(best) > 1:
            unclear.append((target.name, tuple(fit.candidate.label for fit in best)))
        elif best:
            pairs.append((best[0].candidate, target.key))
    return Matching(tuple(pairs), tuple(unclear), tuple(strangers))


class _Index:
    """Images by the several ways to write their names."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._by: list[dict[str, list[Target]]] = [defaultdict(list) for _ in range(4)]
        for target in targets:
            file = PurePosixPath(target.name).name
            for ways, key in ((0, file), (1, target.stem), (2, file.casefold()), (3, target.stem.casefold())):
                self._by[ways][key].append(target)

    def fits(self, candidate: Candidate) -> list[_Fit]:
        """The images that have its name in the strictest of the ways in which any has."""
        for rank, (way, key) in enumerate(_keys(candidate)):
            found = self._by[way].get(key)
            if found:
                folders = _folders(candidate.name)
                return [
                    _Fit(candidate, target, (-rank, _agreement(folders, _folders(target.name))))
                    for target in found
                ]
        return []


def _keys(candidate: Candidate) -> list[tuple[int, str]]:
    file = PurePosixPath(candidate.name).name
    stem = file[: file.rindex(".")] if file.lower().endswith(SUFFIXES) else file
    names = (file, stem, _bare(file))
    strict = [(0, file), *((1, name) for name in names), (0, names[2])]
    loose = [(way + 2, name.casefold()) for way, name in strict]
    return [*strict, *loose]


def _bare(name: str) -> str:
    """Without what people add to the names of masks."""
    for ending in _ENDINGS:
        head, joint = name[: -len(ending) - 1], name[-len(ending) - 1 : -len(ending)]
        if head and joint in "_-. " and name.casefold().endswith(ending):
            return head
    return name


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
    sure = [fit for fit in fits if not fit.candidate.is_picture]
    return sure or fits
