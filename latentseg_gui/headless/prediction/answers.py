"""How the subcommands predict: options that trade time for quality, and as much of the answer as is written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from latentseg_gui.document.types import ImageRecord
from latentseg_gui.headless.prediction.objects import Counting
from latentseg_gui.io.masks import MaskItem
from latentseg_gui.io.masks.measuring import stored_values
from latentseg_gui.io.transfer.batch import BatchItem

if TYPE_CHECKING:
    from model.prediction.predictor import Predictor
    from model.prediction.testtime import PredictOptions


def add_prediction_arguments(parser: argparse.ArgumentParser) -> None:
    """``--flip``, ``--scales`` and ``--crf``."""
    group = parser.add_argument_group("slower, for images on which they help")
    group.add_argument("--flip", action="store_true", help="average with the mirror image")
    group.add_argument(
        "--scales",
        type=_scales,
        default=(1.0,),
        metavar="S[,S...]",
        help="average over these sizes of the image, such as 0.75,1,1.25 (default: 1)",
    )
    group.add_argument(
        "--crf", action="store_true", help="snap classes to edges of colour (fully connected CRF)"
    )


def prediction_options(options: argparse.Namespace) -> PredictOptions:
    """What was asked for."""
    from model.prediction.crf import Crf
    from model.prediction.testtime import PredictOptions

    return PredictOptions(options.scales, options.flip, Crf() if options.crf else None)


def predict_item(
    predictor: Predictor,
    how: PredictOptions,
    version: str,
    item: BatchItem,
    record: ImageRecord,
    *,
    needs_probabilities: bool = False,
    needs_values: bool = False,
    counting: Counting | None = None,
) -> MaskItem:
    """The mask of one image, in no more memory than the answer needs, whatever the size of the image."""
    from model.prediction.outputs import ClassPrediction

    shape = record.pixels.shape[:2]
    predictor.set_image(record.pixels, for_clicks=False)
    probabilities = None
    answer = ClassPrediction(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
    if needs_probabilities:
        probabilities = np.zeros((predictor.num_classes, *shape), np.uint16)
        predictor.predict_probabilities(options=how, out=probabilities)
        answer.labels[:] = probabilities.argmax(0)
        answer.confidence[:] = probabilities.max(0) >> 8
    if not needs_probabilities or knows_objects(predictor):
        answer = predictor.predict_classes(options=how, out=answer)
    labels, instances = answer.labels, answer.instances
    if counting is not None:
        labels, instances = counting.objects_of(answer)
    return MaskItem(
        stem=item.stem,
        labels=labels,
        instances=instances,
        pixels=record.pixels,
        confidence=answer.confidence,
        probabilities=probabilities,
        image_name=item.name,
        version=version,
        stored=stored_values(record) if needs_values else None,
        stuff=frozenset() if counting is None else counting.classes.stuff,
    )


def knows_objects(predictor: Predictor) -> bool:
    """Whether the network tells objects apart, by depth or by itself: that comes with classes, not probabilities."""
    network = predictor.network
    return bool(getattr(network, "separates", False) or getattr(network, "things", None))


def _scales(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 0.75,1,1.25") from error
