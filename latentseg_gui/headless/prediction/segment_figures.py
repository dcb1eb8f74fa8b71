"""How well objects were found, for `latentseg evaluate`: average precision and panoptic quality, class by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latentseg_gui.document.masks.classes import ClassTable
from latentseg_gui.document.types import BACKGROUND, UNLABELLED
from latentseg_gui.io.masks import ImportedMask

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
