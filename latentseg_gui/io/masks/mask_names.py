"""What people and programs add to the names of images and of their masks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from latentseg_gui.io.masks.values import Numbers

_ENDINGS: Final = (
    "cp_masks",
    "mask",
    "masks",
    "label",
    "labels",
    "seg",
    "segmentation",
    "gt",
    "ground_truth",
    "groundtruth",
    "annotation",
    "annotations",
    "annotated",
    "annot",
    "binary",
    "manual",
    "manual1",
    "pred",
    "prediction",
    "instances",
    "labelids",
    "objects",
    "matte",
    "trimap",
    "gtfine_labelids",
    "gtfine_labeltrainids",
    "gtfine_instanceids",
    "gtfine_color",
    "gtcoarse_labelids",
    "gtcoarse_labeltrainids",
    "gtcoarse_instanceids",
    "gtcoarse_color",
    "gtfine_polygons",
    "cp_outlines",
    "l",
)
_FRONTS: Final = ("mask", "masks", "label", "labels", "seg", "gt", "annotation")
_IMAGE_ENDINGS: Final = ("leftimg8bit", "image", "img", "rgb", "sat")
_IMAGE_FRONTS: Final = ("image", "img", "im")
_SECOND: Final = ("instanceids", "labeltrainids", "_seg")
_LAST: Final = (
    "_color",
    "_colour",
    "_overlay",
    "_outlines",
    "_flows",
    "_polygons",
    "_preview",
    "_vis",
    "_viz",
)
_OF_OBJECTS: Final = ("_cp_masks", "_instances", "_objects")
_OF_CLASSES: Final = ("labelids", "labeltrainids")
_JOINTS: Final = "_-. "
_NUMBERED: Final = re.compile(
    r"(.+?)[_\-. ](?:obj(?:ect)?[_\-. ]?|inst(?:ance)?[_\-. ]?|mask[_\-. ]?)?\d+$", re.I
)


def bare_names(name: str) -> Iterator[str]:
    """The name, and what is left of it without what people add to names of masks, one after the other."""
    yield name
    for _ in range(2):
        shorter = _without_ending(name, _ENDINGS)
        shorter = _without_front(name, _FRONTS) if shorter == name else shorter
        if shorter == name:
            return
        name = shorter
        yield name


def bare_image(stem: str) -> str:
    """The stem of an image without what says that it is one: "street_leftImg8bit"."""
    shorter = _without_ending(stem, _IMAGE_ENDINGS)
    return _without_front(stem, _IMAGE_FRONTS) if shorter == stem else shorter


def numberless(name: str) -> str | None:
    """The name without the number of an object at its end; None where it has none."""
    shorter = _without_ending(name, _ENDINGS)
    found = _NUMBERED.fullmatch(shorter)
    return found.group(1) if found else None


def doubt_of(stem: str) -> int:
    """Which of several masks of one image is meant: those for machines before those for eyes."""
    name = stem.casefold()
    if name.endswith(_LAST):
        return 2
    return 1 if name.endswith(_SECOND) else 0


def numbers_of(stem: str) -> Numbers | None:
    """What a name says that the numbers in a mask are; None where it says nothing."""
    name = stem.casefold()
    if name.endswith(_OF_OBJECTS):
        return Numbers.OBJECTS
    return Numbers.CLASSES if name.endswith(_OF_CLASSES) else None


def _without_ending(name: str, endings: tuple[str, ...]) -> str:
    for ending in sorted(endings, key=len, reverse=True):
        head, joint = name[: -len(ending) - 1], name[-len(ending) - 1 : -len(ending)]
        if head and joint in _JOINTS and name.casefold().endswith(ending):
            return head
    return name


def _without_front(name: str, fronts: tuple[str, ...]) -> str:
    for front in sorted(fronts, key=len, reverse=True):
        rest = name[len(front) + 1 :]
        if rest and name[len(front)] in _JOINTS and name.casefold().startswith(front):
            return rest
    return name
