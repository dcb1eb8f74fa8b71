"""How the subcommands make objects of predictions, as the window does."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from latentseg_gui.document.masks.classes import SMALLEST, ClassTable
from latentseg_gui.document.masks.layers import Instances
from latentseg_gui.document.prediction.prediction import Prediction
from latentseg_gui.document.prediction.separating import separated
from latentseg_gui.document.types import Labels
from latentseg_gui.headless.subcommand import with_stuff
from model.analysis.objects import ObjectOptions

if TYPE_CHECKING:
    from model.prediction.outputs import ClassPrediction

_TOUCHING = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True)
class Counting:
    """Which classes are counted, and how objects are made.

    Attributes:
        classes: with what is a thing, and the smallest size of each.
        options: of all of them.
    """

    classes: ClassTable
    options: ObjectOptions

    def __str__(self) -> str:
        """All that objects depend on, in words."""
        sizes = {self.classes[each].name: self.classes[each].smallest for each in self.classes.thing_ids}
        return f"objects {self.options}, {sizes}"

    def objects_of(self, answer: ClassPrediction) -> tuple[Labels, Instances | None]:
        """Labels and object numbers of an answer; as they are where the model does not know depth."""
        confidence = answer.confidence
        if confidence.dtype != np.uint8:
            confidence = np.rint(confidence * 255).astype(np.uint8)
        prediction = Prediction(
            "",
            "",
            answer.labels,
            confidence,
            instances=answer.instances,
            depth=answer.depth,
            temperature=answer.temperature,
        )
        made = separated(prediction, self.classes, self.options).prediction
        return made.labels, made.instances

    def numbered(self, labels: Labels, instances: Instances | None) -> NDArray[Any]:
        """Numbers of all objects of counted classes: as given, else connected areas of one class."""
        numbers = np.zeros(labels.shape, np.int64)
        if instances is not None:
            is_thing = np.isin(labels, self.classes.thing_ids)
            numbers[is_thing] = instances[is_thing]
        for class_id in self.classes.thing_ids:
            areas, _ = ndimage.label((labels == class_id) & (numbers == 0), _TOUCHING)
            first = int(numbers.max(initial=0))
            numbers[areas > 0] = areas[areas > 0] + first
        return numbers


def add_object_arguments(parser: argparse.ArgumentParser) -> None:
    """``--threshold``, ``--separation``, ``--smoothness``, ``--smallest`` and ``--stuff``."""
    plain = ObjectOptions()
    group = parser.add_argument_group(
        "objects", "for weights that were fine-tuned on numbered objects; the sliders of the panel Counting"
    )
    group.add_argument(
        "--threshold",
        type=share,
        default=plain.threshold,
        metavar="P",
        help="a pixel belongs to an object from this probability on (default: %(default)s)",
    )
    group.add_argument(
        "--separation",
        type=share,
        default=plain.separation,
        metavar="S",
        help="0: what touches is one object; 1: cut at every dip (default: %(default)s)",
    )
    group.add_argument(
        "--smoothness",
        type=_pixels,
        default=plain.smoothness,
        metavar="PX",
        help="smooth small dips away first (default: %(default)s)",
    )
    group.add_argument(
        "--smallest",
        type=_pixels,
        metavar="PX",
        help=f"pixels of the smallest object (default: as the weights say, else {SMALLEST})",
    )
    group.add_argument(
        "--stuff",
        metavar="CLASS[,CLASS...]",
        help="classes without objects, such as sky or tissue (default: as the weights say)",
    )


def counting_of(options: argparse.Namespace, classes: ClassTable) -> Counting:
    """What was asked for.

    Raises:
        LatentsegError: a class is not known.
    """
    classes = with_stuff(classes, options.stuff)
    for class_id in classes.thing_ids if options.smallest is not None else ():
        classes = classes.replaced(class_id, smallest=round(options.smallest))
    return Counting(classes, ObjectOptions(options.threshold, options.separation, options.smoothness))


def share(text: str) -> float:
    """An option between 0 and 1; for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _pixels(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not a number of pixels")
    return value
