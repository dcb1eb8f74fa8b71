"""`latentseg export`: masks of one format as another."""

from __future__ import annotations

import argparse
from pathlib import Path

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.headless.common import Failures, output_stems
from latentseg_gui.headless.masks import MaskReader, pair_with_masks, write_masks
from latentseg_gui.io.images import read_image
from latentseg_gui.io.masks import FORMATS, MaskItem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument("--masks", type=Path, required=True, metavar="DIR", help="of the same names")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    names = [name for name, each in FORMATS.items() if not each.needs_probabilities]
    parser.add_argument("--format", required=True, choices=names, metavar="FORMAT", help=", ".join(names))
    parser.add_argument("--classes", default="background,object", help="names by class id, with commas")


def run(options: argparse.Namespace) -> int:
    """Convert every mask; one that fails does not stop the others."""
    pairs = pair_with_masks(options.images, options.masks)
    reader = MaskReader(ClassTable.from_names([name.strip() for name in options.classes.split(",")]))
    failures, stems = Failures(), output_stems([image for image, _ in pairs])
    items: list[MaskItem] = []
    for image_path, mask_path in pairs:  # all are read first: the last file may bring a new class
        with failures.caught():
            record = read_image(image_path)
            labels = reader.read(mask_path, record.shape, image_path.name)
            pixels = record.pixels if FORMATS[options.format].needs_pixels else None
            items.append(MaskItem(stems[image_path], labels, pixels=pixels, image_name=image_path.name))
    write_masks(
        options.output,
        items,
        [item.stem for item in items],
        reader.classes,
        options.format,
        sources=[path for pair in pairs for path in pair],
        failures=failures,
    )
    return failures.exit_code()
