"""What is in a folder of images: the images, and what is left out of them and why."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from latentseg_gui.document.wording import in_quotes, listed
from latentseg_gui.io.images.image_errors import ImageError
from latentseg_gui.io.paths import natural_key, shown

_USUAL = (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".webp")
_RARE = (".mpo", ".avif", ".avifs", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")
_PLAIN = (".pnm", ".pbm", ".pgm", ".ppm", ".pfm")
SUFFIXES: Final = (*_USUAL, *_RARE, *_PLAIN)
"""Endings of files that can be images, in lower case: of all lists and dialogs the one source."""

_MANIFEST, _MASKS = "project.json", "masks"
_CONTENT: Final = re.compile(r"[0-9a-f]{64}\.png")
"""Masks in a project that lies among images are none of the images."""

MASK_SUFFIXES: Final = (".json", ".geojson", ".npy", ".npz", ".txt")
"""Endings of files that can be masks, but no images."""

MASK_ENDING: Final = "_mask"
"""What the name of a mask has after that of the image that it was saved beside."""

_PHOTOS = (
    ".heic",
    ".heif",
    ".jxl",
    ".jxr",
    ".psd",
    ".xcf",
    ".svg",
    ".eps",
    ".ico",
    ".tga",
    ".exr",
    ".hdr",
    ".qoi",
)
_CAMERAS = (".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")
_MICROSCOPES = (".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lsm", ".ims", ".dm3", ".dm4", ".mrc")
_SCANNERS = (
    ".dcm",
    ".nii",
    ".nrrd",
    ".mha",
    ".mhd",
    ".svs",
    ".ndpi",
    ".mrxs",
    ".scn",
    ".bif",
    ".fits",
    ".fit",
)
_MAPS = (".sid", ".ecw", ".img", ".vrt", ".nc", ".hdf", ".h5", ".zarr")
_FOREIGN: Final = (*_PHOTOS, *_CAMERAS, *_MICROSCOPES, *_SCANNERS, *_MAPS)
_NAMED: Final = 4

Reason = Literal["mask", "foreign", "other", "strange", "closed", "link"]
_Kind = Literal["folder", "image"] | Reason


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a folder that is not taken for an image.

    Attributes:
        path: the file or folder.
        reason: "mask": it can be one, but no image; "foreign": an image of a kind that is not read; "other":
            no image; "strange": a pipe, a device, or a link that leads nowhere; "closed": a folder that may
            not be read; "link": a link to a folder, which may lead round in a circle.
    """

    path: Path
    reason: Reason


@dataclass(frozen=True, slots=True)
class Listing:
    """The images of a folder and the folders in it, by name, and everything else that is not hidden."""

    images: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def listing(folder: Path) -> Listing:
    """Look through a folder and the folders in it; files are not opened, hidden ones are not mentioned.

    Raises:
        ImageError: if the folder itself cannot be read.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise ImageError(
            f"The folder “{shown(folder.name)}” cannot be read: {error.strerror or 'the system refused it'}.",
            action="Check that it exists and that you may read it.",
            detail=f"{shown(folder)}: {error!r}",
        ) from error
    images, skipped = [], []
    for found in _found(folder):
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            images.append(found)
    return Listing(tuple(images), tuple(skipped))


def list_images(folder: Path) -> tuple[Path, ...]:
    """The images of `listing`.

    Raises:
        ImageError: if the folder itself cannot be read.
    """
    return listing(folder).images


def _found(folder: Path) -> Iterator[Path | Skipped]:
    """Depth first; by a list of what waits, for folders may lie deeper in each other than functions may."""
    waiting = [(folder, False)]
    while waiting:
        place, is_of_project = waiting.pop()
        try:
            with os.scandir(place) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
                kinds = {entry.name: _kind(entry) for entry in visible}
        except OSError:
            yield Skipped(place, "closed")
            continue
        names = sorted(kinds, key=natural_key)
        yield from _files(place, {name: kinds[name] for name in names}, is_of_project)
        waiting += [
            (place / name, is_of_project or (name == _MASKS and _MANIFEST in kinds))
            for name in reversed(names)
            if kinds[name] == "folder"
        ]


def _files(place: Path, kinds: Mapping[str, _Kind], is_of_project: bool) -> Iterator[Path | Skipped]:
    """What lies in one folder, but for the folders in it and, in a project, its masks."""
    for name, kind in kinds.items():
        if kind == "folder":
            continue
        if kind != "image":
            yield Skipped(place / name, kind)
        elif not (is_of_project and _CONTENT.fullmatch(name)):
            yield place / name


def _kind(entry: os.DirEntry[str]) -> _Kind:
    try:
        return _ordinary_kind(entry)
    except OSError:  # a link that leads to itself: it never costs the files beside it
        return "strange"


def _ordinary_kind(entry: os.DirEntry[str]) -> _Kind:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    ending = entry.name.lower()
    if entry.is_symlink() and entry.is_dir():
        return "link"
    if not entry.is_file():
        return "strange"
    if ending.endswith(SUFFIXES):
        return "image"
    if ending.endswith(MASK_SUFFIXES):
        return "mask"
    return "foreign" if ending.endswith(_FOREIGN) else "other"


_SENTENCES: Final[dict[Reason, tuple[str, str]]] = {
    "mask": (
        "1 file that may be a mask: {1}. “Import masks from a folder” in the menu File reads it.",
        "{0} files that may be masks: {1}. “Import masks from a folder” in the menu File reads them.",
    ),
    "foreign": (
        "1 file in a format that is not read: {1}. Convert it to PNG, TIFF or JPEG to open it.",
        "{0} files in a format that is not read: {1}. Convert them to PNG, TIFF or JPEG to open them.",
    ),
    "other": ("1 file that is not an image: {1}.", "{0} files that are not images: {1}."),
    "strange": (
        "1 file that is not an ordinary file, or a link that leads nowhere: {1}.",
        "{0} files that are not ordinary files, or links that lead nowhere: {1}.",
    ),
    "closed": ("1 folder that may not be read: {1}.", "{0} folders that may not be read: {1}."),
    "link": (
        "1 link to a folder: {1}. Open what it leads to.",
        "{0} links to folders: {1}. Open what they lead to.",
    ),
}


def left_out(skipped: Sequence[Skipped]) -> str:
    """Which files were left out and why, in sentences; empty if there were none."""
    said = []
    for reason, (one, many) in _SENTENCES.items():
        paths = [each.path for each in skipped if each.reason == reason]
        if paths:
            said.append((one if len(paths) == 1 else many).format(f"{len(paths):,}", _names(paths)))
    return f"Left out: {' '.join(said)}" if said else ""


def _names(paths: Sequence[Path]) -> str:
    """A few names, then how many more."""
    return listed(in_quotes([shown(path.name) for path in paths]), few=_NAMED)
