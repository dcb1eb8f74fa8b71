"""`latentseg evaluate`: how well weights do on images whose masks are known."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import UNLABELLED
from latentseg_gui.headless.prediction.objects import add_object_arguments, counting_of
from latentseg_gui.headless.prediction.ranks import Ranks, joined_ranks
from latentseg_gui.headless.prediction.segment_figures import SegmentTally, print_segments, segment_figures
from latentseg_gui.headless.subcommand import (
    Failures,
    add_model_arguments,
    add_overwrite_argument,
    classes_of,
    ledger_of,
    open_predictor,
    require_inputs,
)
from latentseg_gui.headless.transfer.masks import MaskReader, Pair, add_pair_arguments, pairs_asked_for
from latentseg_gui.io.images.reading import read_image
from model.analysis.object_metrics import BARS, ObjectTally


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pair_arguments(parser, "of the same names, or a COCO file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    add_overwrite_argument(parser)
    add_object_arguments(parser)
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the figures; 1 if some images could not be measured."""
    require_inputs(options)
    if options.json:
        ledger_of(options).check([options.json])
    pairs = pairs_asked_for(options)
    with joined_ranks() as ranks:
        options.device = ranks.device(options.device)
        return _run(options, pairs, ranks)


def _run(options: argparse.Namespace, pairs: list[Pair], ranks: Ranks) -> int:
    """Measure the share of this process; the first one adds all up and speaks of it."""
    predictor, meta = open_predictor(options)
    from model.analysis.metrics import confusion_matrix, mean_iou

    classes = classes_of(meta, predictor.num_classes)
    total = np.zeros((len(classes), len(classes)), dtype=np.int64)
    counting, objects, segments = counting_of(options, classes), ObjectTally(), SegmentTally()
    failures, reader = Failures(), MaskReader(classes)
    for pair in ranks.share(pairs):
        with failures.caught():
            record = read_image(pair.image)
            mask = reader.mask(pair, record.shape)
            truth = mask.labels
            refuse_unknown_classes(truth, reader.classes, len(classes), pair.mask.label)
            predictor.set_image(record.pixels, for_clicks=False)
            answer = predictor.predict_classes()
            one = confusion_matrix(truth, answer.labels, len(classes))
            total += one
            if not one.any():
                raise LatentsegError(
                    f'The mask "{pair.mask.label}" has no labelled pixel.',
                    action="Label some of it, or leave it out; 255 is not measured.",
                )
            labels, instances = counting.objects_of(answer)
            segments.add(mask, replace(answer, labels=labels, instances=instances), len(classes))
            if mask.instances is not None and mask.instances.any():
                made = counting.numbered(labels, instances)
                objects.add(counting.numbered(truth, mask.instances), np.where(truth == UNLABELLED, 0, made))
            print(f"{pair.image.name}: mean IoU {mean_iou(one):.3f}")
    total, tallies = np.sum(ranks.gathered(total), axis=0), ranks.gathered(objects)
    segments = SegmentTally.together(ranks.gathered(segments))
    said = ranks.gathered([(error.what, error.action) for error in failures.errors])
    failures.errors = [LatentsegError(what, action=action) for each in said for what, action in each]
    if ranks.rank > 0:
        return min(1, len(failures.errors))
    if total.sum():
        figures = figures_of(total, classes) | object_figures(tallies)
        print_table(figures)
        if found := segment_figures(segments, classes):
            figures.setdefault("objects", {}).update(found)
            print_segments(found)
        if options.json:
            ledger_of(options).write(options.json, json.dumps(figures, indent=2).encode())
    return failures.exit_code()


def refuse_unknown_classes(truth: NDArray[np.uint8], classes: ClassTable, num_known: int, name: str) -> None:
    """Raise LatentsegError where a mask has classes, of the table, after those that the weights know."""
    strange = np.unique(truth[(truth != UNLABELLED) & (truth >= num_known)])
    if strange.size:
        names = ", ".join(f"“{classes[class_id].name}”" for class_id in strange.tolist())
        known = ", ".join(classes.names[:num_known])
        raise LatentsegError(
            f'The mask "{name}" has {names}; the classes of the weights are {known}.',
            action="Name weights that were fine-tuned for these classes with --weights.",
        )


def figures_of(total: NDArray[np.int64], classes: ClassTable) -> dict[str, Any]:
    """The figures of a confusion matrix as JSON can hold them; null where no pixel is labelled so."""
    from model.analysis.metrics import dice_per_class, iou_per_class, mean_iou, pixel_accuracy

    def plain(values: NDArray[np.float64]) -> list[float | None]:
        return [None if np.isnan(value) else round(float(value), 6) for value in values]

    return {
        "mean_iou": round(mean_iou(total), 6),
        "pixel_accuracy": round(pixel_accuracy(total), 6),
        "labelled_pixels": int(total.sum()),
        "classes": [
            {"name": entry.name, "iou": iou, "dice": dice}
            for entry, iou, dice in zip(
                classes, plain(iou_per_class(total)), plain(dice_per_class(total)), strict=True
            )
        ],
    }


def object_figures(tallies: Sequence[ObjectTally]) -> dict[str, Any]:
    """Figures of objects as JSON can hold them; none where no mask has numbered objects."""
    total = ObjectTally()
    for tally in tallies:
        total += tally
    if not total.true:
        return {}
    scores = {f"f1_at_{bar}": round(total.f1(bar), 6) for bar in BARS}
    counts = {"true": total.true, "predicted": total.predicted, "count_off": round(total.count_off, 6)}
    return {"objects": scores | counts}


def print_table(figures: dict[str, Any]) -> None:
    """The figures for a person."""
    print(f"{'class':24} {'IoU':>7} {'Dice':>7}")
    for row in figures["classes"]:
        cells = ["      -" if row[key] is None else f"{row[key]:7.3f}" for key in ("iou", "dice")]
        print(f"{row['name'][:24]:24} {' '.join(cells)}")
    print(f"mean IoU {figures['mean_iou']:.3f}, pixel accuracy {figures['pixel_accuracy']:.3f}")
    if (objects := figures.get("objects")) is not None:
        scores = ", ".join(f"F1 {objects[f'f1_at_{bar}']:.3f} at IoU {bar}" for bar in BARS)
        print(
            f"objects: {scores}; {objects['predicted']} predicted, {objects['true']} in the masks, "
            f"counts off by {objects['count_off']:.1%}"
        )
    absent = [row["name"] for row in figures["classes"] if row["iou"] is None]
    if absent:
        print(f"not counted, for no pixel of these masks is labelled so: {', '.join(absent)}")
