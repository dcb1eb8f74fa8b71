"""From a coarse mask to a good one: clicks that correct what another tool made, beside clicks from nothing.

    python -m tests.benchmarks.corrected_masks --data DIR [--kinds photographs]
    python -m tests.benchmarks.corrected_masks --data DIR --sets SET:CLASSES ... --random 15 [--seed 1]

The pictures and objects of `tests.benchmarks.clicked_pictures`, or others drawn at random as there. Each mask is
made coarse in three ways: a polygon of few corners, blocks of eight pixels (fewer for small objects), and too wide by
a tenth of its side. It is taken up as with Ctrl and a click, and corrected by clicks into the largest error, deeper
than a third, until the IoU is .9; at most ten. The same person clicks on the same object from nothing. What is too wide
is also narrowed first, as with Shift and the wheel, as far as it looks best; that is one gesture more. The border is
moved evenly, as the masks were made too wide: masks of other tools are less even.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the window does: waiting threads sleep

import numpy as np
import torch
from scipy import ndimage
from skimage.draw import polygon2mask
from skimage.measure import approximate_polygon, find_contours

from latentseg_gui.document.prediction.proposals import PromptSet, TakenUp, as_it_was
from latentseg_gui.document.prediction.tightening import MOST_SHIFT, Tightening, tightened
from latentseg_gui.document.types import Rect
from model.prediction.predictor import Predictor
from model.weights.checkpoint import load
from tests.benchmarks.chosen_pictures import KINDS, Source, Target, chosen, drawn
from tests.benchmarks.pointed_window import Mask, PointedWindow, overlap

GOAL: Final = 0.9
MOST_CLICKS: Final = 10


def few_corners(mask: Mask) -> Mask:
    """A polygon whose sides are off by up to a tenth of the object's side."""
    outline = max(find_contours(np.pad(mask, 1).astype(float), 0.5), key=len) - 1
    corners = approximate_polygon(outline, 0.1 * _side(mask))
    return np.asarray(polygon2mask(mask.shape, corners), np.bool_)


def blocky(mask: Mask) -> Mask:
    """Blocks of eight pixels, or a fifth of the object's side where that is less."""
    step = max(2, min(8, round(_side(mask) / 5)))
    rows, cols = (side // step + 1 for side in mask.shape)
    padded = np.zeros((rows * step, cols * step))
    padded[: mask.shape[0], : mask.shape[1]] = mask
    shares = padded.reshape(rows, step, cols, step).mean((1, 3))  # [rows, cols]
    return (shares >= 0.5).repeat(step, 0).repeat(step, 1)[: mask.shape[0], : mask.shape[1]]


def too_wide(mask: Mask) -> Mask:
    """Grown by a tenth of the object's side."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= max(1.0, 0.1 * _side(mask)), np.bool_)


def narrowed(mask: Mask, truth: Mask) -> Mask:
    """What is too wide, its border moved inwards until it fits best."""
    shape = (*mask.shape, 3)
    given = as_it_was("image", PromptSet(taken_up=taken_up(mask)))
    assert given is not None
    tried = [mask]
    for pixels in range(1, MOST_SHIFT + 1):
        made = tightened(given, Tightening().shifted(-pixels), np.zeros(shape, np.uint8))
        if made.rect.is_empty:
            break
        whole = np.zeros(mask.shape, np.bool_)
        whole[made.rect.slices] = made.mask
        tried.append(whole)
    return max(tried, key=lambda each: overlap(each, truth))


def _side(mask: Mask) -> float:
    return float(np.sqrt(np.count_nonzero(mask)))


COARSE: Final[dict[str, Callable[[Mask], Mask]]] = {
    "few corners": few_corners,
    "blocks": blocky,
    "too wide": too_wide,
    "too wide, narrowed first": lambda truth: narrowed(too_wide(truth), truth),
}
NOTHING: Final = "nothing"


def clicks_needed(window: PointedWindow, target: Target, coarse: Mask | None, seed: tuple[int, int]) -> int:
    """Clicks until the IoU is good; `MOST_CLICKS` and one more where it never is.

    Args:
        window: shows the picture.
        target: what is wanted.
        coarse: what is taken up; None to start from nothing.
        seed: of the places of clicks.
    """
    generator = np.random.default_rng(seed)
    window.start_again(None if coarse is None else taken_up(coarse))
    for number in range(MOST_CLICKS + 1):
        if overlap(window.mask, target.truth) >= GOAL:
            return number
        place = window.next_place(target.truth, generator)
        if place is None:
            break
        window.click(place[0], is_positive=place[1])
    return MOST_CLICKS + 1


def taken_up(mask: Mask) -> TakenUp:
    """An object of the mask as Ctrl and a click take it up."""
    rect = Rect.around(mask)
    rows, cols = np.nonzero(mask)
    return TakenUp(
        rect, mask[rect.slices].copy(), (mask.shape[0], mask.shape[1]), 1, (int(rows[0]), int(cols[0])), 1
    )


def cell(counts: list[int]) -> str:
    """Mean clicks, and how many were not good after the most."""
    never = sum(count > MOST_CLICKS for count in counts)
    return f"{np.mean([min(count, MOST_CLICKS) for count in counts]):.2f} ({never} of {len(counts)})"


def main() -> None:
    """Prints a line for every object, and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--sets", nargs="+", type=Source.of, default=[])
    parser.add_argument("--random", type=int, default=15, help="pictures drawn from --sets")
    parser.add_argument("--seed", type=int, default=0, help="of these pictures")
    parser.add_argument("--draws", type=int, default=3, help="of the places of clicks")
    parser.add_argument("--starts", nargs="+", choices=[NOTHING, *COARSE], default=[NOTHING, *COARSE])
    parser.add_argument("--weights", type=Path, help="instead of the shipped ones")
    options = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor(load(options.weights)[0], "cpu") if options.weights else Predictor.default("cpu")
    groups = {"drawn": drawn(options.data, options.sets, options.random, options.seed)}
    if not options.sets:
        groups = {kind: chosen(options.data, kind) for kind in options.kinds}
    lines = []
    for kind, targets in groups.items():
        counts: dict[str, list[int]] = {name: [] for name in options.starts}
        before: dict[str, list[float]] = {name: [] for name in options.starts}
        for number, target in enumerate(targets):
            window = PointedWindow(predictor, target.pixels)
            for name in options.starts:
                start = None if name == NOTHING else COARSE[name](target.truth)
                own = [clicks_needed(window, target, start, (draw, number)) for draw in range(options.draws)]
                counts[name] += own
                if start is not None:
                    before[name].append(overlap(start, target.truth))
                print(f"{target.name}, {name}: {own}", flush=True)
        iou = {name: f"{np.mean(values):.2f}; " if values else "" for name, values in before.items()}
        cells = [iou[name] + cell(counts[name]) for name in options.starts]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    names, rule = " | ".join(options.starts), "---|" * (1 + len(options.starts))
    print(f"\n| clicks to IoU {GOAL:g} (not reached) | {names} |\n|{rule}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
