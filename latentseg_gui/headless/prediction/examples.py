"""`latentseg propose --like`: objects of masks that are at hand, as examples of what is looked for."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.prediction.candidates import SIMILARITY
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.headless.prediction.objects import share
from latentseg_gui.headless.subcommand import find_images, model_errors, read_in_time
from latentseg_gui.headless.transfer.masks import MaskReader, Pair, pair_with_masks
from latentseg_gui.headless.transfer.naming import UNNAMED
from latentseg_gui.io.masks.finding import find_masks

if TYPE_CHECKING:
    from model.prediction.alike import Looks
    from model.prediction.predictor import Predictor

MOST_EXAMPLES: Final = 48
"""Examples that are looked at; of more, these are spread evenly over them."""

BoxedMask = tuple[tuple[int, int, int, int], NDArray[np.bool_]]
"""Box (row0, col0, row1, col1), half-open, and mask of the shape of the box."""


def add_example_arguments(parser: argparse.ArgumentParser) -> None:
    """``--like`` and ``--least-similarity``."""
    parser.add_argument(
        "--like",
        nargs=2,
        type=Path,
        metavar=("IMAGE|FOLDER", "MASK|FOLDER"),
        help="propose only what is like the objects of these masks (default: everything)",
    )
    parser.add_argument(
        "--least-similarity",
        type=share,
        default=SIMILARITY,
        metavar="S",
        help="how similar it must be to one of them, 0..1 (default: %(default)s)",
    )


def looks_asked_for(options: argparse.Namespace, predictor: Predictor) -> tuple[Looks, ...]:
    """What the examples of ``--like`` look like; nothing where there are none.

    Raises:
        LatentsegError: there are no such files, no objects in them, or weights that cannot tell what is similar.
    """
    if options.like is None:
        return ()
    pairs = _pairs(*options.like)
    reader = MaskReader(UNNAMED)
    found = [(pair, each) for pair in pairs for each in _examples(pair, reader)]
    if not found:
        raise LatentsegError(
            "There is no object in the masks of --like.",
            action="Give masks in which some objects are marked.",
        )
    if len(found) > MOST_EXAMPLES:
        print(f"Of {len(found)} examples {MOST_EXAMPLES} are looked at.", file=sys.stderr)
        found = [found[index * len(found) // MOST_EXAMPLES] for index in range(MOST_EXAMPLES)]
    return tuple(_looks(predictor, pairs, found))


def examples_in_words(looks: tuple[Looks, ...]) -> str:
    """What objects depend on when they are looked for by these examples; empty for none."""
    if not looks:
        return ""
    parts = [np.append(each.inside, (each.pixels, each.form)) for each in looks]
    return f", like {hashlib.sha256(np.concatenate(parts).astype(np.float32).tobytes()).hexdigest()}"


def _pairs(images: Path, masks: Path) -> list[Pair]:
    """Images with their masks; one image and one mask belong together whatever they are called."""
    paths = find_images([images])
    if len(paths) == 1 and not masks.is_dir():
        found = find_masks([masks], set(paths))
        if len(found.candidates) == 1:
            return [Pair(paths[0], found.candidates[0], found.reading)]
    return pair_with_masks(images, masks)


def _examples(pair: Pair, reader: MaskReader) -> Iterator[BoxedMask]:
    """The objects of a mask: those that have a number, and connected areas of one class without one."""
    from model.prediction.objects import with_areas

    mask = reader.mask(pair, read_in_time(pair.image).shape)
    labels = np.where(mask.labels == UNLABELLED, np.uint8(0), mask.labels)
    things = frozenset(np.unique(labels[labels > 0]).tolist())
    numbers = with_areas(labels, mask.instances, things).astype(np.int32)
    for number, place in enumerate(ndimage.find_objects(numbers), start=1):
        rows, cols = place
        yield (rows.start, cols.start, rows.stop, cols.stop), numbers[place] == number


def _looks(predictor: Predictor, pairs: list[Pair], found: list[tuple[Pair, BoxedMask]]) -> Iterator[Looks]:
    from model.prediction.alike import looks_of

    for pair in pairs:
        examples = [each for owner, each in found if owner is pair]
        if examples:
            with model_errors():
                predictor.set_image(read_in_time(pair.image).pixels)
                yield from looks_of(predictor, examples)
