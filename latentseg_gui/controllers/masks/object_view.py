"""Object numbers as something the canvas can draw: one of 200 colours each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.canvas.layers.labels import HiddenObjects, ObjectCodes
from latentseg_gui.document.document import Document
from latentseg_gui.document.masks.layers import MaskLayer
from latentseg_gui.document.masks.palette import palette, rgb_from_hex
from latentseg_gui.document.types import BACKGROUND, UNLABELLED

_COLOURS = 200
_FIRST_CLASS = 200
"""Pixels without an object number keep the colour of their class: codes 201 to 254."""
_LAST = 254


def object_codes(document: Document, image_id: str) -> ObjectCodes:
    """How the mask of an image is coloured by object.

    Codes are 0 for background, 255 for hidden classes and what is unlabelled, else the number of a colour.
    """
    layer, of_class = document.masks.layer(image_id), _class_codes(document)
    has_objects = (of_class != BACKGROUND) & (of_class != UNLABELLED)
    return ObjectCodes(layer.instances if layer.has_instances else None, of_class, has_objects, _COLOURS)


def hidden_objects(layer: MaskLayer) -> HiddenObjects | None:
    """The objects of a mask that are not drawn; None where all are."""
    if not layer.marks.hidden or not layer.has_instances:
        return None
    return HiddenObjects(layer.instances, np.array(sorted(layer.marks.hidden), np.uint32))


def _class_codes(document: Document) -> NDArray[np.uint8]:
    codes = np.minimum(np.arange(256) + _FIRST_CLASS, _LAST).astype(np.uint8)
    for class_id, entry in zip(document.classes.ids, document.classes, strict=True):
        if not entry.is_visible:
            codes[class_id] = UNLABELLED
    codes[BACKGROUND], codes[UNLABELLED] = BACKGROUND, UNLABELLED
    return codes


def object_colours(document: Document) -> NDArray[np.uint8]:
    """RGBA of every code of `object_codes`."""
    table = np.zeros((256, 4), np.uint8)
    table[1 : _COLOURS + 1, :3] = [rgb_from_hex(colour) for colour in palette(_COLOURS)]
    classes = document.classes
    for class_id, colour in zip(classes.ids, classes.rgb, strict=True):
        if BACKGROUND < class_id <= _LAST - _FIRST_CLASS:
            table[_FIRST_CLASS + class_id, :3] = colour
    table[1:UNLABELLED, 3] = 255
    return table
