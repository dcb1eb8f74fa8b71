"""`latentseg evaluate`: how well weights do on images whose masks are known."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentseg_gui.document.errors import LatentsegError
from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.document.wording import in_quotes, listed
from latentseg_gui.headless.prediction.objects import add_object_arguments, counting_of
from latentseg_gui.headless.prediction.ranks import Ranks, joined_ranks
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
from latentseg_gui.io.masks import ImportedMask
from model.analysis.object_metrics import BARS, ObjectTally

if TYPE_CHECKING:
    from model.analysis.detection import ClassMatches
    from model.prediction.outputs import ClassPrediction


@dataclass(slots=True)
class SegmentTally:
    """What the images say of objects.

    Attributes:
        as_things: per image and class, where its objects are counted.
        as_stuff: per image and class, where all of a class is one segment.
        numbered: classes of which a mask numbers objects.
    """

    as_things: list[list[ClassMatches]] = field(default_factory=list)
    as_stuff: list[list[ClassMatches]] = field(default_factory=list)
    numbered: set[int] = field(default_factory=set)

    def add(self, truth: ImportedMask, predicted: ClassPrediction, num_classes: int) -> None:
        """Take in an image; where objects have no numbers, connected areas are objects."""
        from model.analysis.detection import NumberedLabels, matches
        from model.prediction.objects import with_areas

        counted = frozenset(range(num_classes)) - {BACKGROUND}
        true = NumberedLabels(truth.labels, with_areas(truth.labels, truth.instances, counted))
        found = with_areas(predicted.labels, predicted.instances, counted)
        guess = NumberedLabels(predicted.labels, found, predicted.confidence)
        self.as_things.append(matches(true, guess, num_classes, counted))
        self.as_stuff.append(matches(true, guess, num_classes, frozenset()))
        if truth.instances is not None:
            classes = np.unique(truth.labels[truth.instances > 0]).tolist()
            self.numbered |= set(classes) - {BACKGROUND, UNLABELLED}

    @classmethod
    def together(cls, tallies: Sequence[SegmentTally]) -> SegmentTally:
        """Those of several processes as one."""
        whole = cls()
        for each in tallies:
            whole.as_things += each.as_things
            whole.as_stuff += each.as_stuff
            whole.numbered |= each.numbered
        return whole


def segment_figures(tally: SegmentTally, classes: ClassTable) -> dict[str, Any]:
    """The figures as JSON can hold them, null where there is none; empty where no mask numbers objects."""
    if not tally.numbered:
        return {}
    rows = [_row(tally, class_id, classes[class_id].name) for class_id in range(len(classes))]
    return {
        "average_precision": {key: _mean(rows, key) for key in ("ap", "ap50", "ap75")},
        "panoptic_quality": {
            kind: {key: _mean(rows, key, kind) for key in ("pq", "sq", "rq")}
            for kind in ("all", "thing", "stuff")
        },
        "classes": rows,
    }


def _row(tally: SegmentTally, class_id: int, name: str) -> dict[str, Any]:
    from model.analysis.detection import THRESHOLDS, average_precision, panoptic_quality

    is_thing = class_id in tally.numbered
    found = [each[class_id] for each in (tally.as_things if is_thing else tally.as_stuff)]
    quality = panoptic_quality(found)
    row = {
        "name": name,
        "kind": "thing" if is_thing else "stuff",
        "objects": sum(each.num_true for each in found) if is_thing else None,
        "found": sum(len(each.scores) for each in found) if is_thing else None,
        "pq": _plain(quality.pq),
        "sq": _plain(quality.sq),
        "rq": _plain(quality.rq),
    }
    precision = average_precision(found) if is_thing else np.full(len(THRESHOLDS), np.nan)
    at = {f"ap{round(100 * t)}": _plain(float(precision[THRESHOLDS.index(t)])) for t in (0.5, 0.75)}
    return {**row, "ap": _plain(float(precision.mean())), **at}


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def _mean(rows: Sequence[dict[str, Any]], key: str, kind: str = "all") -> float | None:
    """Over the classes that have a figure."""
    values = [row[key] for row in rows if row[key] is not None and kind in ("all", row["kind"])]
    return round(sum(values) / len(values), 6) if values else None


def print_segments(figures: dict[str, Any]) -> None:
    """The figures for a person."""
    if not figures:
        return
    keys = ("ap", "ap50", "ap75", "pq", "sq", "rq")
    print(f"{'objects and areas':24} {'kind':6}" + "".join(f" {key.upper():>7}" for key in keys))
    for row in figures["classes"]:
        print(f"{row['name'][:24]:24} {row['kind']:6}" + "".join(f" {_cell(row[key])}" for key in keys))
    precision, quality = figures["average_precision"], figures["panoptic_quality"]
    cells = ", ".join(f"{key.upper()} {_cell(value).strip()}" for key, value in precision.items())
    means = ", ".join(f"{_cell(each['pq']).strip()} ({kind})" for kind, each in quality.items())
    print(f"{cells}; PQ {means}")


def _cell(value: float | None) -> str:
    return "      -" if value is None else f"{value:7.3f}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pair_arguments(parser, "folder of masks named as the images, or a COCO file")
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
        figures = json_figures(total, classes) | object_figures(tallies)
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
        names = listed(in_quotes([classes[class_id].name for class_id in strange.tolist()]))
        known = listed(classes.names[:num_known])
        raise LatentsegError(
            f'The mask "{name}" has {names}; the classes of the weights are {known}.',
            action="Name weights that were fine-tuned for these classes with --weights.",
        )


def json_figures(total: NDArray[np.int64], classes: ClassTable) -> dict[str, Any]:
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
