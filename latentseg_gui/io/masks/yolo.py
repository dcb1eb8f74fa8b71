"""YOLO's segmentation text: one line per object, polygon corners as shares of width and height."""

from __future__ import annotations

import json

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.masks.polygons import bridged, keyhole, outlines_of, simplified
from latentseg_gui.io.masks.values import MaskItem, Picture, objects_of

LABELS, IMAGES = "labels", "images"
"""The two folders of a data set; a label is found by the place of its image."""


def text(item: MaskItem, classes: ClassTable) -> bytes:
    """One line per object; class 1 of the document is class 0 of the file, because the background is none.

    An outline keeps to half a pixel of the mask. Holes are cut in, and the parts of an object are joined,
    by lines without width.
    """
    rows, cols = item.shape
    lines = []
    for found in objects_of(item):
        rings = [keyhole(simplified(outline)) for outline in outlines_of(found.mask, found.rect)]
        corners = [f"{x / cols:.9g} {y / rows:.9g}" for x, y in bridged(rings)]
        lines.append(f"{found.class_id - 1} {' '.join(corners)}\n")
    return "".join(lines).encode()


def folder_files(classes: ClassTable) -> list[tuple[str, bytes | Picture]]:
    """What belongs to the whole folder: the names of the classes, in two spellings, and where images are.

    Without a "path" the folder of the file itself is meant, wherever it is moved to.
    """
    names = [entry.name for entry in classes][1:]
    listed = "".join(f"{name}\n" for name in names)
    entries = "".join(f"  {index}: {json.dumps(name)}\n" for index, name in enumerate(names))
    about = "# Put some of the images aside for val: what is trained on tells nothing of what was learned.\n"
    where = f"train: {IMAGES}\nval: {IMAGES}\n"
    return [
        ("classes.txt", listed.encode()),
        ("data.yaml", f"{about}{where}nc: {len(names)}\nnames:\n{entries}".encode()),
    ]
