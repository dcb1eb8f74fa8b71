"""What `latentseg finetune` learns from: images with masks, and what they say about background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.masks.lookup import looked_up
from latentseg_gui.document.prediction.separating import counted_only
from latentseg_gui.document.types import BACKGROUND, UNLABELLED, Provenance
from latentseg_gui.document.wording import in_quotes, listed
from latentseg_gui.headless.subcommand import Failures
from latentseg_gui.headless.transfer.masks import MaskReader, Pair
from latentseg_gui.headless.transfer.naming import UNNAMED, occurring
from latentseg_gui.io.images.reading import read_image
from latentseg_gui.io.masks import ImportedMask

if TYPE_CHECKING:
    from model.training.finetune import LabelledImage


def read_samples(
    pairs: list[Pair], classes: ClassTable | None, failures: Failures
) -> tuple[list[LabelledImage], ClassTable]:
    """The images that can be read with their labels, and the classes.

    Args:
        pairs: what to read.
        classes: that there are before any mask is read; None where the masks alone decide.
        failures: collects what cannot be read.
    """
    from model.training.finetune import LabelledImage
    from model.training.types import object_numbers

    samples: list[LabelledImage] = []
    reader = MaskReader(classes or UNNAMED)
    for pair in pairs:
        with failures.caught():
            record = read_image(pair.image)
            mask = reader.mask(pair, record.shape)
            objects = object_numbers(mask.instances)
            samples.append(LabelledImage(record.pixels, mask.labels, origin=_origin(mask), objects=objects))
    if not samples:
        failures.exit_code()
        raise LatentsegError("None of the images could be used.", action="See the lines above.")
    if classes is not None:
        return samples, reader.classes
    after, table = occurring(reader.classes, [sample.labels for sample in samples])
    return [replace(sample, labels=looked_up(table, sample.labels)) for sample in samples], after


def counted_samples(samples: list[LabelledImage], classes: ClassTable) -> list[LabelledImage]:
    """The samples with the numbers of objects of those classes only that are counted."""
    from model.training.types import object_numbers

    return [
        each
        if each.objects is None
        else replace(
            each, objects=object_numbers(counted_only(each.labels, each.objects.astype(np.uint32), classes))
        )
        for each in samples
    ]


def _origin(mask: ImportedMask) -> NDArray[np.uint8] | None:
    """Where the labels of a mask come from; whatever has a number is a whole object."""
    if mask.provenance is not None:
        is_unknown = mask.provenance == Provenance.NONE
        return np.where(is_unknown, np.uint8(Provenance.IMPORTED), mask.provenance)
    if mask.instances is None or not mask.instances.any():
        return None
    return np.where(mask.instances > 0, np.uint8(Provenance.CLICKED), np.uint8(Provenance.IMPORTED))


def with_background_decided(
    samples: list[LabelledImage], classes: ClassTable, *, is_rest: bool, is_none: bool
) -> list[LabelledImage]:
    """The samples, where ``is_rest`` with background wherever nothing is labelled (`with_rest_as_background`).

    Args:
        samples: as they were read.
        classes: of their labels.
        is_rest: whether what is not labelled is background.
        is_none: whether the labelled classes are all there is.

    Raises:
        LatentsegError: labels tell nothing apart, or do not say what background is.
    """
    from model.training.rest_as_background import with_rest_as_background

    if is_rest:
        samples = [with_rest_as_background(each) for each in samples]
    present = sorted({int(value) for each in samples for value in np.unique(each.labels)} - {UNLABELLED})
    has_rest = any(bool((each.labels == UNLABELLED).any()) for each in samples)
    refuse_one_class(present, classes, has_rest=has_rest)
    if len(present) > 1 and BACKGROUND not in present and has_rest and not is_none:
        name = classes.names[BACKGROUND]
        names = listed(in_quotes([classes.names[each] for each in present]))
        raise LatentsegError(
            f"No pixel is labelled “{name}”, so nothing says where {names} end.",
            action=f"Add --rest-is-background to take all that is not labelled as “{name}”, or "
            "--without-background if these classes are all there is.",
        )
    return samples


def refuse_one_class(present: Sequence[int], classes: ClassTable, *, has_rest: bool) -> None:
    """Raise LatentsegError where masks know one class only: any network is right about such masks.

    Args:
        present: the class ids that occur.
        classes: their names.
        has_rest: whether some pixels are not labelled.
    """
    if len(present) != 1:
        return
    name = classes.names[present[0]]
    if present[0] == BACKGROUND:
        action = "Label some pixels of an object too; 255 is not learned."
    elif has_rest:
        action = (
            "Label some background too (255 is not learned), or add --rest-is-background to take all that is "
            "not labelled as background."
        )
    else:
        action = "Label some pixels of another class too, such as background; 255 is not learned."
    raise LatentsegError(
        f"All labelled pixels are “{name}”; there is nothing to tell it from.", action=action
    )
