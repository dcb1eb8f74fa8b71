"""Which masks there are in a folder, laid out as any of the formats, or in a file that holds many."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from PIL import Image

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.io.masks import coco_reading, foreign, voc, yolo
from latentseg_gui.io.masks.candidates import Candidate, Size
from latentseg_gui.io.masks.encodings import text_of
from latentseg_gui.io.masks.files import contents, head, readable
from latentseg_gui.io.masks.mask_names import doubt_of
from latentseg_gui.io.masks.reading import IMPORT_SUFFIXES, PICTURES, fitted, import_mask
from latentseg_gui.io.masks.survey import reading_of
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError, Numbers, Reading
from latentseg_gui.io.paths import natural_key, shown
from latentseg_gui.io.regular_files import open_regular

_HEAD = 4096
_LINES = 65536
_LABELME = 2**28
_NOT_COCO = (b'"shapes"', b'"FeatureCollection"')
_IMAGE_PATH = re.compile(rb'"imagePath"\s*:\s*("(?:[^"\\]|\\.){0,4096}")')
_LOSSY = (".jpg", ".jpeg", ".webp")
_FEW = 3


@dataclass(frozen=True, slots=True)
class FoundMasks:
    """What was found.

    Attributes:
        kind: what it was taken for, for the user.
        candidates: the masks.
        reading: what the pictures among them mean.
        notes: what was left out before any mask was read, for the user.
    """

    kind: str
    candidates: tuple[Candidate, ...]
    reading: Reading = field(default_factory=Reading)
    notes: tuple[str, ...] = ()


def find_masks(
    paths: Sequence[Path], images: Collection[Path] = (), numbers: Numbers | None = None
) -> FoundMasks:
    """Look for masks; slow for large folders, so call it in a background thread.

    Args:
        paths: files with masks, or one folder.
        images: files that are images: they are taken for masks only where nothing else is there.
        numbers: what the user says that small numbers are.

    Returns:
        The masks. What cannot be read as one is found all the same, and says so when it is read.

    Raises:
        MaskError: if there is nothing, or a file of many images cannot be read.
    """
    for path in paths:
        _check_is_there(path)
    notes: list[str] = []
    is_folder = len(paths) == 1 and paths[0].is_dir()
    found = _in_folder(paths[0], images, notes) if is_folder else _in_files(paths, notes)
    if not found.candidates:
        raise MaskError(
            f"There are no masks in “{shown(paths[0].name)}”. {' '.join(notes)}".strip(),
            action="Choose a COCO file, or a folder of masks: PNG, TIFF, NumPy, YOLO, Pascal VOC, labelme, GeoJSON.",
        )
    files = list(dict.fromkeys(each.path for each in found.candidates))
    return replace(found, reading=reading_of(files, numbers), notes=tuple(notes))


def _check_is_there(path: Path) -> None:
    try:
        path.stat()
        if not (path.is_file() or path.is_dir()):
            raise MaskError(f"“{shown(path.name)}” is not a regular file.", action="Choose a mask file.")
    except OSError as error:
        raise MaskError(
            f"“{shown(path.name)}” cannot be read: {error.strerror or 'the system refused it'}.",
            action="Check that it exists and that you may read it.",
            detail=shown(path),
        ) from error


def _in_files(paths: Sequence[Path], notes: list[str]) -> FoundMasks:
    candidates = tuple(each for path in paths for each in _of_file(path, path.parent, notes))
    if len(paths) == 1 and len(candidates) > 1:
        bare = tuple(replace(each, label=each.name) for each in candidates)
        kind = _many(paths[0])
        return FoundMasks(f"{kind} of {len(bare)} images", bare)
    return FoundMasks("mask files", candidates)


def _many(path: Path) -> str:
    return "CVAT file" if path.suffix.lower() == ".xml" else "COCO file"


def _in_folder(folder: Path, images: Collection[Path], notes: list[str]) -> FoundMasks:
    if (place := voc.place_of(folder)) is not None:
        return FoundMasks("Pascal VOC folder", tuple(_of_voc(place)))
    files = list(_files(folder, notes))
    labels = folder / yolo.LABELS
    if labels.is_dir():  # a data set for training: the images in it are no masks
        files = [path for path in files if path.relative_to(folder).parts[0] != yolo.IMAGES]
    outside = [path for path in files if path not in images]
    stems = {image.stem for image in images}
    candidates = [
        each
        for path in outside or files
        for each in _gently(path, labels if path.is_relative_to(labels) else folder, notes, stems)
    ]
    suffixes = {each.path.suffix.lower() for each in candidates}
    return FoundMasks("YOLO folder" if suffixes == {".txt"} else "folder of masks", tuple(candidates))


def _gently(path: Path, root: Path, notes: list[str], stems: Collection[str]) -> list[Candidate]:
    """The masks of a file; one that is damaged says so when it is read, and never ends the others.

    So does a text that has the name of an image (one of ``stems``) and is no list of labels.
    """
    try:
        found = list(_of_file(path, root, notes))
        is_lost = not found and path.suffix.lower() == ".txt" and path.stem in stems
        return [_plain(path, root)] if is_lost else found
    except LatentsegError as error:
        notes.append(str(error))
        return [_plain(path, root)]


def _files(folder: Path, notes: list[str]) -> Iterator[Path]:
    """Regular files below a folder that may be masks, by name; hidden ones are left out."""
    odd = []
    for path in _visible_files(folder):
        if path.name.lower().endswith(IMPORT_SUFFIXES):
            if path.is_file():
                yield path
            else:
                odd.append(shown(path.name))
    if odd:
        more = ", ..." if len(odd) > _FEW else ""
        notes.append(f"{len(odd)} are not regular files and were left out: {', '.join(odd[:_FEW])}{more}.")


def _visible_files(folder: Path) -> Iterator[Path]:
    """What lies below a folder and is no folder, by name; links to folders are not followed."""
    waiting = [folder]  # for folders may lie deeper in each other than functions may
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if place == folder:
                raise MaskError(
                    f"The folder “{shown(folder.name)}” cannot be read: {error.strerror}.",
                    action="Check that it exists and that you may read it.",
                ) from error
            continue
        visible.sort(key=lambda entry: natural_key(entry.name))
        folders = [place / entry.name for entry in visible if entry.is_dir(follow_symlinks=False)]
        yield from (place / entry.name for entry in visible if not Path(entry.path).is_dir())
        waiting += reversed(folders)


def _of_file(path: Path, root: Path, notes: list[str]) -> Iterator[Candidate]:
    suffix = path.suffix.lower()
    if suffix == ".json":
        yield from _of_json(path, root, notes)
    elif suffix == ".xml":
        yield from _of_xml(path, root)
    elif suffix != ".txt" or _looks_like_yolo(path):
        yield _plain(path, root)


def _plain(path: Path, root: Path) -> Candidate:
    place = path.relative_to(root)
    suffix = path.suffix.lower()
    stem = place.name[: -len(place.suffix)]
    return Candidate(
        name=place.with_name(stem).as_posix(),
        label=shown(place),
        path=path,
        read=partial(import_mask, path),
        size=partial(_picture_size, path) if suffix == ".png" else _no_size,
        is_picture=suffix in PICTURES,
        doubt=doubt_of(stem) + (suffix in _LOSSY),
    )


def _no_size() -> Size:
    return None


def _of_json(path: Path, root: Path, notes: list[str]) -> Iterator[Candidate]:
    """The images of a file of many; any other is the mask of one image."""
    start = head(path, _HEAD)
    if any(mark in start for mark in _NOT_COCO):
        yield _labelme(path, root) if _NOT_COCO[0] in start else _plain(path, root)
        return
    with readable(path):
        text = text_of(contents(path), path.name)
        dataset = coco_reading.Dataset.of(text)
        content = json.loads(text) if dataset is None else None
    if dataset is not None:
        notes += [f"{shown(path.name)}: {note}" for note in dataset.notes]
        yield from _of_coco(path, dataset)
    elif isinstance(content, dict) and "shapes" in content:
        yield _labelme(path, root)
    elif (file := foreign.of_json(content)) is not None:
        yield from _of_foreign(path, root, file)
    else:
        yield _plain(path, root)


def _of_xml(path: Path, root: Path) -> Iterator[Candidate]:
    """The images of a file of CVAT's; XML of other kinds holds boxes, and is passed over in a folder."""
    if b"<annotations" in head(path, _HEAD):
        with readable(path):
            yield from _of_foreign(path, root, foreign.of_xml(text_of(contents(path), path.name)))


