"""More like this, beside template matching: average precision of what is found from a few examples.

    python -m tests.benchmarks.alike --data DIR [--weights FILE] [--examples 1] [--skip 20] [--limit 10]

DIR as in `tests.benchmarks.all_objects`. In every picture with at least eight objects some of middling size are the
examples; the others are to be found: AP at IoU .5, mean over the pictures. Template matching is normalised
cross-correlation with the cut-out of each example, whose mask is put on each peak.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2gray
from skimage.feature import match_template, peak_local_max

from model.prediction.alike import looks_of, propose_alike
from model.prediction.found_objects import FoundObject, best_of_overlapping, iou
from model.prediction.predictor import Predictor
from model.weights.checkpoint import default_weights_path, load
from tests.benchmarks.all_objects import FOUND, annotated, pairs

FEWEST = 8


def average_precision(found: list[FoundObject], wanted: list[FoundObject]) -> float:
    """Area under precision against recall of ``found``, in the order of its similarity."""
    open_ones, hits, precisions = list(wanted), 0, []
    for rank, each in enumerate(sorted(found, key=lambda one: -one.similarity), start=1):
        overlaps = [iou(each, one) for one in open_ones]
        if overlaps and max(overlaps) >= FOUND:
            del open_ones[int(np.argmax(overlaps))]
            hits += 1
            precisions.append(hits / rank)
    best = np.maximum.accumulate(precisions[::-1]) if precisions else np.zeros(1)
    return float(best.sum() / max(1, len(wanted)))


def beside(found: list[FoundObject], examples: list[FoundObject]) -> list[FoundObject]:
    """What is found beside the examples themselves."""
    return [each for each in found if all(iou(each, one) < 0.3 for one in examples)]


def template_matches(pixels: NDArray[np.uint8], examples: list[FoundObject]) -> list[FoundObject]:
    """The masks of the examples where the picture correlates with their cut-outs."""
    grey, found = rgb2gray(pixels), []
    for each in examples:
        row0, col0, row1, col1 = each.bounds
        template = grey[row0:row1, col0:col1]
        if min(template.shape) < 3:
            continue
        scores = match_template(grey, template)
        distance = max(1, min(template.shape) // 3)
        for row, col in peak_local_max(
            scores, min_distance=distance, threshold_abs=0.1, exclude_border=False
        ):
            bounds = int(row), int(col), int(row) + row1 - row0, int(col) + col1 - col0
            found.append(FoundObject(bounds, each.mask, 1.0, 1.0, float(scores[row, col])))
    return list(best_of_overlapping(found, same=0.3))


def middling(objects: list[FoundObject], count: int) -> list[FoundObject]:
    """Objects whose size is nearest to the median."""
    sizes = np.array([each.pixels for each in objects])
    order = np.argsort(np.abs(np.log(sizes / np.median(sizes))), kind="stable")
    return [objects[index] for index in order[:count]]


def main() -> None:
    """Prints both means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--examples", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--step", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor(load(options.weights or default_weights_path())[0], "cpu")
    ours, theirs, seconds = [], [], []
    for path, masks in pairs(options.data)[options.skip :: options.step]:
        objects = annotated(masks)
        if len(objects) < FEWEST or len(ours) == options.limit:
            continue
        pixels = np.array(Image.open(path).convert("RGB"))
        examples = middling(objects, options.examples)
        wanted = [each for each in objects if all(each is not one for one in examples)]
        predictor.set_image(pixels)
        started = time.process_time()
        looks = looks_of(predictor, [(each.bounds, each.mask) for each in examples])
        *_, found = propose_alike(predictor, looks)
        seconds.append(time.process_time() - started)
        ours.append(average_precision(beside(list(found.objects), examples), wanted))
        theirs.append(average_precision(beside(template_matches(pixels, examples), examples), wanted))
        print(f"{path.stem[:24]:24} {len(objects):4} objects  {ours[-1]:.3f}  template {theirs[-1]:.3f}")
    print(
        f"{len(ours)} pictures: AP at IoU .5 {np.mean(ours):.3f}, template matching {np.mean(theirs):.3f}, "
        f"{np.mean(seconds):.2f} s of CPU an image"
    )


if __name__ == "__main__":
    main()
