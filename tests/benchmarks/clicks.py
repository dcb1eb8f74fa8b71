"""Clicks until the mask is right: latentseg and GrabCut, simulated clicks, one table.

    python -m tests.benchmarks.clicks --data DIR [DIR ...] [--limit 40] [--methods latentseg,grabcut] [--weights FILE]
    python -m tests.benchmarks.clicks --data DIR --methods latentseg --jitter 0.7 --seeds 0 1 2 [--part 1/2]

DIR holds images/ and masks/ (255 object, 0 background, 128 does not count), for example clicks_bsds_val; of
class maps, connected parts are clicked on. Several may be given.
The protocol is that of f-BRS and RITM: the next click falls on the innermost point of the larger error,
so the first one on that of the object; clicks go on to an IoU of 95 %, at most 20. NoC@q is the number
of clicks until the IoU reaches q %, 20 where it never does. With --jitter clicks fall anywhere deeper than 1 - jitter
of the error's depth; several seeds are so many draws of that, with their mean and spread. Then what further clicks do
to masks that are good already, and the seconds on a picture of 1024x1024.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the window does: waiting threads sleep

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data as samples
from skimage.measure import label as components
from skimage.transform import resize

from tests.benchmarks.click_adapter import LatentExperts
from tests.benchmarks.click_objects import OBJECT, UNKNOWN, objects
from tests.benchmarks.simulated_hand import Click, Hand, next_click

MAX_CLICKS = 20
GOOD_ENOUGH = 0.95
REPORTED = (1, 3, 5, 10)
GOOD = (0.85, 0.9)
LOSSES = (0.0, 0.005, 0.02, 0.05)


class Method(Protocol):
    """Whatever answers clicks with a mask."""

    def set_image(self, rgb: NDArray[np.uint8]) -> None:
        """Take a picture, uint8 [H, W, 3]."""

    def predict(self, clicks: Sequence[Click]) -> NDArray[np.bool_]:
        """Mask for clicks (row, column, is positive), oldest first."""


class GrabCut:
    """OpenCV's GrabCut: clicks are certain, a disk round them is probable, the rest goes on from before."""

    SURE, FIRST, LATER = 5, 0.15, 0.05

    def set_image(self, rgb: NDArray[np.uint8]) -> None:
        """Take a picture."""
        self._bgr = np.ascontiguousarray(rgb[..., ::-1])
        self._state: NDArray[np.uint8] | None = None

    def predict(self, clicks: Sequence[Click]) -> NDArray[np.bool_]:
        """Mask for clicks."""
        shape = self._bgr.shape[:2]
        reach = (self.FIRST if self._state is None else self.LATER) * min(shape)
        state = np.full(shape, cv2.GC_PR_BGD, np.uint8) if self._state is None else self._state & 1 | 2
        row, col, is_positive = clicks[-1]
        cv2.circle(state, (col, row), int(reach), cv2.GC_PR_FGD if is_positive else cv2.GC_PR_BGD, -1)
        if all(positive for _, _, positive in clicks):
            cv2.rectangle(state, (0, 0), (shape[1] - 1, shape[0] - 1), cv2.GC_BGD, 2)
        for row, col, is_positive in clicks:
            cv2.circle(state, (col, row), self.SURE, cv2.GC_FGD if is_positive else cv2.GC_BGD, -1)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(self._bgr, state, None, *models, 3, cv2.GC_INIT_WITH_MASK)
        self._state = state
        return _clicked_parts((state & 1).astype(bool), clicks)


def _clicked_parts(mask: NDArray[np.bool_], clicks: Sequence[Click]) -> NDArray[np.bool_]:
    """The connected parts of ``mask`` that hold a positive click."""
    parts = components(mask, connectivity=1)
    wanted = {parts[row, col] for row, col, is_positive in clicks if is_positive} - {0}
    return np.isin(parts, list(wanted))


@dataclass
class Figures:
    """What a method did on all objects: IoU after each click, and seconds."""

    ious: list[list[float]] = field(default_factory=list)
    encode: list[float] = field(default_factory=list)
    click: list[float] = field(default_factory=list)

    def clicks_until(self, iou: float) -> float:
        """Mean number of clicks."""
        counts = [
            next((i + 1 for i, value in enumerate(each) if value >= iou), MAX_CLICKS) for each in self.ious
        ]
        return float(np.mean(counts))

    def iou_after(self, clicks: int) -> float:
        """Mean IoU; an object that was done earlier keeps its last."""
        return float(np.mean([each[min(clicks, len(each)) - 1] for each in self.ious]))

    def changes(self, good: float) -> NDArray[np.float64]:
        """What clicks on masks of at least this IoU made of it."""
        pairs = [pair for each in self.ious for pair in itertools.pairwise(each) if pair[0] >= good]
        return np.array([after - before for before, after in pairs])

    def further(self, name: str, good: float) -> str:
        """A line of the table about further clicks on good masks."""
        changes = self.changes(good)
        lost = " | ".join(f"{np.mean(changes < -loss - 1e-9) * 100:.2f} %" for loss in LOSSES)
        return f"| {name} | {good:.2f} | {len(changes)} | {lost} | {changes.min():+.3f} | {changes.mean():+.4f} |"

    def extend(self, others: Figures) -> None:
        """Takes the objects of another draw in."""
        self.ious += others.ious
        self.encode += others.encode
        self.click += others.click

    def row(self, name: str) -> str:
        """A line of the table."""
        after = " | ".join(f"{self.iou_after(count):.3f}" for count in REPORTED)
        return (
            f"| {name} | {len(self.ious)} | {self.clicks_until(0.85):.2f} | {self.clicks_until(0.9):.2f} | {after}"
            f" | {np.mean(self.encode):.3f} | {np.median(self.click):.3f} |"
        )