def _labelme(path: Path, root: Path) -> Candidate:
    """A file of labelme says which image it is for; its own name counts where there is none of that name."""
    plain = _plain(path, root)
    found = _IMAGE_PATH.search(contents(path, _LABELME))
    if found is None:
        return plain
    try:
        parts = str(json.loads(found.group(1))).replace("\\", "/").split("/")
    except ValueError:
        return plain
    folders = [part for part in parts[:-1] if part not in ("", ".", "..")]
    folders = folders or list(path.parent.relative_to(root).parts)
    return replace(plain, name="/".join([*folders, parts[-1]]), also=(plain.name,)) if parts[-1] else plain


def _of_coco(path: Path, dataset: coco_reading.Dataset) -> Iterator[Candidate]:
    for image in dataset.images:
        yield Candidate(
            name=image.name.replace("\\", "/"),
            label=f"{image.name} ({shown(path.name)})",
            path=path,
            read=partial(_read_coco, path, dataset, image),
            size=partial(_size_of, image),
        )


def _of_foreign(path: Path, root: Path, file: foreign.ForeignFile) -> Iterator[Candidate]:
    own = _plain(path, root)
    for image in file.images:
        yield Candidate(
            name=image.name or own.name,
            label=f"{image.name} ({own.label})" if len(file.images) > 1 else own.label,
            path=path,
            read=partial(_read_foreign, path, image),
            size=partial(_size_of, image),
            also=(own.name,) if len(file.images) == 1 else (),
        )


