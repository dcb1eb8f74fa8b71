"""`latentseg predict`: masks for images, written to a folder."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentseg_gui.document.classes import ClassTable
from latentseg_gui.headless.common import (
    Failures,
    add_model_arguments,
    classes_of,
    find_images,
    open_predictor,
    output_stems,
)
from latentseg_gui.headless.masks import write_masks
from latentseg_gui.io.images import read_image
from latentseg_gui.io.masks import FORMATS, MaskItem

if TYPE_CHECKING:
    from model.predictor import Predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE|FOLDER")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--format",
        default="png",
        choices=FORMATS,
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: png)",
    )
    add_model_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Predict every image; one that fails does not stop the others."""
    images = find_images(options.images)
    predictor, meta = open_predictor(options)
    classes = classes_of(meta, predictor.num_classes)
    version = options.weights.stem if options.weights else "default"
    failures, stems = Failures(), output_stems(images)
    write_masks(
        options.output,
        predictions(predictor, stems, classes, version, failures),
        stems.values(),
        classes,
        options.format,
        sources=images,
        failures=failures,
    )
    for note in predictor.notes:
        print(note)
    return failures.exit_code()


def predictions(
    predictor: Predictor, stems: Mapping[Path, str], classes: ClassTable, version: str, failures: Failures
) -> Iterator[MaskItem]:
    """The masks of all images that can be read, each announced."""
    for path, stem in stems.items():
        with failures.caught():
            started = time.monotonic()
            item = predict(predictor, path, stem, version)
            print(f"{path}: {summary(item, classes)} ({time.monotonic() - started:.2f} s)")
        if not failures.has_just_failed:
            yield item


def predict(predictor: Predictor, path: Path, stem: str, version: str) -> MaskItem:
    """The mask of one image."""
    record = read_image(path)
    predictor.set_image(record.pixels)
    answer = predictor.predict_classes()
    return MaskItem(
        stem=stem,
        labels=answer.labels,
        pixels=record.pixels,
        confidence=np.rint(answer.confidence * 255).astype(np.uint8),
        image_name=path.name,
        version=version,
    )


def summary(item: MaskItem, classes: ClassTable) -> str:
    """Share of every class that occurs."""
    shares = np.bincount(item.labels.ravel(), minlength=len(classes)) / item.labels.size
    return ", ".join(f"{classes[k].name} {share:.1%}" for k, share in enumerate(shares) if share > 0)
