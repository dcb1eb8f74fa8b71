"""All mask formats by name, and the two functions that the rest of the program calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io import storage
from latentseg_gui.io.masks import coco, geojson, labelme, probabilities, rasters, table, yolo
from latentseg_gui.io.masks.values import MaskError, MaskItem

File = tuple[str, bytes]
"""A path relative to the folder of the export, with "/", and the contents."""


Encoder = Callable[[MaskItem, ClassTable], bytes]

_INSTANCES = ("instances",)
_UNLABELLED = ("unlabelled",)
_EVERYTHING = ("everything",)


@dataclass(frozen=True, slots=True)
class Combination:
    """How many images go into one file, without all their masks in memory at once.

    Attributes:
        name: of the file.
        part: what one image adds, as JSON; small beside its mask.
        join: the file from the parts, in their order.
    """

    name: str
    part: Encoder
    join: Callable[[Iterable[bytes], ClassTable], bytes]


@dataclass(frozen=True, slots=True)
class MaskFormat:
    """One way to write masks.

    Attributes:
        name: what programs call it ("coco").
        label: what people call it.
        suffix: ending of the file of one image.
        files: the files of one image.
        folder_files: files that belong to all images of a folder.
        combine: how all images of a folder go into one file instead.
        loses: what it cannot represent: "unlabelled", "instances", or "everything".
        needs_pixels: whether it needs the image itself.
        needs_probabilities: whether it needs the probability of every class.
    """

    name: str
    label: str
    suffix: str
    files: Callable[[MaskItem, ClassTable], list[File]]
    folder_files: Callable[[ClassTable], list[File]] | None = None
    combine: Combination | None = None
    loses: tuple[str, ...] = ()
    needs_pixels: bool = False
    needs_probabilities: bool = False


@dataclass(frozen=True, slots=True)
class ExportStep:
    """One image of a folder was written, or could not be.

    Attributes:
        item: its stem.
        written: the files.
        error: why it was left out; None if it was not.
    """

    item: str
    written: tuple[Path, ...] = ()
    error: LatentsegError | None = None


def _one(suffix: str, encode: Encoder) -> Callable[[MaskItem, ClassTable], list[File]]:
    def files(item: MaskItem, classes: ClassTable) -> list[File]:
        return [(f"{item.stem}{suffix}", encode(item, classes))]

    return files


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _coco_part(item: MaskItem, classes: ClassTable, *, as_polygons: bool) -> bytes:
    return _json(coco.part(item, classes, as_polygons=as_polygons))


def _coco_joined(parts: Iterable[bytes], classes: ClassTable) -> bytes:
    return _json(coco.joined((json.loads(part) for part in parts), classes))


def _coco(*, as_polygons: bool) -> Combination:
    return Combination("annotations.json", partial(_coco_part, as_polygons=as_polygons), _coco_joined)


def _coco_one(item: MaskItem, classes: ClassTable, *, as_polygons: bool) -> list[File]:
    return [(f"{item.stem}.json", _json(coco.dataset([item], classes, as_polygons=as_polygons)))]


def _voc(item: MaskItem, classes: ClassTable) -> list[File]:
    return [
        (f"SegmentationClass/{item.stem}.png", rasters.voc_class_png(item, classes)),
        (f"SegmentationObject/{item.stem}.png", rasters.voc_object_png(item, classes)),
    ]


def _voc_folder(classes: ClassTable) -> list[File]:
    lines = ["# label:color_rgb:parts:actions\n"]
    for entry, colour in zip(classes, classes.rgb.tolist(), strict=True):
        lines.append(f"{entry.name}:{','.join(map(str, colour))}::\n")
    return [("labelmap.txt", "".join(lines).encode())]


def _labelme(item: MaskItem, classes: ClassTable, *, as_masks: bool) -> bytes:
    return _json(labelme.document(item, classes, as_masks=as_masks))


def _geojson(item: MaskItem, classes: ClassTable) -> bytes:
    return _json(geojson.collection(item, classes))


_ALL = (
    MaskFormat("png", "PNG, classes as indices", ".png", _one(".png", rasters.indexed_png), loses=_INSTANCES),
    MaskFormat("png16", "PNG 16 bit, objects", ".png", _one(".png", rasters.instance_png), loses=_UNLABELLED),
    MaskFormat("tiff", "TIFF, objects", ".tif", _one(".tif", rasters.instance_tiff), loses=_UNLABELLED),
    MaskFormat("npy", "NumPy array, classes", ".npy", _one(".npy", rasters.array_npy), loses=_INSTANCES),
    MaskFormat("npz", "NumPy archive, everything", ".npz", _one(".npz", rasters.arrays_npz)),
    MaskFormat(
        "coco",
        "COCO JSON, run lengths",
        ".json",
        partial(_coco_one, as_polygons=False),
        combine=_coco(as_polygons=False),
    ),
    MaskFormat(
        "coco-polygons",
        "COCO JSON, polygons",
        ".json",
        partial(_coco_one, as_polygons=True),
        combine=_coco(as_polygons=True),
    ),
    MaskFormat(
        "yolo",
        "YOLO segmentation text",
        ".txt",
        _one(".txt", yolo.text),
        folder_files=yolo.folder_files,
        loses=(*_UNLABELLED, *_INSTANCES),
    ),
    MaskFormat("voc", "Pascal VOC folders", ".png", _voc, folder_files=_voc_folder, loses=_INSTANCES),
    MaskFormat(
        "labelme", "labelme JSON, polygons", ".json", _one(".json", partial(_labelme, as_masks=False))
    ),
    MaskFormat(
        "labelme-masks", "labelme JSON, masks", ".json", _one(".json", partial(_labelme, as_masks=True))
    ),
    MaskFormat("geojson", "GeoJSON for QuPath", ".geojson", _one(".geojson", _geojson)),
    MaskFormat(
        "overlay",
        "Picture with the mask laid over it",
        ".png",
        _one(".png", rasters.overlay_png),
        loses=_EVERYTHING,
        needs_pixels=True,
    ),
    MaskFormat(
        "confidence",
        "Confidence of the model",
        ".png",
        _one(".png", rasters.confidence_png),
        loses=_EVERYTHING,
    ),
    MaskFormat(
        "probabilities",
        "Probability maps, TIFF 16 bit",
        ".tif",
        _one(".tif", probabilities.probability_tiff),
        loses=_EVERYTHING,
        needs_probabilities=True,
    ),
    MaskFormat(
        "probabilities-npz",
        "Probability maps, NumPy archive",
        ".npz",
        _one(".npz", probabilities.probability_npz),
        loses=_EVERYTHING,
        needs_probabilities=True,
    ),
    MaskFormat("csv", "Table of objects", ".csv", _one(".csv", table.rows), loses=_EVERYTHING),
)

FORMATS: dict[str, MaskFormat] = {entry.name: entry for entry in _ALL}
"""Every format by its name."""


def format_named(name: str) -> MaskFormat:
    """The format; MaskError if there is none of that name."""
    if name not in FORMATS:
        raise MaskError(f"There is no mask format “{name}”.", action=f"Choose one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def losses(item: MaskItem, mask_format: MaskFormat) -> tuple[str, ...]:
    """What of this mask the format cannot represent, as sentences for the user."""
    sentences = []
    if "everything" in mask_format.loses:
        return ("This is for looking at; the mask cannot be read back from it.",)
    has_instances = item.instances is not None and bool(item.instances.any())
    if "instances" in mask_format.loses and has_instances:
        sentences.append("The numbers of the objects are not kept.")
    if "unlabelled" in mask_format.loses and bool(np.any(item.labels == UNLABELLED)):
        sentences.append("Unlabelled pixels cannot be told from background.")
    if mask_format.name in ("png16", "tiff") and _has_mixed_objects(item):
        sentences.append("Objects with pixels of several classes become several objects.")
    if item.provenance is not None and mask_format.name != "npz" and bool(item.provenance.any()):
        sentences.append("Who labelled which pixel is not kept.")
    return tuple(sentences)


def _has_mixed_objects(item: MaskItem) -> bool:
    """Whether one number stands at pixels of more than one class."""
    if item.instances is None:
        return False
    pairs = np.unique(item.instances.astype(np.uint64) * 256 + item.labels)
    numbers = pairs[pairs >= 256] // 256
    return len(np.unique(numbers)) < len(numbers)


def export_mask(path: Path, item: MaskItem, classes: ClassTable, format_name: str) -> tuple[Path, ...]:
    """Write the mask of one image.

    Args:
        path: the file for formats with one file per image; its folder for "voc".
        item: the mask.
        classes: its classes.
        format_name: a key of `FORMATS`.

    Returns:
        What was written.

    Raises:
        MaskError: if the format cannot hold it.
        StorageError: if a file cannot be written; files that were there before stay.
    """
    files = format_named(format_name).files(item, classes)
    if len(files) == 1:
        storage.atomic_write(path, files[0][1])
        return (path,)
    return write_files(path.parent, files)


def planned_files(stems: Iterable[str], classes: ClassTable, format_name: str) -> list[str]:
    """The names of what `export_folder` would write, for a preview; nothing is encoded."""
    mask_format = format_named(format_name)
    extra = mask_format.folder_files(classes) if mask_format.folder_files else []
    shared = [name for name, _ in extra]
    if mask_format.combine is not None:
        return [mask_format.combine.name]
    if format_name == "voc":
        folders = ("SegmentationClass", "SegmentationObject")
        return [f"{folder}/{stem}.png" for stem in stems for folder in folders] + shared
    return [f"{stem}{mask_format.suffix}" for stem in stems] + shared


def export_folder(
    folder: Path, items: Iterable[MaskItem], classes: ClassTable, format_name: str
) -> Iterator[ExportStep]:
    """Write the masks of many images, one step at a time; stop taking steps to cancel.

    An image that cannot be written is reported, and the rest is done. Formats with one file for all
    write it at the last step.
    """
    mask_format = format_named(format_name)
    storage.make_folder(folder)
    if mask_format.combine is not None:
        yield from _combined(folder, items, classes, mask_format.combine)
        return
    if mask_format.folder_files is not None:
        write_files(folder, mask_format.folder_files(classes))
    for item in items:
        try:
            yield ExportStep(item.stem, write_files(folder, mask_format.files(item, classes)))
        except LatentsegError as error:
            yield ExportStep(item.stem, (), error)


def _combined(
    folder: Path, items: Iterable[MaskItem], classes: ClassTable, combination: Combination
) -> Iterator[ExportStep]:
    parts: list[bytes] = []
    for item in items:
        try:
            parts.append(combination.part(item, classes))
            yield ExportStep(item.stem)
        except LatentsegError as error:
            yield ExportStep(item.stem, (), error)
    yield ExportStep("", write_files(folder, [(combination.name, combination.join(parts, classes))]))


def write_files(folder: Path, files: list[File]) -> tuple[Path, ...]:
    """Write files below a folder, making folders where needed; their paths.

    Raises:
        StorageError: if one cannot be written; those before it are there.
    """
    paths = []
    for name, data in files:
        path = folder / name
        storage.make_folder(path.parent)
        storage.atomic_write(path, data)
        paths.append(path)
    return tuple(paths)
