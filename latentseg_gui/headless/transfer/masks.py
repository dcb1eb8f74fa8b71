"""Masks in and out for the subcommands: a class table that grows with what files bring, and safe targets."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import Labels
from latentseg_gui.headless.subcommand import Failures, find_images
from latentseg_gui.io.images.reading import probe
from latentseg_gui.io.images.time_limit import in_time
from latentseg_gui.io.ledger import Ledger
from latentseg_gui.io.masks import ImportContext, ImportedMask, MaskItem, export_folder
from latentseg_gui.io.masks.candidates import Candidate, Matching, Target, match
from latentseg_gui.io.masks.finding import FoundMasks, find_masks
from latentseg_gui.io.masks.turning import image_orientation
from latentseg_gui.io.masks.values import Numbers, Reading
from latentseg_gui.io.paths import real
from latentseg_gui.io.transfer.batch import BatchItem, BatchPlan

_SHOWN = 5
_SAME_SIZE = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its mask.

    Attributes:
        image: its file.
        mask: where its mask is.
        reading: see `ImportContext`.
        is_turned: see `ImportContext`.
    """

    image: Path
    mask: Candidate
    reading: Reading | None = None
    is_turned: bool = False


class MaskReader:
    """Reads masks one after the other; classes that only the files know are added to the table.

    Args:
        classes: the table to start from.
    """

    def __init__(self, classes: ClassTable) -> None:
        self.classes = classes

    def read(self, pair: Pair, shape: tuple[int, int]) -> Labels:
        """Class ids uint8 [H, W]; 255 where the file says nothing."""
        return self.mask(pair, shape).labels

    def mask(self, pair: Pair, shape: tuple[int, int]) -> ImportedMask:
        """Everything that the file says."""
        context = ImportContext(
            shape=shape,
            classes=self.classes,
            image_name=pair.image.name,
            reading=pair.reading,
            orientation=image_orientation(pair.image),
            is_turned=pair.is_turned,
        )
        try:
            imported = in_time(pair.mask.path, partial(pair.mask.read, context))
        except LatentsegError as error:
            if pair.mask.label in error.what:
                raise
            said = f"“{pair.mask.label}”: {error.what}"
            raise LatentsegError(said, action=error.action, detail=error.detail) from error
        self.classes = imported.classes
        return imported


def add_pair_arguments(parser: argparse.ArgumentParser, masks: str) -> None:
    """Declare --images and --masks, both required; ``masks`` is the help of the latter."""
    parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of images")
    parser.add_argument("--masks", type=Path, required=True, metavar="DIR|FILE", help=masks)
    add_meaning_arguments(parser)


def add_meaning_arguments(parser: argparse.ArgumentParser) -> None:
    """What masks cannot say themselves."""
    parser.add_argument(
        "--numbers",
        choices=[each.value for each in Numbers],
        help="what small whole numbers in masks are the numbers of (default: judged by their values)",
    )
    parser.add_argument(
        "--turn-masks",
        action="store_true",
        default=None,
        help="turn masks as EXIF data turn their images (done by itself where the sizes say so)",
    )


def pairs_asked_for(options: argparse.Namespace, output: Path | None = None) -> list[Pair]:
    """The pairs of the options of `add_pair_arguments`; LatentsegError if there are none.

    What lies in ``output``, where results are written, is no image.
    """
    is_turned = bool(options.turn_masks)
    return pair_with_masks(options.images, options.masks, options.numbers, is_turned=is_turned, output=output)


def pair_with_masks(
    images: Path,
    masks: Path,
    numbers: str | None = None,
    *,
    is_turned: bool = False,
    output: Path | None = None,
) -> list[Pair]:
    """Images of a folder with the masks of the same name in a folder of any layout, or in a COCO file.

    What belongs to nothing is said on stderr.

    Args:
        images: the folder.
        masks: a folder, or a file of many.
        numbers: what small numbers are; None: what they look like.
        is_turned: whether masks were made before their images were turned.
        output: where results are written; what lies there is no image.

    Raises:
        LatentsegError: no image has a mask.
    """
    is_beside = masks == images
    paths = [path for path in find_images([images], output) if is_beside or not path.is_relative_to(masks)]
    found = find_masks([masks], set(paths), Numbers(numbers) if numbers else None)
    targets = [Target(os.fspath(path), path.as_posix(), path.stem) for path in paths]
    matching = match(found.candidates, targets)
    by_key = {os.fspath(path): path for path in paths}
    pairs = [Pair(by_key[key], each, found.reading, is_turned) for each, key in matching.pairs]
    if not pairs:
        raise _no_pairs(images, masks, matching, found)
    _tell(matching, found)
    if not is_turned:
        _tell_of_turning(pairs)
    return pairs


