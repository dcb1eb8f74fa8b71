"""All networks on a few masks: mean IoU on images that none has seen, seconds, steps, size.

    python -m tests.benchmarks.networks DATA --sets fewshot_membrane,fewshot_nuclei -o table.csv
    python -m tests.benchmarks.networks DATA --sets fewshot_membrane --networks unet,unet-pretrained --cpu-time

DATA holds a folder for each set, with ``images``, ``masks`` (class ids, 255 ignored) and ``meta.json``. The same
images are drawn for every network, and the same ones are measured. A table that was begun is gone on with: rows that
are in the file are not made again, and the draws come one after the other, so that what is there is comparable.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from model.analysis.metrics import confusion_matrix, mean_iou
from model.errors import ModelError
from model.prediction.predictor import Predictor
from model.training.clock import Clock
from model.training.finetune import FineTuneConfig, LabelledImage, finetune
from model.weights.catalogue import OFFERS, count_parameters, start_of

TRAINABLE = [offer.name for offer in OFFERS if offer.is_trainable]
FIELDS = ("set", "draw", "network", "mean_iou", "seconds", "steps", "parameters", "note")


@dataclass(frozen=True)
class Draw:
    """What is learned from and what is measured."""

    lessons: list[LabelledImage]
    tests: list[LabelledImage]
    num_classes: int


def drawn(folder: Path, shots: int, tests: int, seed: int) -> Draw:
    """``shots`` images to learn from and at most ``tests`` others."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    masks = {path.stem: path for path in (folder / "masks").iterdir()}
    images = sorted(path for path in (folder / "images").iterdir() if path.stem in masks)
    order = np.random.default_rng(seed).permutation(len(images))[: shots + tests]
    read = [pair(images[index], masks[images[index].stem], len(meta["classes"])) for index in order]
    return Draw(read[:shots], read[shots:], len(meta["classes"]))


def pair(image: Path, mask: Path, num_classes: int) -> LabelledImage:
    """An image with its mask; ids that are no class are not labelled."""
    pixels = np.asarray(Image.open(image).convert("RGB"))
    labels = np.asarray(Image.open(mask)).astype(np.int64)
    return LabelledImage(pixels, np.where(labels < num_classes, labels, 255).astype(np.uint8))


def measured(
    name: str, draw: Draw, seconds: float, seed: int, *, in_cpu_time: bool = False
) -> dict[str, object]:
    """A row of the table.

    Args:
        name: of the network.
        draw: what is learned from and measured.
        seconds: to learn.
        seed: of everything random.
        in_cpu_time: count seconds in which a processor worked for this: where others share the machine, those on
            the clock say little.
    """
    start = start_of(name, None, seed=seed)
    config = FineTuneConfig(
        num_classes=draw.num_classes,
        seconds=seconds,
        speed="thorough",
        classes_kept=(None,) * draw.num_classes,
        held_out=0.0,
        seed=seed,
    )
    job = finetune(start.network, draw.lessons, config)
    if in_cpu_time:
        job.clock = Clock(seconds, time.process_time)
    for _ in job:
        pass
    predictor = Predictor(job.network)
    confusion = np.zeros((draw.num_classes,) * 2, np.int64)
    for each in draw.tests:
        predictor.set_image(each.image, for_clicks=False)
        confusion += confusion_matrix(each.labels, predictor.predict_classes().labels, draw.num_classes)
    return {
        "mean_iou": round(mean_iou(confusion), 4),
        "seconds": round(job.seconds, 1),
        "steps": job.step,
        "parameters": count_parameters(job.network),
        "note": job.note,
    }


def rows_of(table: Path) -> list[dict[str, str]]:
    """Rows of a table that was begun; none if there is no such file."""
    if not table.exists():
        return []
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", required=True, help="folders of DATA, with commas")
    parser.add_argument("--networks", default=",".join(TRAINABLE))
    parser.add_argument("--shots", type=int, default=3, help="images to learn from")
    parser.add_argument("--tests", type=int, default=20, help="images to measure on, at most")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cpu-time", action="store_true", help="seconds of a processor, not of the clock")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    done = rows_of(options.output) if options.output else []
    out = options.output.open("a", newline="") if options.output else sys.stdout
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    if not done:
        writer.writeheader()
    known = {(row["set"], row["draw"], row["network"]) for row in done}
    cells = itertools.product(range(options.draws), options.sets.split(","), options.networks.split(","))
    for number, name, network in cells:
        if (name, str(number), network) in known:
            continue
        draw = drawn(options.data / name, options.shots, options.tests, number)
        try:
            facts = measured(network, draw, options.seconds, number, in_cpu_time=options.cpu_time)
        except ModelError as error:
            facts = {"note": error.what}
        writer.writerow({"set": name, "draw": number, "network": network, **facts})
        out.flush()


if __name__ == "__main__":
    main()
