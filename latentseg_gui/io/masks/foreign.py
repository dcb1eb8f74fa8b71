"""Annotation files of programs that latentseg does not write for: ISAT, VIA, Label Studio and CVAT's XML."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree

import numpy as np

from latentseg_gui.document.types import Mask, Rect
from latentseg_gui.io.masks.annotations import (
    Annotation,
    Box,
    Points,
    ShapeError,
    box_around,
    box_of,
    ellipse,
    finite_corners,
    gathered,
    number,
    outline,
    points_of,
    polygon,
)
from latentseg_gui.io.masks.drawing import Drawing
from latentseg_gui.io.masks.values import ImportContext, ImportedMask, MaskError

Entry = tuple[str, str | None, Callable[[tuple[int, int]], Annotation]]
"""(place, name of the class, what makes it for an image of a shape)."""

_HASH = re.compile(r"[0-9a-f]{8}-(?=.)")
_IMAGE = re.compile(r"\.(png|jpe?g|tiff?|bmp|webp|gif)$", re.IGNORECASE)
_NO_AREA = "a {0} has no area"
_BOX = "it holds a box, not an outline"


@dataclass(frozen=True, slots=True)
class ForeignImage:
    """What a file says of one image.

    Attributes:
        name: of the image.
        shape: (rows, columns); None where the file does not say.
        entries: its annotations.
    """

    name: str
    shape: tuple[int, int] | None
    entries: tuple[Entry, ...]

    def read(self, context: ImportContext) -> tuple[tuple[int, ...], ImportedMask | None]:
        """The shape found, and the mask unless that shape is wrong."""
        shape = self.shape or context.shape
        if shape != context.shape:
            return shape, None
        drawing = Drawing(context)
        drawing.take(*gathered((where, name, partial(make, shape)) for where, name, make in self.entries))
        return shape, drawing.finish()


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file of another program: what it is called, and its images."""

    kind: str
    images: tuple[ForeignImage, ...]


def of_json(content: object) -> ForeignFile | None:
    """What a JSON file says; None if it is of none of these programs."""
    if isinstance(content, dict) and isinstance(content.get("objects"), list) and "info" in content:
        return ForeignFile("ISAT file", (_isat(content),))
    if isinstance(content, dict):
        entries = content.get("_via_img_metadata", content)
        if isinstance(entries, dict) and entries and all(map(_is_via, entries.values())):
            return ForeignFile("VIA file", tuple(_via(each) for each in entries.values()))
        content = [content]
    if isinstance(content, list) and content and all(map(_is_label_studio, content)):
        return ForeignFile("Label Studio file", tuple(_label_studio(task) for task in content))
    return None


def _shape(rows: object, cols: object) -> tuple[int, int] | None:
    try:
        shape = round(number(rows)), round(number(cols))
    except (TypeError, ValueError, OverflowError):
        return None
    return shape if min(shape) > 0 else None


def _base(path: object) -> str:
    name = PurePosixPath(str(path or "").replace("\\", "/").split("?")[0]).name
    return _HASH.sub("", name, count=1) if _HASH.match(name) else name


def _isat(content: dict[str, Any]) -> ForeignImage:
    info = content["info"] if isinstance(content["info"], dict) else {}
    entries = []
    for index, entry in enumerate(content["objects"], 1):
        where = f"object #{index}"
        name = str(entry["category"]) if isinstance(entry, dict) and entry.get("category") else None
        entries.append((where, name, partial(_of_isat, where, name, entry)))
    return ForeignImage(
        _base(info.get("name")), _shape(info.get("height"), info.get("width")), tuple(entries)
    )


def _of_isat(where: str, name: str | None, entry: dict[str, Any], shape: tuple[int, int]) -> Annotation:
    group = entry.get("group")
    box = box_of(entry.get("bbox"), is_size=False)
    try:
        piece = polygon(points_of(entry.get("segmentation")))
    except ShapeError as error:
        raise ShapeError(error.reason, box or error.box) from error
    is_number = isinstance(group, int) and not isinstance(group, bool) and 0 < group < 2**32
    return outline(where, name, [piece], group if is_number else None)


