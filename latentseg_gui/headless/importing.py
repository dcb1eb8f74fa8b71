"""`latentseg import`: images with masks of any tool, as a project that the window opens."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.types import UNLABELLED, Provenance
from latentseg_gui.headless.common import Failures, find_images
from latentseg_gui.headless.masks import MaskReader, Pair, add_pair_arguments, pair_with_masks
from latentseg_gui.io.images import probe
from latentseg_gui.io.project import save_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pair_arguments(parser, "of the same names as the images, in any format, or a COCO file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="the project")
    parser.add_argument("--classes", default="background,object", help="names by class id, with commas")


def run(options: argparse.Namespace) -> int:
    """Make the project; a mask that fails does not stop the others."""
    pairs = pair_with_masks(options.images, options.masks)
    reader = MaskReader(ClassTable.from_names([name.strip() for name in options.classes.split(",")]))
    document, failures, count = Document(reader.classes), Failures(), 0
    document.add_paths(find_images([options.images]))
    for pair in pairs:
        with failures.caught():
            _take_over(document, pair, reader)
            count += 1
    if not count:
        failures.exit_code()
        raise LatentsegError("None of the masks could be used.", action="See the lines above.")
    save_project(document, options.output).close()
    print(f"{count} masks of {len(document.image_ids)} images are in {options.output}")
    return failures.exit_code()


def _take_over(document: Document, pair: Pair, reader: MaskReader) -> None:
    header = probe(pair.image)
    mask = reader.mask(pair, (header.height, header.width))
    for note in mask.notes:
        print(f"{pair.image.name}: {note}")
    provenance = mask.provenance
    if provenance is None:
        provenance = np.where(mask.labels == UNLABELLED, np.uint8(0), np.uint8(Provenance.PAINTED))
    document.set_classes(mask.classes)
    image_id = document.add_path(pair.image)
    document.load_mask(image_id, mask.labels, provenance, mask.instances)
    document.layer(image_id).pack()
