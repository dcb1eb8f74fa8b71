"""How far do strokes go: 1 % of the pixels of three images against their whole masks.

    python -m tests.benchmarks.scribbles --data DIR [--seconds 30] [--div 1.7]

For every set DIR/fewshot_*: three images of the pool are labelled, once with their whole masks and once with
strokes such as a person draws, and the default network learns from them for so long. Both are measured by
mean IoU on held-out images. CPU seconds over ``div`` count as seconds, so that other programs on the machine
hardly matter. Wanted: strokes reach 90 % of whole masks.

A stroke runs along the middle (the skeleton) of a piece of a class, is a brush of three pixels wide
(thinner where the piece is), and at most a fifth of the picture long. Classes take turns, whatever
their size, until 1 % of the pixels are covered; no stroke leaves its class.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, label
from skimage.morphology import skeletonize

from model.analysis.metrics import UNLABELLED, confusion_matrix, mean_iou
from model.training.optimisers import warm_up
from tests.benchmarks.fewshot_adapter import Latent

CLASSES = {"nuclei": 2, "wbc": 3, "membrane": 2, "crack": 2, "tile": 2, "steel": 4}
SHARE = 0.01
LENGTH = 0.2
IGNORED = 255


class Clock:
    """CPU seconds of this process over ``div`` as seconds of a budget."""

    def __init__(self, seconds: float, div: float) -> None:
        self._seconds, self._div, self._start = seconds, div, time.process_time()

    def left(self) -> float:
        return self._seconds - (time.process_time() - self._start) / self._div


def strokes(mask: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """Labels of about ``share`` of the pixels, as strokes inside the classes; 255 elsewhere."""
    rng = np.random.default_rng(seed)
    drawn = np.full_like(mask, IGNORED)
    classes = [value for value in np.unique(mask) if value != IGNORED]
    paths = {value: list(_paths(mask == value, rng)) for value in classes}
    left = int(share * mask.size)
    while any(paths.values()) and left > 0:
        for value in (each for each in classes if paths[each]):
            covered = _brushed(paths[value].pop(), mask == value) & (drawn == IGNORED)
            places = np.argwhere(covered)[: max(left, 0)]  # the last stroke is cut short
            drawn[tuple(places.T)] = value
            left -= len(places)
    return drawn


def _brushed(path: NDArray[np.intp], area: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A path as a brush of three pixels leaves it, inside an area."""
    drawn = np.zeros(area.shape, bool)
    drawn[tuple(path.T)] = True
    return binary_dilation(drawn) & area


def _paths(area: NDArray[np.bool_], rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Ways along the skeletons of the pieces of an area, the shortest kinds first to be popped last."""
    longest = max(8, int(LENGTH * max(area.shape)))
    pieces, count = label(skeletonize(area), np.ones((3, 3)))
    order = rng.permutation(count) + 1
    for piece in order:
        places = np.argwhere(pieces == piece)
        while len(places) >= 3:
            start = places[rng.integers(len(places))]
            near = np.abs(places - start).max(1) <= longest // 2
            yield places[near]
            places = places[np.abs(places - start).max(1) > longest]


def read(folder: Path, name: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """An image and its class ids."""
    mask = np.array(Image.open(folder / "masks" / f"{name.stem}.png"))
    return np.array(Image.open(name).convert("RGB")), (mask[..., 0] if mask.ndim == 3 else mask).astype(
        np.int64
    )


def measured(learner: Latent, test: list, num_classes: int) -> float:
    """Mean IoU (see `model.analysis.metrics`) over all pictures."""
    confusion = np.zeros((num_classes, num_classes), np.int64)
    for image, mask in test:
        truth = np.where(mask < num_classes, mask, UNLABELLED).astype(np.uint8)
        confusion += confusion_matrix(truth, learner.predict(image).astype(np.uint8), num_classes)
    return mean_iou(confusion)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--div", type=float, default=1.7)
    parser.add_argument("--test", type=int, default=12, help="held-out images per set")
    parser.add_argument("--sets", default=",".join(CLASSES))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warm_up()
    ratios, table = [], {}
    for name in arguments.sets.split(","):
        folder, num_classes = arguments.data / f"fewshot_{name}", CLASSES[name]
        files = sorted((folder / "images").iterdir())
        order = np.random.RandomState(7).permutation(len(files))
        test = [read(folder, files[i]) for i in order[: arguments.test]]
        pool = order[arguments.test : arguments.test + 60]
        picked = [read(folder, files[pool[i]]) for i in np.random.RandomState(0).permutation(len(pool))[:3]]
        images = [image for image, _ in picked]
        drawn = [strokes(mask, SHARE, seed) for seed, (_, mask) in enumerate(picked)]
        figures = []
        for masks in ([mask for _, mask in picked], drawn):
            learner = Latent()
            learner.fit(images, masks, num_classes, Clock(arguments.seconds, arguments.div))
            figures.append(measured(learner, test, num_classes))
        ratios.append(figures[1] / figures[0])
        covered = np.mean([(mask != IGNORED).mean() for mask in drawn])
        table[name] = figures
        print(
            f"{name:9} whole masks {figures[0]:.3f}, strokes on {covered:.2%} of the pixels {figures[1]:.3f}: "
            f"{ratios[-1]:.1%}",
            flush=True,
        )
    print(f"mean of the ratios {np.mean(ratios):.1%}")
    if arguments.json:
        arguments.json.write_text(json.dumps(table))


if __name__ == "__main__":
    main()