def _is_via(entry: object) -> bool:
    return isinstance(entry, dict) and "filename" in entry and "regions" in entry


def _via(entry: dict[str, Any]) -> ForeignImage:
    regions = entry["regions"]
    regions = list(regions.values()) if isinstance(regions, dict) else regions
    entries = []
    for index, region in enumerate(regions if isinstance(regions, list) else (), 1):
        where, name = f"region #{index}", _via_name(region)
        entries.append((where, name, partial(_of_via, where, name, region)))
    return ForeignImage(_base(entry["filename"]), None, tuple(entries))


def _via_name(region: Any) -> str | None:
    """The class: the attribute that is called so, else the first one."""
    attributes = region.get("region_attributes") if isinstance(region, dict) else None
    if not isinstance(attributes, dict) or not attributes:
        return None
    known = ("label", "class", "name", "category", "type")
    key = next((each for each in known if each in attributes), next(iter(attributes)))
    value = attributes[key]
    if isinstance(value, dict):  # a box that was ticked
        value = next((each for each, is_on in value.items() if is_on), "")
    return str(value).strip() or None


def _of_via(where: str, name: str | None, region: dict[str, Any], shape: tuple[int, int]) -> Annotation:
    about = region["shape_attributes"]
    kind = about.get("name")
    if kind in ("polygon", "polyline"):
        pairs = zip(about["all_points_x"], about["all_points_y"], strict=True)
        points = points_of([list(pair) for pair in pairs])
        if kind == "polyline":
            raise ShapeError(_NO_AREA.format(kind), box_around(points))
        return outline(where, name, [polygon(points)])
    if kind in ("circle", "ellipse"):
        radius = about.get("r", about.get("rx"))
        rx, ry = number(radius), number(about.get("ry", radius))
        turned = np.degrees(number(about.get("theta", 0)))
        piece = ellipse(number(about["cx"]), number(about["cy"]), rx, ry, float(turned))
        return outline(where, name, [piece])
    if kind == "rect":
        raise ShapeError(_BOX, box_of([about.get(key) for key in ("x", "y", "width", "height")]))
    point = points_of([[about["cx"], about["cy"]]]) if "cx" in about else None
    raise ShapeError(_NO_AREA.format(kind), None if point is None else box_around(point))


def _is_label_studio(task: object) -> bool:
    return (
        isinstance(task, dict)
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations", task.get("completions")), list)
    )


def _label_studio(task: dict[str, Any]) -> ForeignImage:
    values = [value for value in task["data"].values() if isinstance(value, str)]
    image = next((value for value in values if _IMAGE.search(value.split("?")[0])), "")
    results = []
    for annotation in task.get("annotations", task.get("completions")) or ():
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            found = annotation.get("result")
            results += found if isinstance(found, list) else []
    sizes = (_shape(each.get("original_height"), each.get("original_width")) for each in results)
    shape = next((size for size in sizes if size is not None), None)
    entries = []
    for index, result in enumerate(results, 1):
        where, name = f"result #{index}", _label_of(result)
        entries.append((where, name, partial(_of_label_studio, where, name, result)))
    return ForeignImage(_base(image), shape, tuple(entries))


def _label_of(result: Any) -> str | None:
    value = result.get("value") if isinstance(result, dict) else None
    labels = value.get(str(result.get("type"))) or value.get("labels") if isinstance(value, dict) else None
    return str(labels[0]) if isinstance(labels, list) and labels else None


