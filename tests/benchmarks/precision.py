"""Do bfloat16 and float32 answer clicks alike, and what does each cost?

    python -m tests.benchmarks.precision --data DIR [--limit 40] [--clicks 3] [--weights FILE]

DIR as in `tests.benchmarks.clicks`. Both get the same clicks, simulated on the float32 answer, and each goes
on from its own answer before. Costs are seconds of this process on all its threads, so that other programs
count little.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the window does: waiting threads sleep

import numpy as np
import torch
from numpy.typing import NDArray

from model import Predictor, load
from model.analysis.metrics import mask_iou
from model.weights.checkpoint import default_weights_path
from tests.benchmarks.click_objects import OBJECT, UNKNOWN, objects
from tests.benchmarks.clicks import next_click

FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Chained:
    """A predictor whose every answer starts from the one before; counts its seconds."""

    def __init__(self, weights: str, dtype: torch.dtype) -> None:
        self.predictor = Predictor(load(weights)[0], "cpu", dtype=dtype)
        self.seconds = {"encode": 0.0, "clicks": 0.0}

    def set_image(self, picture: NDArray[np.uint8]) -> None:
        """Take a picture."""
        start = time.process_time()
        self.predictor.set_image(picture)
        self.seconds["encode"] += time.process_time() - start
        self._logits: NDArray[np.float32] | None = None

    def answer(self, clicks: list[tuple[int, int, bool]]) -> NDArray[np.bool_]:
        """The mask for all clicks so far."""
        xy = [(col + 0.5, row + 0.5) for row, col, _ in clicks]
        labels = [int(positive) for _, _, positive in clicks]
        start = time.process_time()
        mask, _, self._logits = self.predictor.predict(xy, labels, mask_input=self._logits)
        self.seconds["clicks"] += time.process_time() - start
        return mask


def agreements(exact: Chained, fast: Chained, folder: Path, limit: int, clicks: int) -> Iterator[list[float]]:
    """IoU of the two answers after each click, object by object."""
    for picture, mask in objects(folder, limit):
        truth, counts = mask == OBJECT, mask != UNKNOWN
        for one in (exact, fast):
            one.set_image(picture)
        answer, done, ious = np.zeros(truth.shape, bool), [], []
        while len(done) < clicks and (click := next_click(answer, truth, counts, done)):
            done.append(click)
            answer = exact.answer(done)
            ious.append(mask_iou(answer, fast.answer(done)))
        yield ious


def summary(name: str, ious: list[float]) -> str:
    """A line of the table."""
    values = np.array(ious)
    middle = np.exp(np.log(np.maximum(1 - values, 1e-5)).mean())
    return (
        f"| {name} | {len(values)} | {values.mean():.4f} | {values.min():.3f} | {np.mean(values > 0.99):.3f}"
        f" | {middle:.5f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=40, help="objects; 0 for all")
    parser.add_argument("--clicks", type=int, default=3, help="per object, at most")
    parser.add_argument("--weights", default=str(default_weights_path()))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    exact, fast = (Chained(options.weights, dtype) for dtype in FORMATS.values())
    by_object = list(agreements(exact, fast, options.data, options.limit, options.clicks))
    print(
        "| clicks | answers | mean IoU | least | above .99 | geometric mean of 1 - IoU |\n|---|---|---|---|---|---|"
    )
    print(summary("all", [iou for ious in by_object for iou in ious]))
    for number in range(options.clicks):
        print(summary(f"number {number + 1}", [ious[number] for ious in by_object if len(ious) > number]))
    print("\n| CPU seconds | encode | clicks |\n|---|---|---|")
    for name, one in zip(FORMATS, (exact, fast), strict=True):
        print(f"| {name} | {one.seconds['encode']:.1f} | {one.seconds['clicks']:.1f} |")


if __name__ == "__main__":
    main()
