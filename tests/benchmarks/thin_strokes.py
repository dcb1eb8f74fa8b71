"""Strokes along thin things, and in thick ones: what they give without and with a look for a thin thing under them.

    python -m tests.benchmarks.thin_strokes --thin FOLDER... --thick FOLDER... [--along N] [--half 0|1]

Each folder holds images/ and masks/. In those of thin things 1 is what is meant: its largest piece, or with --along N a
way of N pixels along it. In those of thick ones each number is an object: one stroke along its middle axis, two
straight ones between any two places in it. All are drawn as by a hand: a place every few pixels, up to two pixels off.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra
from skimage.morphology import skeletonize

from model.analysis.metrics import mask_iou
from model.prediction.line_answers import line_candidates
from model.prediction.lines import Line
from model.prediction.predictor import Predictor
from model.prediction.ridges import THIN_SCORE, ridge_under
from model.weights.checkpoint import default_weights_path, load

Mask = np.ndarray
STEP = 6
OFF = 2.0
"""Pixels between the places of a stroke, and how far off a hand is."""
THICK = 8
"""Objects are thick where they hold a disk of this radius."""
LEAST_AREA = 1200
SHORTEST = 30
MOST_PICTURES, MOST_OBJECTS = 80, 3
"""Of each folder of thick objects, and of each of its pictures."""


@dataclass(frozen=True)
class Drawn:
    """A picture uint8 [H, W, 3], what is meant in it, bool [H, W], and the places (x, y) of a stroke."""

    pixels: np.ndarray
    truth: Mask
    way: np.ndarray


def thin_things(folder: Path, along: int, half: int | None) -> Iterator[Drawn]:
    """One stroke a picture, of every second picture where a half is given."""
    for number, (pixels, marked) in enumerate(_pictures(folder)):
        if half is not None and number % 2 != half:
            continue
        rng = np.random.default_rng(number)
        meant = largest(marked == 1)
        thin = skeletonize(meant)
        way = longest_way(thin)
        if along:
            begin = int(rng.integers(0, max(1, len(way) - along)))
            way = way[begin : begin + along]
            meant = _nearest_to(way, thin, meant)
        if len(way) > SHORTEST:
            yield Drawn(pixels, meant, by_hand(way, rng))


def thick_things(folder: Path, half: int | None) -> Iterator[Drawn]:
    """Three strokes an object; of every second picture where a half is given."""
    for number, (pixels, marked) in enumerate(_pictures(folder)):
        if number >= MOST_PICTURES or (half is not None and number % 2 != half):
            continue
        rng = np.random.default_rng(number)
        numbers, areas = np.unique(marked[marked > 0], return_counts=True)
        for which in rng.permutation(numbers[areas > LEAST_AREA])[:MOST_OBJECTS]:
            truth = largest(marked == which)
            if ndimage.distance_transform_edt(truth).max() < THICK:
                continue
            places = np.argwhere(truth)
            ways = [longest_way(skeletonize(truth)), *(_straight(places, rng) for _ in range(2))]
            yield from (Drawn(pixels, truth, by_hand(way, rng)) for way in ways if len(way) > SHORTEST)


def _pictures(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for path in sorted((folder / "masks").glob("*.png")):
        picture = next((folder / "images").glob(path.stem + ".*"))
        yield np.asarray(Image.open(picture).convert("RGB")), np.asarray(Image.open(path))


def _straight(places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A way in steps of a pixel between two of the places."""
    one, other = places[rng.integers(len(places), size=2)]
    return np.linspace(one, other, int(np.hypot(*(one - other))) + 1)


