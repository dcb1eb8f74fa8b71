"""Clicks on masks that were handed in: rough ones are corrected, good ones must not suffer.

    python -m tests.benchmarks.given_masks --data DIR [DIR ...] [--limit 40] [--jitter 0.7]

DIR as in tests.benchmarks.clicks. Of every object a rough mask is made (IoU .6 to .8: a part cut off, a disk too much,
a wavy outline) and a good one (about .96: an outline that is a little wavy, and a bite or a bump), from fixed seeds.
Simulated clicks, innermost or anywhere deeper than 1 - jitter of the error's depth, correct the first to 90 % and
are put into the second four times.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from model.prediction.predictor import Predictor
from tests.benchmarks.click_objects import OBJECT, UNKNOWN, objects
from tests.benchmarks.simulated_hand import Click, Hand, next_click

MOST, FURTHER, ENOUGH = 20, 4, 0.985
GOALS = (0.85, 0.9)

Mask = NDArray[np.bool_]


def wavy(truth: Mask, share: float, generator: np.random.Generator) -> Mask:
    """An outline that is off by about this share of the root of the object's area."""
    outline = ndimage.distance_transform_edt(truth) - ndimage.distance_transform_edt(~truth)
    noise = ndimage.gaussian_filter(generator.standard_normal(truth.shape), 6)
    mask: Mask = outline + noise * (share * np.sqrt(truth.sum()) / (noise.std() + 1e-9)) > 0
    return mask


def disk_at(truth: Mask, share: float, generator: np.random.Generator, *, outside: float = 0.0) -> Mask:
    """A disk at the rim of an object, or farther outside by so many radii."""
    radius = share * np.sqrt(truth.sum())
    rim = np.argwhere(truth & ~ndimage.binary_erosion(truth))
    angle = generator.uniform(0, 2 * np.pi)
    row, col = rim[generator.integers(len(rim))] + outside * radius * np.array([np.sin(angle), np.cos(angle)])
    rows, cols = np.ogrid[: truth.shape[0], : truth.shape[1]]
    disk: Mask = (rows - row) ** 2 + (cols - col) ** 2 < radius**2
    return disk


def rough(truth: Mask, generator: np.random.Generator) -> Mask:
    """A mask of IoU .6 to .8 or so."""
    rows, cols = np.indices(truth.shape)
    angle = generator.uniform(0, 2 * np.pi)
    along = rows * np.sin(angle) + cols * np.cos(angle)
    kept = truth & (along < np.quantile(along[truth], generator.uniform(0.75, 0.88)))
    size = generator.uniform(0.11, 0.18)
    return wavy(kept | disk_at(truth, size, generator, outside=1.5), 0.03, generator)


def good(truth: Mask, generator: np.random.Generator) -> Mask:
    """A mask of IoU .96 or so."""
    drawn = wavy(truth, 0.012, generator)
    disk = disk_at(truth, generator.uniform(0.08, 0.14), generator)
    return drawn & ~disk if generator.random() < 0.5 else drawn | disk


def clicked(
    predictor: Predictor,
    mask: Mask,
    labels: NDArray[np.uint8],
    hand: Hand,
    turn: int,
    *,
    most: int,
    enough: float,
) -> list[float]:
    """IoU of a mask that is handed in, and after each click."""
    truth, counts = labels == OBJECT, labels != UNKNOWN
    start: NDArray[np.bool_] | NDArray[np.float32] = mask
    xy: list[tuple[float, float]] = []
    signs: list[int] = []
    clicks: list[Click] = []
    ious = [_iou(mask, truth, counts)]
    while len(ious) <= most and ious[-1] < enough:
        click = next_click(mask, truth, counts, clicks, hand, turn)
        if click is None:
            break
        clicks.append(click)
        xy.append((click[1] + 0.5, click[0] + 0.5))
        signs.append(int(click[2]))
        mask, _, start = predictor.predict(xy, signs, mask_input=start)
        ious.append(_iou(mask, truth, counts))
    return ious


def _iou(mask: Mask, truth: Mask, counts: Mask) -> float:
    union = np.count_nonzero((mask | truth) & counts)
    return np.count_nonzero(mask & truth & counts) / union if union else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--limit", type=int, default=0, help="objects of each DIR; 0 for all")
    parser.add_argument("--jitter", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0, help="of the places of sloppy clicks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    hand = Hand(options.jitter, options.seed)
    predictor = Predictor.default("cpu")
    corrected: list[list[float]] = []
    further: list[list[float]] = []
    for folder in options.data:
        for index, (picture, labels) in enumerate(objects(folder, options.limit)):
            predictor.set_image(picture)
            for make, seed, most, enough, into in (
                (rough, 1000, MOST, GOALS[-1], corrected),
                (good, 2000, FURTHER, ENOUGH, further),
            ):
                mask = make(labels == OBJECT, np.random.default_rng(seed + index))
                if mask.any():
                    into.append(clicked(predictor, mask, labels, hand, index, most=most, enough=enough))
    counts = [
        [next((i for i, v in enumerate(each) if v >= goal), MOST) for each in corrected] for goal in GOALS
    ]
    steps = np.concatenate([np.diff(each) for each in further])
    start, first = (np.mean([each[min(i, len(each) - 1)] for each in corrected]) for i in (0, 1))
    print("| rough masks | IoU given, after one click | clicks to 85 % | to 90 % |\n|---|---|---|---|")
    print(
        f"| {len(corrected)} | {start:.3f}, {first:.3f} | {np.mean(counts[0]):.2f} | {np.mean(counts[1]):.2f} |"
    )
    print(
        "\n| clicks on good masks | IoU given | lost more than .02 | worst | mean change |\n|---|---|---|---|---|"
    )
    given, lost = np.mean([each[0] for each in further]), 100 * np.mean(steps < -0.02)
    print(f"| {len(steps)} | {given:.3f} | {lost:.2f} % | {steps.min():+.3f} | {steps.mean():+.4f} |")


if __name__ == "__main__":
    main()
