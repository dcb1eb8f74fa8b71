"""`latentseg import`: images with masks of any tool, as a project that the window opens."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from latentseg_gui.document.document import Document
from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED, Provenance
from latentseg_gui.headless.subcommand import Failures, find_images, require_inputs
from latentseg_gui.headless.transfer.masks import MaskReader, Pair, add_pair_arguments, pairs_asked_for
from latentseg_gui.io.images.reading import probe
from latentseg_gui.io.masks.values import ImportedMask, Tally
from latentseg_gui.io.paths import shown
from latentseg_gui.io.project.manifest import MANIFEST
from latentseg_gui.io.project.saving import save_project


@dataclass(slots=True)
class _Came:
    """What came in.

    Attributes:
        masks: how many.
        objects: how many of those that files list.
        is_listing: whether any file lists objects.
    """

    masks: int = 0
    objects: Tally = field(default_factory=lambda: Tally(0, 0))
    is_listing: bool = False

    def add(self, mask: ImportedMask) -> None:
        """One more mask."""
        self.masks += 1
        if mask.tally is not None:
            self.objects, self.is_listing = self.objects + mask.tally, True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pair_arguments(parser, "folder of masks named as the images, in any format, or a COCO file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the new project"
    )
    parser.add_argument(
        "--classes",
        help="class names in the order of their ids, with commas (default: background, and those that masks bring)",
    )


def run(options: argparse.Namespace) -> int:
    """Make the project; a mask that fails does not stop the others."""
    require_inputs(options)
    _refuse_project(options.output)
    pairs = pairs_asked_for(options)
    names = [name.strip() for name in options.classes.split(",")] if options.classes else ["background"]
    reader = MaskReader(ClassTable.from_names(names))
    document, failures, came = Document(reader.classes), Failures(), _Came()
    document.images.add_paths(find_images([options.images]))
    for pair in pairs:
        with failures.caught():
            came.add(_take_over(document, pair, reader))
    if not came.masks:
        failures.exit_code()
        raise LatentsegError("None of the masks could be used.", action="See the lines above.")
    if len(document.classes) == 1:  # all of it is background: there is something to be labelled yet
        document.set_classes(ClassTable.default())
    save_project(document, options.output).close()
    print(f"{came.masks} masks of {len(document.images.ids)} images are in {options.output}")
    print(_account(came, len(pairs)))
    return failures.exit_code()


def _refuse_project(folder: Path) -> None:
    """Raise LatentsegError where there is a project already: better now than when all masks are read."""
    if (folder / MANIFEST).exists():
        raise LatentsegError(
            f"There is already a project in “{shown(folder.name)}”.", action="Choose another folder with -o."
        )


def _account(came: _Came, pairs: int) -> str:
    """How much of what there was came in."""
    sentences = []
    if came.is_listing:
        taken, total = came.objects.taken, came.objects.total
        sentences.append(f"{taken} of {total} objects were imported.")
        if taken < total:
            sentences.append("The lines above say which did not, and where they lie.")
    if came.masks < pairs:
        sentences.append(f"{pairs - came.masks} of {pairs} masks could not be read.")
    return " ".join(sentences or [f"All {pairs} masks were imported."])


def _take_over(document: Document, pair: Pair, reader: MaskReader) -> ImportedMask:
    header = probe(pair.image, budget=-1)
    mask = reader.mask(pair, (header.height, header.width))
    for note in mask.notes:
        print(f"{pair.image.name}: {note}")
    provenance = mask.provenance
    if provenance is None:
        provenance = np.where(mask.labels == UNLABELLED, np.uint8(0), np.uint8(Provenance.IMPORTED))
    document.set_classes(mask.classes)
    image_id = document.images.add_path(pair.image)
    document.masks.load(image_id, mask.labels, provenance, mask.instances)
    document.masks.layer(image_id).pack()
    return mask