def _is_doubtful(image: Path) -> bool:
    """Whether an image is turned, and has the same size as before."""
    orientation = image_orientation(image)
    if orientation in (1, *_SAME_SIZE):
        return orientation != 1
    try:
        header = probe(image)
    except LatentsegError:
        return False  # whoever reads it says why
    return header.width == header.height


def _tell_of_turning(pairs: Sequence[Pair]) -> None:
    """Say where sizes do not tell whether masks were made before their images were turned."""
    count = sum(_is_doubtful(pair.image) for pair in pairs)
    if count and os.environ.get("RANK", "0") == "0":
        print(
            f"{count} images are turned by their EXIF data. If their masks were made before that (they look "
            "upside down), say --turn-masks.",
            file=sys.stderr,
        )


def _no_pairs(images: Path, masks: Path, matching: Matching, found: FoundMasks) -> LatentsegError:
    """The true reason why no image has a mask."""
    if matching.unclear:
        lines = [f'"{name}" could belong to {" or ".join(others)}' for name, others in matching.unclear]
        return LatentsegError(
            f"No mask can be used: {'; '.join(lines[:_SHOWN])}.",
            action="Leave one mask for each image, or name masks like the images, with their folders.",
        )
    names = ", ".join(each.label for each in matching.strangers[:_SHOWN])
    notes = " ".join(found.notes[:_SHOWN])
    return LatentsegError(
        f'No image in "{images}" has a mask of the same name in "{masks}". Found: {names}. {notes}'.strip(),
        action="Name them alike: photo.jpg and photo.png.",
    )


def _tell(matching: Matching, found: FoundMasks) -> None:
    """What could not be paired; one of several processes speaks for all."""
    if os.environ.get("RANK", "0") != "0":
        return
    for note in found.notes:
        print(note, file=sys.stderr)
    if not found.reading.is_sure:
        what = found.reading.numbers.value
        other = next(each.value for each in Numbers if each.value != what)
        print(
            f"The numbers in these masks could be those of classes or of objects; they are taken as {what}. "
            f"If they are {other}, say --numbers {other}.",
            file=sys.stderr,
        )
    for name, others in matching.unclear:
        print(f'"{name}" could belong to {" or ".join(others)}; it was left out.', file=sys.stderr)
    strangers = [each.label for each in matching.strangers if not each.is_picture]
    if strangers:
        names = ", ".join(strangers[:_SHOWN]) + (", ..." if len(strangers) > _SHOWN else "")
        print(f"{len(strangers)} masks belong to none of the images: {names}", file=sys.stderr)


def add_picture_argument(parser: argparse.ArgumentParser) -> None:
    """``--yolo-images``."""
    parser.add_argument(
        "--yolo-images",
        choices=("copy", "link"),
        default="copy",
        help="what the YOLO format puts into images/: copies, or links that take no space (default: copy)",
    )


@dataclass(frozen=True, slots=True)
class Export:
    """What is written where.

    Attributes:
        folder: made if need be.
        classes: of the masks.
        format_name: a key of `latentseg_gui.io.masks.FORMATS`.
        ledger: knows which files may be replaced.
        links_pictures: whether formats that hold the images get links to them.
    """

    folder: Path
    classes: ClassTable
    format_name: str
    ledger: Ledger
    links_pictures: bool = False

    def check(self, pages: Sequence[tuple[Path, int]], stems: Sequence[str], masks: Iterable[Path]) -> None:
        """Raise LatentsegError if an image, one of ``masks``, or a file that is not ours would be replaced."""
        plan = BatchPlan((self.format_name,), self.classes, "", self.links_pictures)
        items = [BatchItem(*page, stem, "") for page, stem in zip(pages, stems, strict=True)]
        protected = {real(path) for path in (*(path for path, _ in pages), *masks)}
        targets = plan.targets(self.folder, items)
        for path in targets:
            if real(path) in protected:
                raise LatentsegError(
                    f'The output would overwrite "{path}".', action="Choose another folder with -o."
                )
        self.ledger.check(targets)

    def write(self, items: Iterable[MaskItem], failures: Failures) -> None:
        """Write all masks and say where.

        Args:
            items: may be made on the way.
            failures: collects what could not be written.
        """
        for step in export_folder(self.folder, items, self.classes, self.format_name, self.ledger):
            if step.error is not None:
                failures.errors.append(step.error)
            for path in step.written:
                print(f"  -> {path}")
