"""YOLO's segmentation text: one line per object, polygon corners as shares of width and height."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from latentseg_gui.document.brush import polygon_mask
from latentseg_gui.document.classes import ClassTable
from latentseg_gui.io.masks.polygons import keyhole, outlines_of
from latentseg_gui.io.masks.values import Canvas, ImportContext, ImportedMask, MaskItem, objects_of

_SNAP = 1e-3
_LEVELS = 3
_MAX_NAMES = 2**20


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


def names_near(path: Path) -> tuple[str, ...]:
    """The names of the classes of a file of labels, from "classes.txt" or a YAML beside or above it."""
    for folder in path.parents[:_LEVELS]:
        try:
            others = [folder / "data.yaml", folder / "dataset.yaml", *sorted(folder.glob("*.y*ml"))]
            for file in (folder / "classes.txt", *others):
                if file.is_file() and file.stat().st_size <= _MAX_NAMES:
                    text = file.read_text("utf-8", errors="replace")
                    names = _lines(text) if file.suffix == ".txt" else names_of_yaml(text)
                    if names:
                        return names
        except OSError:
            continue
    return ()


def names_of_yaml(text: str) -> tuple[str, ...]:
    """The names that a YOLO data set's YAML gives to its classes; empty if it gives none.

    Only what stands there in practice is understood: a list or numbered entries, in brackets or one a line.
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
    numbers = dict(entries)
    return tuple(numbers.get(number, f"class {number}") for number in range(max(numbers, default=-1) + 1))


def _inline_entries(text: str) -> Iterator[tuple[int, str]]:
    for index, part in enumerate(re.findall(r"\s*((?:\"[^\"]*\"|'[^']*'|[^,])+)", text.strip("[]{} "))):
        number, mark, name = part.partition(":")
        if mark and number.strip().isdigit():
            yield int(number), _unquoted(name)
        else:
            yield index, _unquoted(part)


def _block_entries(lines: list[str]) -> Iterator[tuple[int, str]]:
    index = 0
    for line in lines:
        entry = line.strip()
        number, mark, name = entry.partition(":")
        if entry.startswith("- "):
            yield index, _unquoted(entry[2:])
            index += 1
        elif mark and number.isdigit() and line[:1].isspace():
            yield int(number), _unquoted(name)
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


def read(data: bytes, context: ImportContext, names: tuple[str, ...] = ()) -> ImportedMask:
    """The mask again.

    Args:
        data: the lines.
        context: what is known of the image.
        names: of the file's classes, from "classes.txt"; empty: the document's own.
    """
    canvas = Canvas(context)
    boxes = 0
    for line in data.decode("utf-8").splitlines():
        words = line.split()
        if not words:
            continue
        if len(words) < 7:
            boxes += 1
            continue
        values = [float(word) for word in words[1 : 1 + (len(words) - 1) // 2 * 2]]
        rows, cols = context.shape
        points = [(_near(x * cols), _near(y * rows)) for x, y in zip(values[::2], values[1::2], strict=True)]
        rect, mask = polygon_mask(points, context.shape)
        canvas.put(rect, mask, _class_id(int(words[0]), canvas, names), None)
    if boxes:
        canvas.notes.append(f"{boxes} lines hold a box, not an outline, and were left out.")
    return canvas.finish()


def _near(value: float) -> float:
    """A corner of a pixel that lost its last digits is a corner of a pixel."""
    return float(round(value)) if abs(value - round(value)) < _SNAP else value


def _class_id(index: int, canvas: Canvas, names: tuple[str, ...]) -> int:
    if index < 0:
        raise ValueError(f"class {index}")
    if names:
        return canvas.class_id(names[index] if index < len(names) else f"class {index}")
    return canvas.numbered_class(index + 1)