def _of_label_studio(
    where: str, name: str | None, result: dict[str, Any], shape: tuple[int, int]
) -> Annotation:
    value, kind = result["value"], str(result.get("type"))
    across, down = shape[1] / 100, shape[0] / 100  # the file counts in per cent
    if "points" in value and kind.startswith("polygon"):
        points = points_of(value["points"]) * (across, down)
        return outline(where, name, [polygon(points)])
    if kind.startswith("ellipse"):
        x, y, rx, ry = (number(value[key]) for key in ("x", "y", "radiusX", "radiusY"))
        turned = number(value.get("rotation", 0))
        return outline(where, name, [ellipse(x * across, y * down, rx * across, ry * down, turned)])
    if kind.startswith("rectangle"):
        box = box_of([value.get(key) for key in ("x", "y", "width", "height")])
        if value.get("rotation") or box is None:
            raise ShapeError(_BOX)
        raise ShapeError(_BOX, (box[0] * across, box[1] * down, box[2] * across, box[3] * down))
    raise ShapeError(f"“{kind}” cannot be read; export it as COCO there")


def of_xml(text: str) -> ForeignFile:
    """The images of CVAT's XML.

    Raises:
        MaskError: if it is another kind of XML.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise MaskError("The XML file defines entities, which no annotation needs.", action="Export it anew.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise MaskError(f"The XML file is damaged: {error}.", action="Export it once more.") from error
    if root.tag != "annotations" or root.find("image") is None:
        raise MaskError(
            "The XML file is not one of CVAT for images (Pascal VOC boxes hold no masks).",
            action="Export the masks as COCO, or as CVAT for images.",
        )
    return ForeignFile("CVAT file", tuple(_cvat(image) for image in root.iter("image")))


def _cvat(image: ElementTree.Element) -> ForeignImage:
    entries = []
    for index, entry in enumerate((each for each in image if each.tag != "tag"), 1):
        where, name = f"{entry.tag} #{index}", entry.get("label")
        entries.append((where, name, partial(_of_cvat, where, name, dict(entry.attrib), entry.tag)))
    name = (image.get("name") or "").replace("\\", "/")
    return ForeignImage(name, _shape(image.get("height"), image.get("width")), tuple(entries))


def _of_cvat(
    where: str, name: str | None, about: dict[str, str], kind: str, shape: tuple[int, int]
) -> Annotation:
    group = about.get("group_id", "")
    count = int(group) if group.isascii() and group.isdecimal() and 0 < int(group) < 2**32 else None
    if kind == "polygon":
        return outline(where, name, [polygon(_cvat_points(about))], count)
    if kind == "ellipse":
        x, y, rx, ry = (number(about[key]) for key in ("cx", "cy", "rx", "ry"))
        return outline(where, name, [ellipse(x, y, rx, ry, number(about.get("rotation", 0)))], count)
    if kind == "mask":
        rect, mask = _cvat_mask(about, shape)
        return Annotation(where, name, (), lambda: (rect, mask), float(mask.sum()), count)
    if kind == "box":
        raise ShapeError(_BOX, _cvat_box(about))
    raise ShapeError(_NO_AREA.format(kind), box_around(_cvat_points(about)))


def _cvat_points(about: dict[str, str]) -> Points:
    pairs = [pair.split(",") for pair in about["points"].split(";") if pair.strip()]
    return finite_corners([(number(pair[0]), number(pair[1])) for pair in pairs])


def _cvat_box(about: dict[str, str]) -> Box | None:
    if number(about.get("rotation", 0)):
        return None
    return box_of([about.get(key) for key in ("xtl", "ytl", "xbr", "ybr")], is_size=False)


def _cvat_mask(about: dict[str, str], shape: tuple[int, int]) -> tuple[Rect, Mask]:
    """Runs of 0 and 1 in turn, row by row, in a box."""
    left, top, width, height = (int(about[key]) for key in ("left", "top", "width", "height"))
    rect = Rect(top, left, top + height, left + width)
    box = (float(left), float(top), float(left + width), float(top + height))
    runs = [int(run) for run in about["rle"].split(",")]
    if rect.clipped(shape) != rect or min(runs) < 0 or sum(runs) != width * height:
        raise ShapeError("its mask does not fit its box", box)
    values = np.arange(len(runs)) % 2 == 1
    return rect, np.repeat(values, runs).reshape(height, width)
