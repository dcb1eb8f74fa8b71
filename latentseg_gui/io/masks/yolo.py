"""YOLO's segmentation text: one line per object, polygon corners as shares of width and height."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.io.masks.annotations import (
    Annotation,
    Box,
    ShapeError,
    finite_corners,
    gathered,
    outline,
    polygon,
)
from latentseg_gui.io.masks.drawing import Drawing
from latentseg_gui.io.masks.encodings import text_of
from latentseg_gui.io.masks.files import contents
from latentseg_gui.io.masks.naming import KnownClasses
from latentseg_gui.io.masks.polygons import bridged, keyhole, outlines_of, simplified
from latentseg_gui.io.masks.values import (
    ImportContext,
    ImportedMask,
    MaskError,
    MaskItem,
    PairedImage,
    object_areas,
)

_SNAP = 1e-3
_LEVELS = 3
_MAX_NAMES = 2**20
_MAX_CLASS = 253
_MAX_LINE = 2**22
_SLACK = 1.5
"""Shares a little above 1 are rounded corners; far above they are pixels."""


def names_near(path: Path) -> tuple[tuple[str, ...], str]:
    """The names of the classes of a file of labels, from "classes.txt" or a YAML beside or above it.

    Returns:
        The names, and what to say of a file that may hold them and cannot be read; empty where there is none.
    """
    unread = ""
    for folder in path.parents[:_LEVELS]:
        try:
            others = [folder / "data.yaml", folder / "dataset.yaml", *sorted(folder.glob("*.y*ml"))]
            for file in (folder / "classes.txt", folder / "obj.names", *others):
                if file.is_file() and file.stat().st_size <= _MAX_NAMES:
                    text = text_of(contents(file, _MAX_NAMES), file.name)
                    names = _lines(text) if file.suffix in (".txt", ".names") else names_of_yaml(text)
                    if names:
                        return names, ""
        except (OSError, MaskError) as error:
            unread = unread or f"The names of the classes were not read: {error}"
    return (), unread


def names_of_yaml(text: str) -> tuple[str, ...]:
    """The names that a YOLO data set's YAML gives to its classes; empty if it gives none.

    Only what stands there in practice is understood: a list or numbered entries, in brackets or one a line.
    Numbers that no class can have are passed over.
    """
    lines = [line.split(" #")[0].rstrip() for line in text.splitlines()]
    start = next((index for index, line in enumerate(lines) if line.startswith("names:")), None)
    if start is None:
        return ()
    inline = lines[start].removeprefix("names:").strip()
    if inline:
        rest = " ".join([inline, *(line for line in lines[start + 1 :] if line.startswith((" ", "]", "}")))])
        entries = list(_inline_entries(rest))
    else:
        entries = list(_block_entries(lines[start + 1 :]))
    numbers = {number: name for number, name in entries if number <= _MAX_CLASS}
    return tuple(numbers.get(number, f"class {number}") for number in range(max(numbers, default=-1) + 1))


def _number(text: str) -> int | None:
    """A class number; None if it is none that can be. Superscripts are digits to `str.isdigit`, not here."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _inline_entries(text: str) -> Iterator[tuple[int, str]]:
    for index, part in enumerate(re.findall(r"\s*((?:\"[^\"]*\"|'[^']*'|[^,])+)", text.strip("[]{} "))):
        key, mark, name = part.partition(":")
        number = _number(_unquoted(key)) if mark else None
        yield (index, _unquoted(part)) if number is None else (number, _unquoted(name))


def _block_entries(lines: list[str]) -> Iterator[tuple[int, str]]:
    index = 0
    for line in lines:
        entry = line.strip()
        key, mark, name = entry.partition(":")
        number = _number(_unquoted(key)) if mark and line[:1].isspace() else None
        if entry.startswith("- "):
            yield index, _unquoted(entry[2:])
            index += 1
        elif number is not None:
            yield number, _unquoted(name)
        elif entry:
            return


def _unquoted(text: str) -> str:
    text = text.strip()
    if text[:1] in "\"'" and len(text) > 1 and text[-1] == text[0]:
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError):
            return text[1:-1]
    return text


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def read_yolo(
    data: bytes, context: ImportContext, names: tuple[str, ...] = (), unread: str = ""
) -> ImportedMask:
    """The mask; boxes and lines that are damaged are named and left without label.

    Args:
        data: the lines.
        context: what is known of the image.
        names: of the file's classes, from "classes.txt"; empty: the document's own.
        unread: what to say of names that could not be read.
    """
    known = KnownClasses(context)
    known.expect(names)
    drawing = Drawing(context, known)
    drawing.take(*gathered(_entries(text_of(data), context.shape, names)))
    read_yolo = drawing.finish()
    return replace(read_yolo, notes=(*read_yolo.notes, unread)) if unread else read_yolo


