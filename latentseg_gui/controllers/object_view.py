"""Object numbers as something the canvas can draw: one of 200 colours each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.document import Document
from latentseg_gui.document.palette import palette, rgb_from_hex
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Labels, Rect

_COLOURS = 200
_FIRST_CLASS = 200
"""Pixels without an object number keep the colour of their class: codes 201 to 254."""
_LAST = 254


class ObjectView:
    """A picture of the objects of one image, kept up to date piece by piece.

    Attributes:
        codes: uint8 [H, W]: 0 background and hidden classes, 255 unlabelled, else a colour number.
        colours: RGBA of every code, uint8 [256, 4].
    """

    def __init__(self, document: Document, image_id: str) -> None:
        self._document = document
        self.image_id = image_id
        self.colours = object_colours(document)
        shape = document.layer(image_id).shape
        self.codes: Labels = np.empty(shape, np.uint8)
        self.update(Rect.whole(shape))

    def update(self, rect: Rect) -> None:
        """Takes a part of the mask again."""
        layer = self._document.layer(self.image_id)
        labels = layer.labels[rect.slices]
        part = self._class_codes().take(labels)
        if layer.has_instances:
            numbers = layer.instances[rect.slices]
            has_number = (numbers > 0) & (part != BACKGROUND) & (part != UNLABELLED)
            part[has_number] = (numbers[has_number] - 1) % _COLOURS + 1
        self.codes[rect.slices] = part

    def _class_codes(self) -> NDArray[np.uint8]:
        codes = np.minimum(np.arange(256) + _FIRST_CLASS, _LAST).astype(np.uint8)
        for class_id, entry in enumerate(self._document.classes):
            if not entry.is_visible:
                codes[class_id] = BACKGROUND
        codes[BACKGROUND], codes[UNLABELLED] = BACKGROUND, UNLABELLED
        return codes


def object_colours(document: Document) -> NDArray[np.uint8]:
    """RGBA of every code of `ObjectView`."""
    table = np.zeros((256, 4), np.uint8)
    table[1 : _COLOURS + 1, :3] = [rgb_from_hex(colour) for colour in palette(_COLOURS)]
    rgb = document.classes.rgb[1 : _LAST - _FIRST_CLASS + 1]
    table[_FIRST_CLASS + 1 : _FIRST_CLASS + 1 + len(rgb), :3] = rgb
    table[1:UNLABELLED, 3] = 255
    return table
