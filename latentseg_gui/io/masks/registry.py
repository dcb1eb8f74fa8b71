"""All mask formats by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.io.masks import coco, geojson, labelme, probabilities, rasters, table, yolo
from latentseg_gui.io.masks.values import MaskError, MaskItem, PairedImage

File = tuple[str, bytes | PairedImage]
"""A path relative to the folder of the export, with "/", and the contents, or the file that is taken over."""


Encoder = Callable[[MaskItem, ClassTable], bytes]

_INSTANCES = ("instances",)
_UNLABELLED = ("unlabelled",)
_EVERYTHING = ("everything",)


@dataclass(frozen=True, slots=True)
class Combination:
    """How many images go into the same files, without all their masks in memory at once.

    Attributes:
        names: of the files.
        part: what one image adds, as JSON; small beside its mask.
        join: the files from the parts, in their order.
    """

    names: tuple[str, ...]
    part: Encoder
    join: Callable[[Iterable[bytes], ClassTable], list[bytes]]


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
        needs_pixels: whether it needs the image as it is shown.
        needs_values: whether it needs the image as it is stored.
        with_pictures: whether the images go along.
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
    needs_values: bool = False
    with_pictures: bool = False
    needs_probabilities: bool = False

    def needs_image(self, picture: PairedImage) -> bool:
        """Whether the image must be read; one that goes along as the file that it is need not be."""
        return self.needs_values or (self.needs_pixels and not (self.with_pictures and picture.file))


def _one(suffix: str, encode: Encoder) -> Callable[[MaskItem, ClassTable], list[File]]:
    def files(item: MaskItem, classes: ClassTable) -> list[File]:
        return [(f"{item.stem}{suffix}", encode(item, classes))]

    return files


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _coco_part(item: MaskItem, classes: ClassTable, *, as_polygons: bool) -> bytes:
    return _json(coco.image_entries(item, classes, as_polygons=as_polygons))


def _coco_joined(parts: Iterable[bytes], classes: ClassTable) -> list[bytes]:
    return [_json(coco.whole_file((json.loads(part) for part in parts), classes))]


def _coco(*, as_polygons: bool) -> Combination:
    return Combination(("annotations.json",), partial(_coco_part, as_polygons=as_polygons), _coco_joined)


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


def _yolo(item: MaskItem, classes: ClassTable) -> list[File]:
    files: list[File] = [(f"{yolo.LABELS}/{item.stem}.txt", yolo.text(item, classes))]
    picture = item.picture
    if picture is not None:
        name = f"{yolo.IMAGES}/{item.stem}{picture.suffix}"
        files.append((name, rasters.picture_png(item) if picture.file is None else picture))
    return files


def _table_part(item: MaskItem, classes: ClassTable) -> bytes:
    return _json(table.table_lines(item, classes))


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
        _yolo,
        folder_files=yolo.folder_files,
        loses=(*_UNLABELLED, *_INSTANCES),
        needs_pixels=True,
        with_pictures=True,
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
    MaskFormat(
        "csv",
        "Table of objects, CSV",
        ".csv",
        _one(".csv", table.rows),
        combine=Combination(table.NAMES, _table_part, table.whole_tables),
        loses=_EVERYTHING,
        needs_values=True,
    ),
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
