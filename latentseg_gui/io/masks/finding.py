"""Which masks there are in a folder, laid out as any of the formats, or in a file that holds many."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from latentseg_gui.io.masks import coco, voc
from latentseg_gui.io.masks.candidates import Candidate, Size
from latentseg_gui.io.masks.reading import (
    IMPORT_SUFFIXES,
    checked,
    contents,
    import_mask,
    readable,
)
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError
from latentseg_gui.io.paths import natural_key, shown

_PICTURES = (".png", ".tif", ".tiff")
_HEAD = 4096
_SAMPLED = 40
_NOT_COCO = (b'"shapes"', b'"FeatureCollection"')


@dataclass(frozen=True, slots=True)
class FoundMasks:
    """What was found.

    Attributes:
        kind: what it was taken for, for the user.
        candidates: the masks.
        is_black_and_white: whether the pictures among them know only 0 and 255, so that 255 must be the object.
    """

    kind: str
    candidates: tuple[Candidate, ...]
    is_black_and_white: bool = False


def find_masks(paths: Sequence[Path], images: Collection[Path] = ()) -> FoundMasks:
    """Look for masks; slow for large folders, so call it in a background thread.

    Args:
        paths: files with masks, or one folder.
        images: files that are images: they are taken for masks only where nothing else is there.

    Returns:
        The masks. What cannot be read as one is found all the same, and says so when it is read.

    Raises:
        MaskError: if there is nothing, or a file of many images cannot be read.
    """
    for path in paths:
        _check_is_there(path)
    if len(paths) == 1 and paths[0].is_dir():
        found = _in_folder(paths[0], images)
    else:
        found = FoundMasks(
            "mask files", tuple(each for path in paths for each in _of_file(path, path.parent))
        )
        if len(paths) == 1 and len(found.candidates) > 1:
            bare = tuple(replace(each, label=each.name) for each in found.candidates)
            found = FoundMasks(f"COCO file of {len(bare)} images", bare)
    if not found.candidates:
        raise MaskError(
            f"There are no masks in “{shown(paths[0].name)}”.",
            action="Choose a COCO file, or a folder of masks: PNG, TIFF, NumPy, YOLO, Pascal VOC, labelme, GeoJSON.",
        )
    return FoundMasks(found.kind, found.candidates, _is_black_and_white(found.candidates))


def _check_is_there(path: Path) -> None:
    try:
        path.stat()
    except OSError as error:
        raise MaskError(
            f"“{shown(path.name)}” cannot be read: {error.strerror or 'the system refused it'}.",
            action="Check that it exists and that you may read it.",
            detail=shown(path),
        ) from error


def _in_folder(folder: Path, images: Collection[Path]) -> FoundMasks:
    if (place := voc.place_of(folder)) is not None:
        return FoundMasks("Pascal VOC folder", tuple(_of_voc(place)))
    files = list(_files(folder))
    outside = [path for path in files if path not in images]
    candidates = [each for path in outside or files for each in _of_file(path, folder)]
    suffixes = {each.path.suffix.lower() for each in candidates}
    return FoundMasks("YOLO folder" if suffixes == {".txt"} else "folder of masks", tuple(candidates))


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder that may be masks, by name; hidden ones are left out."""

    def refuse(error: OSError) -> None:
        if error.filename == os.fspath(folder):
            raise MaskError(
                f"The folder “{shown(folder.name)}” cannot be read: {error.strerror}.",
                action="Check that it exists and that you may read it.",
            ) from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_key)
        for name in sorted(names, key=natural_key):
            if name.lower().endswith(IMPORT_SUFFIXES) and not name.startswith("."):
                yield Path(place, name)


def _of_file(path: Path, root: Path) -> Iterator[Candidate]:
    suffix = path.suffix.lower()
    if suffix == ".json":
        yield from _of_json(path, root)
    elif suffix != ".txt" or _looks_like_yolo(path):
        yield _plain(path, root)


def _plain(path: Path, root: Path) -> Candidate:
    place = path.relative_to(root)
    is_picture = path.suffix.lower() in _PICTURES
    return Candidate(
        name=place.with_name(place.name[: -len(place.suffix)]).as_posix(),
        label=shown(place),
        path=path,
        read=partial(import_mask, path),
        size=partial(_picture_size, path) if path.suffix.lower() == ".png" else _no_size,
        is_picture=is_picture,
    )


def _no_size() -> Size:
    return None


def _of_json(path: Path, root: Path) -> Iterator[Candidate]:
    """The images of a COCO file; any other is the mask of one image."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        head = b""
    if any(mark in head for mark in _NOT_COCO):
        yield _plain(path, root)
        return
    with readable(path):
        dataset = coco.Dataset.of(contents(path).decode("utf-8-sig"))
    if dataset is None:
        yield _plain(path, root)
        return
    for image in dataset.images:
        yield Candidate(
            name=image.name.replace("\\", "/"),
            label=f"{image.name} ({shown(path.name)})",
            path=path,
            read=partial(_read_coco, path, dataset, image),
            size=partial(_coco_size, image),
        )


def _read_coco(
    path: Path, dataset: coco.Dataset, image: coco.DatasetImage, context: ImportContext
) -> ImportedMask:
    with readable(path):
        found, mask = dataset.read(image, context)
    return checked(path, found, mask, context)


def _coco_size(image: coco.DatasetImage) -> Size:
    return image.shape


def _of_voc(place: voc.Place) -> Iterator[Candidate]:
    for path in sorted(place.classes.glob("*.png"), key=lambda each: natural_key(each.name)):
        yield Candidate(
            name=path.stem,
            label=shown(path.relative_to(place.classes.parent)),
            path=path,
            read=partial(_read_voc, path, place),
            size=partial(_picture_size, path),
        )


def _read_voc(path: Path, place: voc.Place, context: ImportContext) -> ImportedMask:
    with readable(path):
        found, mask = voc.read(path, place, context)
    return checked(path, found, mask, context)


def _looks_like_yolo(path: Path) -> bool:
    """Whether the first line of a text is numbers; an empty one is an image without objects."""
    try:
        with open(path, encoding="utf-8") as file:
            words = next((words for line in islice(file, 100) if (words := line.split())), [])
        return all(np.isfinite(float(word)) for word in words)
    except (OSError, ValueError):
        return False


def _picture_size(path: Path) -> Size:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return image.height, image.width
    except Exception:  # it says what is wrong when it is read
        return None


def _is_black_and_white(candidates: Sequence[Candidate]) -> bool:
    """Whether the grey pictures, as far as a few of them tell, are of 0 and 255 only."""
    pictures = [each.path for each in candidates if each.path.suffix.lower() == ".png"]
    seen = False
    for path in pictures[:: max(1, len(pictures) // _SAMPLED)]:
        try:
            with Image.open(path, formats=("PNG",)) as image:
                if image.mode != "L":
                    continue
                counts = image.histogram()
        except Exception:  # a damaged picture tells nothing
            continue
        if any(counts[1:255]):
            return False
        seen = seen or counts[255] > 0
    return seen