def _entries(
    text: str, shape: tuple[int, int], names: tuple[str, ...]
) -> Iterator[tuple[str, str | None, Callable[[], Annotation]]]:
    for index, line in enumerate(text.splitlines(), 1):
        line = spaced(line)
        head = line[:32].split()
        if head and not head[0].startswith("#"):
            number = _class_of(head[0])
            name = names[number] if number is not None and number < len(names) else None
            yield f"line #{index}", name, partial(_annotation, f"line #{index}", line, shape, name, number)


def spaced(line: str) -> str:
    """A line whose numbers stand apart by commas, or have commas for points, as YOLO itself writes it."""
    if "," not in line or len(line) > _MAX_LINE:
        return line
    is_decimal = "." not in line and all("," in word.strip(",") for word in line.split()[1:])
    return line.replace(",", "." if is_decimal else " ")


def _class_of(word: str) -> int | None:
    """The class that a line begins with, "0" or "0.0"; None if it is none."""
    try:
        value = float(word)
    except ValueError:
        return None
    return int(value) if value.is_integer() and 0 <= value <= _MAX_CLASS else None


def _annotation(
    where: str, line: str, shape: tuple[int, int], name: str | None, number: int | None
) -> Annotation:
    if len(line) > _MAX_LINE:
        raise ShapeError("the line is far too long for an outline")
    values = _values(line)
    box = _box(values, shape) if 4 <= len(values) <= 5 else None
    if number is None:
        raise ShapeError(f"“{line.split()[0][:20]}” is not the number of a class", box)
    if len(values) < 6:
        raise ShapeError("it holds a box, not an outline", box)
    corners = values[: len(values) // 2 * 2].reshape(-1, 2)  # [n, 2]; a last number is how sure a model was
    if corners.max() > _SLACK or corners.min() < 1 - _SLACK:
        raise ShapeError("its corners are not fractions of width and height (pixels?)")
    points = corners * (shape[1], shape[0])
    near = np.round(points)  # a corner of a pixel that lost its last digits is a corner of a pixel
    points = np.where(np.abs(points - near) < _SNAP, near, points)
    piece = polygon(finite_corners([tuple(point) for point in points.tolist()]))
    class_number = None if name is not None else number + 1
    return outline(where, name, [piece], class_number=class_number)


def _values(line: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The numbers after the class."""
    try:
        values = np.array(line.split()[1:], np.float64)
    except ValueError:
        raise ShapeError("it holds something else than numbers") from None
    if not np.isfinite(values).all():
        raise ShapeError("a corner is not a finite number")
    return values


def _box(values: np.ndarray[tuple[int], np.dtype[np.float64]], shape: tuple[int, int]) -> Box | None:
    """The place of a line of centre, width and height; None if these are no shares."""
    x, y, width, height = values[:4].tolist()
    if max(x, y, width, height) > _SLACK or min(width, height) < 0:
        return None
    rows, cols = shape
    return (x - width / 2) * cols, (y - height / 2) * rows, (x + width / 2) * cols, (y + height / 2) * rows


LABELS, IMAGES = "labels", "images"
"""The two folders of a data set; a label is found by the place of its image."""


def text(item: MaskItem, classes: ClassTable) -> bytes:
    """One line per object; class 1 of the document is class 0 of the file, because the background is none.

    An outline keeps to half a pixel of the mask. Holes are cut in, and the parts of an object are joined,
    by lines without width.
    """
    rows, cols = item.shape
    lines = []
    for found in object_areas(item):
        rings = [keyhole(simplified(outline)) for outline in outlines_of(found.mask, found.rect)]
        corners = [f"{x / cols:.9g} {y / rows:.9g}" for x, y in bridged(rings)]
        lines.append(f"{found.class_id - 1} {' '.join(corners)}\n")
    return "".join(lines).encode()


def folder_files(classes: ClassTable) -> list[tuple[str, bytes | PairedImage]]:
    """What belongs to the whole folder: the names of the classes, in two spellings, and where images are.

    Without a "path" the folder of the file itself is meant, wherever it is moved to.
    """
    names = [entry.name for entry in classes][1:]
    listed = "".join(f"{name}\n" for name in names)
    entries = "".join(f"  {index}: {json.dumps(name)}\n" for index, name in enumerate(names))
    about = "# Set some of the images aside for val: images that were trained on do not show how well it learned.\n"
    where = f"train: {IMAGES}\nval: {IMAGES}\n"
    return [
        ("classes.txt", listed.encode()),
        ("data.yaml", f"{about}{where}nc: {len(names)}\nnames:\n{entries}".encode()),
    ]