def by_hand(way: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every few places of a way (row, column) [N, 2], each up to two pixels off; (x, y), [M, 2]."""
    places = way[::STEP, ::-1] + 0.5
    return places + rng.uniform(-OFF, OFF, places.shape)


def longest_way(thin: Mask) -> np.ndarray:
    """Rows and columns [N, 2], in order, of the way along a skeleton between the ends farthest apart."""
    places = np.argwhere(thin)
    numbers = np.full(np.add(thin.shape, 2), -1)
    numbers[1:-1, 1:-1][thin] = np.arange(len(places))
    pairs = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        there = numbers[1 + down :, 1 + right :][: thin.shape[0], : thin.shape[1]]
        here = numbers[1:-1, 1:-1][: there.shape[0], : there.shape[1]]
        both = (here >= 0) & (there >= 0)
        pairs.append(np.stack((here[both], there[both], np.full(both.sum(), np.hypot(down, right)))))
    start, end, far = np.concatenate(pairs, axis=1)
    graph = sparse.coo_array((far, (start.astype(int), end.astype(int))), (len(places),) * 2).tocsr()
    first = _farthest(dijkstra(graph, directed=False, indices=0))
    away, before = dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    at = _farthest(away)
    way = [at]
    while at != first:
        at = int(before[at])
        way.append(at)
    return places[way]


def largest(mask: Mask) -> Mask:
    """The largest connected part of a mask."""
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return parts == sizes.argmax()


def _farthest(away: np.ndarray) -> int:
    return int(np.where(np.isfinite(away), away, -1).argmax())


def _nearest_to(way: np.ndarray, thin: Mask, mask: Mask) -> Mask:
    """The pixels of a mask that are nearer to a part of its skeleton than to the rest of it."""
    along = np.zeros_like(thin)
    along[tuple(way.T)] = True
    _, (rows, cols) = ndimage.distance_transform_edt(~thin, return_indices=True)
    return mask & along[rows, cols]


def tolerant_iou(found: Mask, truth: Mask) -> float:
    """IoU where pixels no farther than one from the other mask are right: of lines, whose outlines are the half."""
    near_truth, near_found = (ndimage.binary_dilation(mask, np.ones((3, 3))) for mask in (truth, found))
    right = np.count_nonzero(found & near_truth) + np.count_nonzero(truth & near_found)
    return right / max(
        1, right + 2 * (np.count_nonzero(found & ~near_truth) + np.count_nonzero(truth & ~near_found))
    )


def measured(predictor: Predictor, drawn: Drawn) -> tuple[float, ...]:
    """IoU before and after, both with a tolerance, whether the thin thing was taken, offered, and milliseconds."""
    line = Line.of(drawn.way)
    started = time.perf_counter()
    ridge_under(drawn.pixels, line)
    took = 1000 * (time.perf_counter() - started)
    predictor.set_image(drawn.pixels)
    found = line_candidates(predictor, line)
    own = next(mask for mask, score, _ in found if score != THIN_SCORE)
    is_offered = any(score == THIN_SCORE for _, score, _ in found)
    pair = own, found[0][0]
    plain = [mask_iou(mask, drawn.truth) for mask in pair]
    tolerant = [tolerant_iou(mask, drawn.truth) for mask in pair]
    return (*plain, *tolerant, float(found[0][1] == THIN_SCORE), float(is_offered), took)


def main() -> None:
    """Prints a row for each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--thin", nargs="*", type=Path, default=[])
    parser.add_argument("--thick", nargs="*", type=Path, default=[])
    parser.add_argument("--along", type=int, default=0)
    parser.add_argument("--half", type=int, choices=(0, 1))
    chosen = parser.parse_args()
    predictor = Predictor(load(default_weights_path())[0], "cpu")
    sets = [(folder.name, thin_things(folder, chosen.along, chosen.half)) for folder in chosen.thin]
    sets += [(folder.name, thick_things(folder, chosen.half)) for folder in chosen.thick]
    for name, drawn in sets:
        rows = np.array([measured(predictor, each) for each in drawn])
        before, after, before_1, after_1, taken, offered, took = rows.T
        is_taken = taken > 0
        print(
            f"{name:18} {len(rows)} strokes, IoU {before.mean():.3f} -> {after.mean():.3f}, within a pixel "
            f"{before_1.mean():.3f} -> {after_1.mean():.3f}; taken {is_taken.sum()} (better "
            f"{(after > before)[is_taken].sum()}, worse by more than .1 {(after < before - 0.1)[is_taken].sum()}), "
            f"offered {int(offered.sum())}; {np.median(took):.0f} ms",
            flush=True,
        )


if __name__ == "__main__":
    main()
