"""Reading masks that are pictures or arrays."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from latentseg_gui.document.classes import ClassTable, SegmentationClass
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Provenance
from latentseg_gui.io.masks.rasters import TEXT_KEY
from latentseg_gui.io.masks.values import Canvas, ImportContext, ImportedMask, MaskError, counts_of


def read_picture(data: bytes, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """Read a PNG: palette or grey are class ids, 16 bits object numbers, colours those of the classes.

    Returns:
        The shape found, and the mask unless that shape is wrong.
    """
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        shape = (image.height, image.width)
        if shape != context.shape:
            return shape, None
        about = _about(image.text.get(TEXT_KEY))  # type: ignore[attr-defined]
        if image.mode.startswith("I"):
            return shape, from_numbers(np.asarray(image).astype(np.uint32), about, context)
        if image.mode in ("RGB", "RGBA"):
            return shape, _from_colours(np.asarray(image.convert("RGB")), context)
        if image.mode not in ("P", "L", "1"):
            raise MaskError("The picture is neither indexed, grey nor coloured.", action="Save it as PNG.")
        values = np.asarray(image, np.uint8)
        is_plain = image.mode == "L" and context.is_white_object and not about
    if is_plain and not counts_of(values)[1:UNLABELLED].any():
        return shape, _from_black_and_white(values, context)
    return shape, from_labels(values, _table_of(about), context)


def read_tiff(data: bytes, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """Read a TIFF of object numbers (integers), or of class ids if it is 8 bits."""
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages[0]
        shape = (int(page.imagelength), int(page.imagewidth))
        if shape != context.shape:
            return shape, None
        values = np.asarray(page.asarray())
        about = _about(page.description)
    if values.ndim != 2 or values.dtype.kind not in "ui" or (values < 0).any():
        raise MaskError("The TIFF does not hold one whole number per pixel.", action="Save it so.")
    if values.dtype.itemsize == 1 and "class_of" not in about:
        return shape, from_labels(values.astype(np.uint8), _table_of(about), context)
    return shape, from_numbers(values.astype(np.uint32), about, context)


def read_npy(data: bytes, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """Read an array of class ids; files that could run code are refused."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    formats = np.lib.format
    read = formats.read_array_header_1_0 if version == (1, 0) else formats.read_array_header_2_0
    shape, _, dtype = read(file)
    if shape != context.shape:
        return shape, None
    if dtype.kind not in "uib":
        raise MaskError("The array does not hold whole numbers.", action="Save class ids as integers.")
    values = np.load(io.BytesIO(data), allow_pickle=False)
    if values.min(initial=0) < 0 or values.max(initial=0) > UNLABELLED:
        return shape, from_numbers(np.maximum(values, 0).astype(np.uint32), {}, context)
    return shape, from_labels(values.astype(np.uint8), None, context)


def read_npz(data: bytes, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
    """Read what `arrays_npz` writes; only ``labels`` must be there."""
    limit = 16 * context.shape[0] * context.shape[1] + 2**20
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > limit:
            raise MaskError("The file holds far more than a mask of this image.", action="Check the file.")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        labels = arrays["labels"]
        if labels.shape != context.shape:
            return labels.shape, None
        table = None
        if "class_names" in arrays:
            colours = [str(colour) for colour in arrays["class_colours"]] if "class_colours" in arrays else []
            table = ClassTable.from_names([str(name) for name in arrays["class_names"]], colours)
        read = from_labels(labels.astype(np.uint8), table, context)
        instances, provenance = arrays.get("instances"), arrays.get("provenance")
    return labels.shape, ImportedMask(
        read.labels,
        read.classes,
        None if instances is None or not instances.any() else instances.astype(np.uint32),
        None if provenance is None else np.minimum(provenance, max(Provenance)).astype(np.uint8),
        read.notes,
    )


def from_labels(labels: NDArray[np.uint8], theirs: ClassTable | None, context: ImportContext) -> ImportedMask:
    """Class ids of a file, in terms of the document's classes: by name if the file has names."""
    canvas = Canvas(context)
    used = [int(value) for value in np.flatnonzero(counts_of(labels))]
    nameless = []
    table = np.arange(256, dtype=np.uint8)
    for value in used:
        if value == UNLABELLED:
            continue
        if theirs is not None and value < len(theirs):
            table[value] = BACKGROUND if value == BACKGROUND else canvas.class_id(theirs[value].name)
        else:
            before = len(canvas.classes)
            table[value] = canvas.numbered_class(value)
            nameless += [value] if len(canvas.classes) > before else []
    if nameless:
        numbers = ", ".join(map(str, nameless))
        canvas.notes.append(f"The file has no names for these class numbers: {numbers}.")
    return ImportedMask(table[labels], canvas.classes, None, None, tuple(canvas.notes))


def from_numbers(numbers: NDArray[np.uint32], about: dict[str, Any], context: ImportContext) -> ImportedMask:
    """Object numbers of a file; their classes if it tells them, else the default class."""
    canvas = Canvas(context)
    theirs = _table_of(about)
    class_of = about.get("class_of")
    known, inverse = np.unique(numbers, return_inverse=True)
    ids = np.full(len(known), context.default_class, np.uint8)
    if isinstance(class_of, dict) and theirs is not None:
        for index, number in enumerate(known.tolist()):
            class_id = class_of.get(str(number))
            if isinstance(class_id, int) and 0 <= class_id < len(theirs):
                ids[index] = canvas.class_id(theirs[class_id].name)
    elif known.any():
        name = context.classes[context.default_class].name
        canvas.notes.append(f"The file numbers objects but does not say what they are: all became “{name}”.")
    ids[known == 0] = context.outside
    canvas.notes.append("The file does not tell background from unlabelled pixels.")
    labels = ids[inverse.reshape(numbers.shape)]
    return ImportedMask(labels, canvas.classes, numbers, None, tuple(canvas.notes))


def _from_black_and_white(values: NDArray[np.uint8], context: ImportContext) -> ImportedMask:
    labels = np.where(values > 0, np.uint8(context.default_class), np.uint8(context.outside))
    name = context.classes[context.default_class].name
    return ImportedMask(labels, context.classes, None, None, (f"White pixels were taken as “{name}”.",))


def _from_colours(pixels: NDArray[np.uint8], context: ImportContext) -> ImportedMask:
    codes = pixels.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    labels = np.full(context.shape, UNLABELLED, np.uint8)
    for class_id, colour in enumerate(context.classes.rgb.astype(np.uint32)):
        labels[codes == colour[0] * 65536 + colour[1] * 256 + colour[2]] = class_id
    lost = int(np.count_nonzero(labels == UNLABELLED))
    if lost == labels.size:
        raise MaskError(
            "It is a coloured picture without a single colour of the classes.",
            action="Give the classes the colours of the mask, or choose the mask and not the image.",
        )
    notes = (f"{lost} pixels have a colour that no class has; they are unlabelled.",) if lost else ()
    return ImportedMask(labels, context.classes, None, None, notes)


def _about(text: str | None) -> dict[str, Any]:
    """Our own description of a mask file; empty if it has none that makes sense."""
    try:
        about = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def _table_of(about: dict[str, Any]) -> ClassTable | None:
    entries = about.get("classes")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        return None
    return ClassTable(
        tuple(SegmentationClass(str(entry.get("name")), str(entry.get("colour"))) for entry in entries)
    )
