"""`latentseg export`: masks of one format, or of a project, as another."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable, numbered_labels
from latentseg_gui.headless.subcommand import (
    Failures,
    add_output_arguments,
    ledger_of,
    read_in_time,
    require_inputs,
    with_stuff,
)
from latentseg_gui.headless.transfer.masks import (
    Export,
    MaskReader,
    add_meaning_arguments,
    add_picture_argument,
    pairs_asked_for,
)
from latentseg_gui.io.masks import FORMATS, MaskItem, PairedImage
from latentseg_gui.io.masks.measuring import stored_values
from latentseg_gui.io.naming import common_folder, picture_name, stems_of
from latentseg_gui.io.project.opening import open_project

_FORMATS = [name for name, each in FORMATS.items() if not each.needs_probabilities]


_UNNAMED = ClassTable.from_names(["background"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--project", type=Path, metavar="DIR", help="project whose masks are exported")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of images, with --masks, instead of --project"
    )
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="DIR|FILE",
        help="folder of masks named as the images, in any format, or a COCO file",
    )
    add_output_arguments(parser)
    parser.add_argument(
        "--format", required=True, choices=_FORMATS, metavar="FORMAT", help=", ".join(_FORMATS)
    )
    parser.add_argument(
        "--classes",
        help="class names in the order of their ids, with commas (not for projects; default: as in the masks)",
    )
    parser.add_argument(
        "--stuff",
        metavar="CLASS[,CLASS...]",
        help="classes without objects, such as sky: each is one area of an image (default: as the project says)",
    )
    add_meaning_arguments(parser)
    add_picture_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Convert every mask; one that fails does not stop the others."""
    require_inputs(options)
    if options.project is not None and options.images is None and options.masks is None:
        return _export_project(options)
    if options.project is not None or options.images is None or options.masks is None:
        raise LatentsegError(
            "It is not clear what to export.", action="Name --project, or --images and --masks."
        )
    return _export_folder(options)


def _export_folder(options: argparse.Namespace) -> int:
    pairs = pairs_asked_for(options, options.output)
    pages = [(pair.image, 0) for pair in pairs]
    stems = stems_of(pages, options.images)
    sources = [pair.mask.path for pair in pairs]
    _exporting(options, _UNNAMED).check(pages, stems, sources)  # before the work of reading them
    reader = MaskReader(_named(options) or _UNNAMED)
    failures = Failures()
    items: list[MaskItem] = []
    for pair, stem in zip(pairs, stems, strict=True):  # all are read first: the last may bring a new class
        with failures.caught(pair.image):
            mask = reader.mask(pair, read_in_time(pair.image).shape)
            for note in mask.notes:
                print(f"{pair.image.name}: {note}")
            items.append(
                MaskItem(
                    stem,
                    mask.labels,
                    mask.instances,
                    mask.provenance,
                    image_name=picture_name(pair.image, 0, options.images),
                    picture=PairedImage(pair.image, 0, options.yolo_images == "link"),
                )
            )
    classes = with_stuff(reader.classes, options.stuff)
    exporting = _exporting(options, classes)
    exporting.check(pages, stems, sources)
    items = [replace(item, stuff=classes.stuff) for item in items]
    exporting.write(_with_images(items, options.format, failures), failures)
    return failures.exit_code()


def _named(options: argparse.Namespace) -> ClassTable | None:
    given: str | None = options.classes
    return None if given is None else ClassTable.from_names([name.strip() for name in given.split(",")])


def _exporting(options: argparse.Namespace, classes: ClassTable) -> Export:
    links = options.yolo_images == "link"
    return Export(options.output, classes, options.format, ledger_of(options), links)


def _with_images(items: Iterable[MaskItem], format_name: str, failures: Failures) -> Iterator[MaskItem]:
    """The items with what the format needs of their images, one in memory at a time."""
    for item in items:
        ready: MaskItem | None = None
        with failures.caught(item.image_name):
            ready = _with_image(item, format_name)
        if ready is not None:
            yield ready


def _with_image(item: MaskItem, format_name: str) -> MaskItem:
    mask_format, picture = FORMATS[format_name], item.picture
    if picture is None or picture.path is None or not mask_format.needs_image(picture):
        return item
    record = read_in_time(picture.path, picture.frame)
    stored = stored_values(record) if mask_format.needs_values else None
    return replace(item, pixels=record.pixels, stored=stored)


def _export_project(options: argparse.Namespace) -> int:
    """What was labelled in a project; the project itself is left as it is, also if a window has it open."""
    opened = open_project(options.project)
    try:
        document = opened.document
        for notice in opened.notices:
            print(notice)
        if opened.recovery is not None:
            print("Changes after the last save are not exported: open the project and restore them first.")
        ids = list(document.masks.labelled_ids())
        if not ids:
            raise LatentsegError(
                f"The project “{options.project.name}” has no masks.", action="Choose another."
            )
        pages = [(document.images.path(each) or Path(each), document.images.frame(each)) for each in ids]
        stems = stems_of(pages)
        classes = with_stuff(document.classes.numbered, options.stuff)
        failures, exporting = Failures(), _exporting(options, classes)
        exporting.check(pages, stems, ())
        items = _items(document, dict(zip(ids, stems, strict=True)), options, failures, classes.stuff)
        exporting.write(items, failures)
    finally:
        opened.session.close()  # changes that wait to be recovered stay
    return failures.exit_code()


def _items(
    document: Document,
    stems: dict[str, str],
    options: argparse.Namespace,
    failures: Failures,
    stuff: frozenset[int],
) -> Iterator[MaskItem]:
    """One after the other; each is packed again once it is written."""
    root = common_folder(path for each in stems if (path := document.images.path(each)) is not None)
    for image_id, stem in stems.items():
        path, layer = document.images.path(image_id), document.masks.layer(image_id)
        frame = document.images.frame(image_id)
        item: MaskItem | None = None
        with failures.caught(path or image_id):
            item = MaskItem(
                stem,
                numbered_labels(np.array(layer.labels), document.classes),
                np.array(layer.instances) if layer.has_instances else None,
                np.array(layer.provenance),
                image_name=image_id if path is None else picture_name(path, frame, root),
                picture=PairedImage(path, frame, options.yolo_images == "link"),
                stuff=stuff,
                makers=document.makers.of_image(image_id),
            )
            item = _with_image(item, options.format)
        if item is not None and not failures.has_just_failed:
            yield item
            document.masks.layer(image_id).pack()