def _read_coco(
    path: Path, dataset: coco_reading.Dataset, image: coco_reading.DatasetImage, context: ImportContext
) -> ImportedMask:
    return fitted(path, partial(dataset.read, image), context)


def _read_foreign(path: Path, image: foreign.ForeignImage, context: ImportContext) -> ImportedMask:
    return fitted(path, image.read, context)


def _size_of(image: coco_reading.DatasetImage | foreign.ForeignImage) -> Size:
    return image.shape


def _of_voc(place: voc.Place) -> Iterator[Candidate]:
    pictures = [path for path in _visible_files(place.classes) if path.suffix == ".png"]
    for path in sorted(pictures, key=lambda each: natural_key(each.name)):
        yield Candidate(
            name=path.relative_to(place.classes).as_posix()[: -len(path.suffix)],
            label=shown(path.relative_to(place.classes.parent)),
            path=path,
            read=partial(_read_voc, path, place),
            size=partial(_picture_size, path),
        )


def _read_voc(path: Path, place: voc.Place, context: ImportContext) -> ImportedMask:
    return fitted(path, partial(voc.read_voc, path, place), context)


def _looks_like_yolo(path: Path) -> bool:
    """Whether a text has lines of numbers; an empty one is an image without objects."""
    try:
        lines = text_of(head(path, _LINES)).split("\n")[:100]
    except LatentsegError:
        return False
    rows = [words for line in lines if (words := yolo.spaced(line).split())]
    return not rows or any(len(words) >= 5 and _numbers_in(words) > len(words) / 2 for words in rows)


def _numbers_in(words: Sequence[str]) -> int:
    count = 0
    for word in words[:100]:
        try:
            float(word)
            count += 1
        except ValueError:
            continue
    return count if len(words) <= 100 else count * len(words) // 100


def _picture_size(path: Path) -> Size:
    try:
        with open_regular(path) as file, Image.open(file, formats=("PNG",)) as image:
            return image.height, image.width
    except Exception:  # it says what is wrong when it is read
        return None
