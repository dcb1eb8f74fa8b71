"""`latentseg export`: masks of one format, or of a project, as another."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.headless.common import Failures, output_stems
from latentseg_gui.headless.masks import MaskReader, add_meaning_arguments, pairs_asked_for, write_masks
from latentseg_gui.io.batch import page_name, picture_name
from latentseg_gui.io.images import read_image
from latentseg_gui.io.masks import FORMATS, MaskItem
from latentseg_gui.io.opening import open_project
from latentseg_gui.io.paths import unique_stems

_FORMATS = [name for name, each in FORMATS.items() if not each.needs_probabilities]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--project", type=Path, metavar="DIR", help="every mask of a project")
    parser.add_argument("--images", type=Path, metavar="DIR", help="with --masks, instead of --project")
    parser.add_argument(
        "--masks",
        type=Path,
        metavar="DIR|FILE",
        help="of the same names as the images, in any format, or a COCO file",
    )
    add_meaning_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--format", required=True, choices=_FORMATS, metavar="FORMAT", help=", ".join(_FORMATS)
    )
    parser.add_argument(
        "--classes", default="background,object", help="names by class id, with commas (not for projects)"
    )


def run(options: argparse.Namespace) -> int:
    """Convert every mask; one that fails does not stop the others."""
    if options.project is not None and options.images is None and options.masks is None:
        return _export_project(options)
    if options.project is not None or options.images is None or options.masks is None:
        raise LatentsegError(
            "It is not clear what to export.", action="Name --project, or --images and --masks."
        )
    return _export_folder(options)


def _export_folder(options: argparse.Namespace) -> int:
    pairs = pairs_asked_for(options)
    reader = MaskReader(ClassTable.from_names([name.strip() for name in options.classes.split(",")]))
    failures, stems = Failures(), output_stems([pair.image for pair in pairs])
    items: list[MaskItem] = []
    for pair in pairs:  # all are read first: the last file may bring a new class
        with failures.caught():
            record = read_image(pair.image)
            mask = reader.mask(pair, record.shape)
            for note in mask.notes:
                print(f"{pair.image.name}: {note}")
            pixels = record.pixels if FORMATS[options.format].needs_pixels else None
            stem, name = stems[pair.image], pair.image.name
            items.append(
                MaskItem(stem, mask.labels, mask.instances, mask.provenance, pixels, image_name=name)
            )
    write_masks(
        options.output,
        items,
        [item.stem for item in items],
        reader.classes,
        options.format,
        sources=[path for pair in pairs for path in (pair.image, pair.mask.path)],
        failures=failures,
    )
    return failures.exit_code()


def _export_project(options: argparse.Namespace) -> int:
    """What was labelled in a project; the project itself is left as it is, also if a window has it open."""
    opened = open_project(options.project)
    try:
        document = opened.document
        for notice in opened.notices:
            print(notice)
        if opened.recovery is not None:
            print("Changes after the last save are not exported: open the project and restore them first.")
        ids = list(document.vouched_ids())
        if not ids:
            raise LatentsegError(
                f"The project “{options.project.name}” has no masks.", action="Choose another."
            )
        paths = {each: document.path(each) or Path(each) for each in ids}
        stems = unique_stems([page_name(paths[each].stem, document.frame(each)) for each in ids])
        failures = Failures()
        write_masks(
            options.output,
            _items(document, dict(zip(ids, stems, strict=True)), options.format, failures),
            stems,
            document.classes,
            options.format,
            sources=list(paths.values()),
            failures=failures,
        )
    finally:
        opened.session.close()  # changes that wait to be recovered stay
    return failures.exit_code()


def _items(
    document: Document, stems: dict[str, str], format_name: str, failures: Failures
) -> Iterator[MaskItem]:
    """One after the other; each is packed again once it is written."""
    for image_id, stem in stems.items():
        path, layer = document.path(image_id), document.layer(image_id)
        item: MaskItem | None = None
        with failures.caught():
            needs_pixels = FORMATS[format_name].needs_pixels and path is not None
            pixels = (
                read_image(path, frame=document.frame(image_id)).pixels if needs_pixels and path else None
            )
            item = MaskItem(
                stem,
                np.array(layer.labels),
                np.array(layer.instances) if layer.has_instances else None,
                np.array(layer.provenance),
                pixels,
                image_name=image_id if path is None else picture_name(path, document.frame(image_id)),
            )
        if item is not None:
            yield item
            document.layer(image_id).pack()