def spread(name: str, draws: Sequence[Figures]) -> str:
    """Mean of several draws, and the standard deviation of one of them."""
    counts = [[draw.clicks_until(goal) for draw in draws] for goal in GOOD]
    after = [[draw.iou_after(count) for draw in draws] for count in REPORTED]
    cells = [f"{np.mean(each):.2f} +- {np.std(each, ddof=1):.2f}" for each in counts]
    cells += [f"{np.mean(each):.3f} +- {np.std(each, ddof=1):.3f}" for each in after]
    return f"| {name}, mean of {len(draws)} | {len(draws[0].ious)} | {' | '.join(cells)} | | |"


def segment(
    method: Method, picture: NDArray[np.uint8], mask: NDArray[np.uint8], figures: Figures, hand: Hand
) -> None:
    """Click one object until it is right."""
    truth, counts = mask == OBJECT, mask != UNKNOWN
    start = time.perf_counter()
    method.set_image(picture)
    figures.encode.append(time.perf_counter() - start)
    answer, clicks, ious = np.zeros(truth.shape, bool), [], []
    while len(clicks) < MAX_CLICKS and (not ious or ious[-1] < GOOD_ENOUGH):
        click = next_click(answer, truth, counts, clicks, hand, len(figures.ious))
        if click is None:
            break
        clicks.append(click)
        start = time.perf_counter()
        answer = method.predict(clicks)
        figures.click.append(time.perf_counter() - start)
        union = ((answer | truth) & counts).sum()
        ious.append(float((answer & truth & counts).sum() / union) if union else 1.0)
    figures.ious.append(ious or [1.0])


def clicked(name: str, method: Method, options: argparse.Namespace) -> list[Figures]:
    """A draw of places for every seed, each with its line of the table; of several their mean."""
    first, _, parts = options.part.partition("/")
    draws = []
    for seed in options.seeds:
        draw, hand = Figures(), Hand(options.jitter, seed)
        for folder in options.data:
            for picture, mask in objects(folder, options.limit, (int(first), int(parts))):
                segment(method, picture, mask, draw, hand)
        print(draw.row(f"{name}, seed {seed}" if len(options.seeds) > 1 else name), flush=True)
        draws.append(draw)
    if len(draws) > 1:
        print(spread(name, draws))
    return draws


def timings(method: Method, repeats: int) -> str:
    """Seconds for a picture of 1024x1024: encoding, first click, later clicks."""
    picture = (resize(samples.astronaut(), (1024, 1024), order=1) * 255).astype(np.uint8)
    encode, first, later = [], [], []
    for _ in range(repeats):
        for kind, work in (
            (encode, lambda: method.set_image(picture)),
            (first, lambda: method.predict([(300, 450, True)])),
            (later, lambda: method.predict([(300, 450, True), (700, 400, True)])),
            (later, lambda: method.predict([(300, 450, True), (700, 400, True), (150, 800, False)])),
        ):
            start = time.perf_counter()
            work()
            kind.append(time.perf_counter() - start)
    return " | ".join(f"{np.median(kind) * 1000:.0f} ms" for kind in (encode, first, later))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--limit", type=int, default=0, help="objects of each DIR; 0 for all")
    parser.add_argument(
        "--part", default="0/1", help="1/2: the pictures of every second place, the second first"
    )
    parser.add_argument("--jitter", type=float, default=0.0)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0], help="draws of the places of sloppy clicks"
    )
    parser.add_argument("--methods", default="latentseg,grabcut")
    parser.add_argument("--weights", default="", help="instead of the shipped ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="of the timing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    makers = {"latentseg": lambda: LatentExperts(options.weights), "grabcut": GrabCut}
    methods = {name: makers[name]() for name in options.methods.split(",")}
    after = " | ".join(f"IoU@{count}" for count in REPORTED)
    print(f"| method | objects | NoC@85 | NoC@90 | {after} | set image, s | click, s |\n|{'---|' * 10}")
    figures = {name: Figures() for name in methods}
    for name, method in methods.items():
        for draw in clicked(name, method, options):
            figures[name].extend(draw)
    lost = " | ".join(f"lost more than {loss:g}" for loss in LOSSES)
    print(f"\n| further clicks | on IoU of | clicks | {lost} | worst | mean change |\n|{'---|' * 9}")
    for name, done in figures.items():
        print("\n".join(done.further(name, good) for good in GOOD if len(done.changes(good))))
    if not options.repeats:
        return
    print("\n| 1024x1024 | set image | first click | later clicks |\n|---|---|---|---|")
    for name, method in methods.items():
        print(f"| {name} | {timings(method, options.repeats)} |", flush=True)


if __name__ == "__main__":
    main()
