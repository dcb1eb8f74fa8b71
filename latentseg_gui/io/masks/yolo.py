"""YOLO's segmentation text: one line per object, polygon corners as shares of width and height."""

from __future__ import annotations

import json

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.io.masks.polygons import keyhole, outlines_of
from latentseg_gui.io.masks.values import MaskItem, objects_of


def text(item: MaskItem, classes: ClassTable) -> bytes:
    """The lines; class 1 of the document is class 0 of the file, because the background is none.

    An object in several parts becomes several lines; a hole is cut in by a line without width.
    """
    rows, cols = item.shape
    lines = []
    for found in objects_of(item):
        for outline in outlines_of(found.mask, found.rect):
            corners = [f"{x / cols:.9g} {y / rows:.9g}" for x, y in keyhole(outline)]
            lines.append(f"{found.class_id - 1} {' '.join(corners)}\n")
    return "".join(lines).encode()


def folder_files(classes: ClassTable) -> list[tuple[str, bytes]]:
    """What belongs to the whole folder: the names of the classes, in two spellings."""
    names = [entry.name for entry in classes][1:]
    listed = "".join(f"{name}\n" for name in names)
    entries = "".join(f"  {index}: {json.dumps(name)}\n" for index, name in enumerate(names))
    return [
        ("classes.txt", listed.encode()),
        ("data.yaml", f"path: .\ntrain: images\nval: images\nnc: {len(names)}\nnames:\n{entries}".encode()),
    ]
