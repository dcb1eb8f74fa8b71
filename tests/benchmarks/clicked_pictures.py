"""Good, usable or bad after no, one, two and three clicks: photographs and microscope pictures, as a person clicks.

    python -m tests.benchmarks.clicked_pictures --data DIR [--weights FILE] [--sheets DIR]
    python -m tests.benchmarks.clicked_pictures --data DIR --sets SET:CLASSES ... --random 15 [--seed 1]

DIR holds sets, each with images/ and masks/. Fifteen pictures of either kind were chosen by eye
(`tests.benchmarks.chosen_pictures`), or as many as asked for are drawn from the sets that are named: SET alone where
its masks number objects, SET:1 or SET:1+2 for connected areas of classes. The first click falls anywhere in the object
that is deeper than a third of its deepest place, the next so into the largest error. No click is what the window
outlines under the resting pointer. Beside it, the same person who after each click looks through all meanings of the
clicks (Q) and keeps the one that fits best. Good is an IoU of .9 and more, usable of .75 and more. Every picture is
clicked in several draws of places.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the window does: waiting threads sleep

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from model.prediction.predictor import Predictor
from model.weights.checkpoint import load
from tests.benchmarks.chosen_pictures import KINDS, Source, Target, chosen, drawn
from tests.benchmarks.pointed_window import Mask, PointedWindow, overlap

MOST_CLICKS: Final = 3
GOOD, USABLE = 0.9, 0.75
SHEET_SIDE: Final = 300


def clicked(
    window: PointedWindow, truth: Mask, generator: np.random.Generator, *, chooses: bool
) -> tuple[list[float], list[Mask]]:
    """IoU and mask after no click, the first and so on; once nothing is wrong, the last again."""
    window.start_again()
    first = window.next_place(truth, generator)
    assert first is not None, "an object is never empty"
    masks = [window.preview(first[0])]
    place: tuple[tuple[int, int], bool] | None = first
    for _ in range(MOST_CLICKS):
        if place is not None and chooses:
            window.click_and_choose(place[0], truth, is_positive=place[1])
        elif place is not None:
            window.click(place[0], is_positive=place[1])
        masks.append(window.mask)
        place = window.next_place(truth, generator)
    return [overlap(mask, truth) for mask in masks], masks


def table(rows: dict[str, NDArray[np.float64]]) -> str:
    """Lines of the table; a row holds IoU of [objects, clicks]."""
    heads = " | ".join(
        "no click" if not n else "1 click" if n == 1 else f"{n} clicks" for n in range(MOST_CLICKS + 1)
    )
    lines = [f"| good, usable, bad (mean IoU) | tries | {heads} |", f"|{'---|' * (MOST_CLICKS + 3)}"]
    for name, ious in rows.items():
        cells = []
        for own in ious.T:
            good, usable = np.count_nonzero(own >= GOOD), np.count_nonzero(own >= USABLE)
            cells.append(f"{good}, {usable - good}, {len(own) - usable} ({own.mean():.2f})")
        lines.append(f"| {name} | {len(ious)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sheet(target: Target, masks: list[Mask]) -> NDArray[np.uint8]:
    """The part of the picture round the object, with what was answered in colour and what is wanted as a line."""
    seen = np.logical_or.reduce([target.truth, masks[-1]])
    rows, cols = ndimage.find_objects(seen.astype(np.uint8))[0]
    margin = 12 + max(rows.stop - rows.start, cols.stop - cols.start) // 4
    part = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in (rows, cols))
    outline = (ndimage.binary_dilation(target.truth) ^ target.truth)[part]
    tiles = []
    for mask in masks:
        tile = target.pixels[part].copy()
        tile[mask[part]] = tile[mask[part]] // 2 + np.array([0, 60, 127], np.uint8)
        tile[outline] = (255, 60, 60)
        tiles.append(np.array(Image.fromarray(tile).resize((SHEET_SIDE, SHEET_SIDE))))
    return np.concatenate(tiles, axis=1)


def measured(
    predictor: Predictor, targets: Iterable[Target], draws: int, sheets: Path | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """IoU [tries, clicks] of the plain person, and of the one who looks through meanings."""
    plain, choosing = [], []
    for number, target in enumerate(targets):
        window = PointedWindow(predictor, target.pixels)
        for draw in range(draws):
            ious, masks = clicked(window, target.truth, np.random.default_rng((draw, number)), chooses=False)
            best, _ = clicked(window, target.truth, np.random.default_rng((draw, number)), chooses=True)
            plain.append(ious)
            choosing.append(best)
            marks = " ".join(f"{iou:.2f}" for iou in ious), " ".join(f"{iou:.2f}" for iou in best)
            print(f"{target.name}, draw {draw}: {marks[0]}; with meanings {marks[1]}", flush=True)
            if sheets is not None:
                sheets.mkdir(parents=True, exist_ok=True)
                Image.fromarray(sheet(target, masks)).save(
                    sheets / f"{target.name.replace('/', '_')}_{draw}.jpg"
                )
    return np.array(plain), np.array(choosing)


def main() -> None:
    """Prints a line for every try, and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", type=Source.of, default=[])
    parser.add_argument("--random", type=int, default=15, help="pictures drawn from --sets")
    parser.add_argument("--seed", type=int, default=0, help="of these pictures")
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--draws", type=int, default=3, help="of the places of clicks, for every picture")
    parser.add_argument("--weights", type=Path, help="instead of the shipped ones")
    parser.add_argument("--sheets", type=Path, help="a folder that takes a picture of every try")
    options = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor(load(options.weights)[0], "cpu") if options.weights else Predictor.default("cpu")
    groups = (
        {"drawn": drawn(options.data, options.sets, options.random, options.seed)}
        if options.sets
        else {kind: chosen(options.data, kind) for kind in options.kinds}
    )
    rows = {}
    for name, targets in groups.items():
        rows[name], rows[f"{name}, meanings looked through"] = measured(
            predictor, targets, options.draws, options.sheets
        )
    print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
