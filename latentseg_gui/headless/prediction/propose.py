"""`latentseg propose`: every object that is found on images, or what is like some, in any format that knows objects."""

from __future__ import annotations

import argparse
import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.prediction.candidates import ObjectCandidate, candidate_numbers, chosen
from latentseg_gui.document.types import ImageRecord, Rect
from latentseg_gui.headless.prediction.answers import prediction_options
from latentseg_gui.headless.prediction.examples import (
    add_example_arguments,
    examples_in_words,
    looks_asked_for,
)
from latentseg_gui.headless.prediction.objects import share
from latentseg_gui.headless.prediction.predict import Run, add_format_argument, all_pages, protect, root_of
from latentseg_gui.headless.prediction.ranks import joined_ranks
from latentseg_gui.headless.subcommand import (
    add_model_arguments,
    add_output_arguments,
    find_images,
    ledger_of,
    model_errors,
    open_predictor,
    require_inputs,
    version_name,
    weights_path,
)
from latentseg_gui.headless.transfer.masks import add_picture_argument
from latentseg_gui.io.masks import FORMATS, MaskItem
from latentseg_gui.io.masks.measuring import stored_values
from latentseg_gui.io.regular_files import open_regular
from latentseg_gui.io.transfer.batch import BatchFolder, BatchItem, BatchPlan, batch_items

if TYPE_CHECKING:
    from model.prediction.alike import Looks
    from model.prediction.predictor import Predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = (
        "Objects have no class: all get that of --name. A run that was cut off is continued: start it again as "
        "before, and only what is missing is made."
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE|FOLDER")
    add_output_arguments(parser)
    add_format_argument(parser, default="coco")
    add_picture_argument(parser)
    parser.add_argument("--name", default="object", help="class of the objects (default: %(default)s)")
    parser.add_argument(
        "--smallest",
        type=_count,
        default=16,
        metavar="PX",
        help="pixels of the smallest object (default: %(default)s)",
    )
    parser.add_argument(
        "--least-quality",
        type=share,
        default=0.0,
        metavar="Q",
        help="how sure the model must be of an object, 0..1 (default: %(default)s)",
    )
    add_example_arguments(parser)
    add_model_arguments(parser)
    parser.set_defaults(flip=False, scales=(1.0,), crf=False)


def run(options: argparse.Namespace) -> int:
    """Find the objects of every image; one that fails does not stop the others."""
    require_inputs(options)
    _check_formats(options.format)
    classes = _classes(options.name)
    items = batch_items(all_pages(find_images(options.images, options.output)), root_of(options.images))
    with joined_ranks() as ranks:
        options.device = ranks.device(options.device)
        predictor, _ = open_predictor(options)
        looks = looks_asked_for(options, predictor)
        settings = _settings(options, predictor) + examples_in_words(looks)
        plan = BatchPlan(options.format, classes, settings, options.yolo_images == "link")
        ledger = ledger_of(options)
        protect(options.output, plan, items, ledger)
        ranks.wait()  # nobody writes before everybody has agreed that it is safe
        folder = BatchFolder(options.output, plan, rank=ranks.rank, ledger=ledger)
        version = version_name(options)
        make = partial(_proposed, predictor, options, version, looks)
        try:
            return Run(folder, predictor, prediction_options(options), version, ranks, make=make).run(items)
        finally:
            folder.close()


def _proposed(
    predictor: Predictor,
    options: argparse.Namespace,
    version: str,
    looks: tuple[Looks, ...],
    item: BatchItem,
    record: ImageRecord,
) -> MaskItem:
    """The objects of one image as a mask."""
    with model_errors():
        candidates = _candidates(predictor, record, options.least_quality, looks)
    shape = record.shape
    least = options.least_similarity if looks else 0.0
    kept = chosen(candidates, smallest=options.smallest, least_similarity=least)
    instances = candidate_numbers(kept, shape)
    needs_values = any(FORMATS[name].needs_values for name in options.format)
    return MaskItem(
        stem=item.stem,
        labels=(instances > 0).astype(np.uint8),
        instances=instances,
        pixels=record.pixels,
        confidence=np.full(shape, 255, np.uint8),
        image_name=item.name,
        version=version,
        stored=stored_values(record) if needs_values else None,
    )


def _candidates(
    predictor: Predictor, record: ImageRecord, least: float, looks: tuple[Looks, ...]
) -> list[ObjectCandidate]:
    """What is found on an image, or what is like some examples there, the best first."""
    from model.prediction.alike import propose_alike
    from model.prediction.all_objects import propose_objects

    predictor.set_image(record.pixels)
    *_, found = propose_alike(predictor, looks) if looks else propose_objects(predictor)
    return [
        ObjectCandidate(
            Rect(*each.bounds), each.mask, each.score * each.stability, each.similarity, each.pixels
        )
        for each in found.objects
        if each.score * each.stability >= least
    ]


def _check_formats(formats: tuple[str, ...]) -> None:
    """Raise LatentsegError where a format holds what only a prediction of classes has."""
    for name in formats:
        if FORMATS[name].needs_probabilities or name == "confidence":
            raise LatentsegError(
                f"“{name}” holds what a prediction of classes says, and objects have none here.",
                action="Use another --format, such as coco.",
            )


def _classes(name: str) -> ClassTable:
    if not name.strip() or name.strip().lower() == "background":
        raise LatentsegError(
            f"“{name}” cannot be the name of a class of objects.", action="Give another with --name."
        )
    return ClassTable.from_names(("background", name.strip()), ())


def _settings(options: argparse.Namespace, predictor: Predictor) -> str:
    """What the objects depend on besides the images."""
    with open_regular(weights_path(options)) as file:
        weights = hashlib.sha256(file.read()).hexdigest()
    device = predictor.device.device.type
    similarity = f", {options.least_similarity}" if options.like else ""
    return (
        f"all objects, weights {weights}, {device}, {options.smallest}, {options.least_quality}{similarity}"
    )


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of pixels from 1 on")
    return value
