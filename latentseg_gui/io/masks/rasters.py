"""Masks as pictures and arrays: exact, pixel for pixel."""

from __future__ import annotations

import io
import json

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks.values import (
    MaskError,
    MaskItem,
    object_areas,
    origin,
)

TEXT_KEY = "latentseg"
"""The text of a PNG that says where the mask comes from."""

_VOID_COLOUR = (224, 224, 192)
_MAX_PNG16 = 65535


def indexed_png(item: MaskItem, classes: ClassTable) -> bytes:
    """Class ids as palette indices, coloured as in the window; 255 is unlabelled."""
    return _palette_png(item.labels, classes.rgb, json.dumps(origin(item, classes)))


def _palette_png(indices: NDArray[np.uint8], colours: NDArray[np.uint8], text: str | None = None) -> bytes:
    size = (indices.shape[1], indices.shape[0])
    image = Image.frombuffer("P", size, np.ascontiguousarray(indices), "raw", "P", 0, 1)  # not copied
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(colours)] = colours
    palette[UNLABELLED] = _VOID_COLOUR
    image.putpalette(palette.tobytes())
    about = PngImagePlugin.PngInfo()
    if text is not None:
        about.add_text(TEXT_KEY, text)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=about, compress_level=6)
    return buffer.getvalue()


def voc_class_png(item: MaskItem, classes: ClassTable) -> bytes:
    """Pascal VOC's SegmentationClass: indices are classes, 255 is void."""
    return indexed_png(item, classes)


def voc_object_png(item: MaskItem, classes: ClassTable) -> bytes:
    """Pascal VOC's SegmentationObject: indices are objects 1, 2, ..., 255 is void."""
    numbers = np.where(item.labels == UNLABELLED, np.uint8(UNLABELLED), np.uint8(0))
    colours = [(0, 0, 0)]
    for index, found in enumerate(object_areas(item), 1):
        if index >= UNLABELLED:
            raise MaskError(
                f"“{item.image_name or item.stem}” has more than {UNLABELLED - 1} objects, "
                "which the VOC format cannot number.",
                action="Choose COCO, PNG 16 bit or TIFF.",
            )
        numbers[found.rect.slices][found.mask] = index
        colours.append(_voc_colour(index))
    return _palette_png(numbers, np.array(colours, np.uint8))


def _voc_colour(index: int) -> tuple[int, int, int]:
    """The colour that Pascal VOC gives to an index."""
    red = green = blue = 0
    for bit in range(8):
        red |= (index >> (3 * bit) & 1) << (7 - bit)
        green |= (index >> (3 * bit + 1) & 1) << (7 - bit)
        blue |= (index >> (3 * bit + 2) & 1) << (7 - bit)
    return red, green, blue


def numbered_objects(item: MaskItem) -> tuple[NDArray[np.uint32], dict[int, int]]:
    """Object numbers for every object (new ones for areas without), and the class of each number."""
    numbers = np.zeros(item.shape, np.uint32)
    class_of: dict[int, int] = {}
    highest = 0 if item.instances is None else int(item.instances.max(initial=0))
    clashes = []
    for found in object_areas(item):
        if found.number in class_of:
            clashes.append(found)
            continue
        class_of[found.number] = found.class_id
        numbers[found.rect.slices][found.mask] = found.number
        highest = max(highest, found.number)
    for found in clashes:
        highest += 1
        class_of[highest] = found.class_id
        numbers[found.rect.slices][found.mask] = highest
    return numbers, class_of


def instance_png(item: MaskItem, classes: ClassTable) -> bytes:
    """Object numbers as 16-bit grey; their classes go along as text."""
    numbers, about = _numbered_with_text(item, classes)
    if numbers.max(initial=0) > _MAX_PNG16:
        raise MaskError(
            f"“{item.image_name or item.stem}” has object numbers above {_MAX_PNG16}.",
            action="Choose TIFF, which holds larger numbers.",
        )
    size = (item.shape[1], item.shape[0])
    image = Image.frombuffer("I;16", size, numbers.astype("<u2"), "raw", "I;16", 0, 1)  # not copied again
    text = PngImagePlugin.PngInfo()
    text.add_text(TEXT_KEY, about)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def instance_tiff(item: MaskItem, classes: ClassTable) -> bytes:
    """Object numbers as 16 or 32-bit TIFF; their classes go along as description."""
    numbers, about = _numbered_with_text(item, classes)
    dtype = np.uint16 if numbers.max(initial=0) <= _MAX_PNG16 else np.uint32
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, numbers.astype(dtype), compression="zlib", description=about, metadata=None)
    return buffer.getvalue()


def _numbered_with_text(item: MaskItem, classes: ClassTable) -> tuple[NDArray[np.uint32], str]:
    numbers, class_of = numbered_objects(item)
    about = {**origin(item, classes), "class_of": {str(number): key for number, key in class_of.items()}}
    return numbers, json.dumps(about)


def array_npy(item: MaskItem, classes: ClassTable) -> bytes:
    """Class ids as a numpy array."""
    buffer = io.BytesIO()
    np.save(buffer, item.labels, allow_pickle=False)
    return buffer.getvalue()


def arrays_npz(item: MaskItem, classes: ClassTable) -> bytes:
    """Everything as numpy arrays: labels, instances, provenance, class_names, class_colours, weights."""
    zeros = np.zeros(item.shape, np.uint32)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        labels=item.labels,
        instances=zeros if item.instances is None else item.instances,
        provenance=zeros.astype(np.uint8) if item.provenance is None else item.provenance,
        class_names=np.array(classes.names),
        class_colours=np.array(classes.colours),
        weights=np.array(item.version),
    )
    return buffer.getvalue()


def overlay_png(item: MaskItem, classes: ClassTable) -> bytes:
    """The image with the classes laid over it, half transparent, with their edges drawn."""
    if item.pixels is None:
        raise MaskError(
            f"The pixels of “{item.image_name or item.stem}” are needed for an overlay.",
            action="Open the image, then export again.",
        )
    shown = (item.labels != BACKGROUND) & (item.labels != UNLABELLED)
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(classes)] = classes.rgb
    over = colours[item.labels]
    edge = np.zeros(item.shape, np.bool_)
    edge[:, 1:] |= item.labels[:, 1:] != item.labels[:, :-1]
    edge[1:] |= item.labels[1:] != item.labels[:-1]
    mixed = ((item.pixels.astype(np.uint16) + over + 1) // 2).astype(np.uint8)
    picture = np.where((shown & edge)[:, :, None], over, np.where(shown[:, :, None], mixed, item.pixels))
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def picture_png(item: MaskItem) -> bytes:
    """The image as it is shown."""
    if item.pixels is None:
        raise MaskError(
            f"The pixels of “{item.image_name or item.stem}” are needed to write the image.",
            action="Open the image, then export again.",
        )
    buffer = io.BytesIO()
    Image.fromarray(item.pixels).save(buffer, "PNG")
    return buffer.getvalue()


def confidence_png(item: MaskItem, classes: ClassTable) -> bytes:
    """How sure the model was, 0..255, as a grey picture."""
    if item.confidence is None:
        raise MaskError(
            f"There is no prediction of “{item.image_name or item.stem}”.", action="Predict it first."
        )
    buffer = io.BytesIO()
    Image.fromarray(item.confidence).save(buffer, "PNG")
    return buffer.getvalue()
