"""Proposals for everything: which of the annotated objects are among them, and in what time.

    python -m tests.benchmarks.all_objects --data DIR [--weights FILE] [--skip 20] [--limit 20] [--threads 2]

DIR holds ``images`` and ``masks`` of object numbers (0 for none), a mask named as its image, or with ``_K`` after that
where an image has several. An object counts as found where a proposal has at least IoU .5 with it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model.prediction.all_objects import propose_objects
from model.prediction.found_objects import FoundObject, iou
from model.prediction.predictor import Predictor
from model.weights.checkpoint import default_weights_path, load

FOUND = 0.5


def pairs(folder: Path) -> list[tuple[Path, list[Path]]]:
    """Every image with its masks."""
    images = {each.stem: each for each in sorted((folder / "images").iterdir())}
    masks: dict[str, list[Path]] = {}
    for each in sorted((folder / "masks").glob("*.png")):
        stem = each.stem if each.stem in images else each.stem.rpartition("_")[0]
        if stem in images:
            masks.setdefault(stem, []).append(each)
    return [(images[stem], found) for stem, found in masks.items()]


def annotated(paths: list[Path]) -> list[FoundObject]:
    """The objects of some masks."""
    found = []
    for path in paths:
        numbers = np.array(Image.open(path)).astype(np.int64)
        for number in np.setdiff1d(numbers, 0):
            mask = numbers == number
            rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            bounds = int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1
            part = mask[bounds[0] : bounds[2], bounds[1] : bounds[3]]
            found.append(FoundObject(bounds, part, 1.0, 1.0))
    return found


def main() -> None:
    """Prints recall, proposals and seconds an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predictor = Predictor(load(options.weights or default_weights_path())[0], "cpu")
    chosen = pairs(options.data)[options.skip :: options.step][: options.limit]
    total, hits, proposals, cpu, wall = 0, 0, 0, 0.0, 0.0
    for path, masks in chosen:
        pixels = np.array(Image.open(path).convert("RGB"))
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        predictor.set_image(pixels)
        *_, found = propose_objects(predictor)
        cpu += time.process_time() - cpu_before
        wall += time.perf_counter() - wall_before
        objects = annotated(masks)
        total += len(objects)
        proposals += len(found.objects)
        hits += sum(max((iou(each, one) for one in found.objects), default=0.0) >= FOUND for each in objects)
    count = len(chosen)
    print(
        f"{count} images, {total} objects: recall at IoU .5 {hits / max(1, total):.3f}, "
        f"{proposals / count:.0f} proposals, {cpu / count:.2f} s of CPU and {wall / count:.2f} s an image"
    )


if __name__ == "__main__":
    main()
